# Copyright 2026 The oht50_bridge Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""Ask PyPI's advisories about what runs on the vehicle: the package's dependencies as installed.

Exit code 1 on a finding. Without a network it says that nothing was checked and lets it pass.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TIMEOUT = 90  # s, of it all
PATIENCE = 10  # s, for one answer
EXTRAS = ('crypto',)  # of PyJWT, which we ask for


def installed(package: str, seen: set[str]) -> Iterator[str]:
    """Yield what a package needs to run, and what that needs, as name==version."""
    for text in distribution(package).requires or []:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name in seen or (
            requirement.marker
            and not any(requirement.marker.evaluate({'extra': extra}) for extra in ('', *EXTRAS))
        ):
            continue
        seen.add(name)
        yield f'{name}=={distribution(name).version}'
        yield from installed(name, seen)


def audit(requirements: list[str]) -> tuple[int, str]:
    """Return the exit code, and what there is to say."""
    with tempfile.TemporaryDirectory() as directory:
        wanted, found = Path(directory) / 'requirements.txt', Path(directory) / 'found.json'
        wanted.write_text('\n'.join(requirements))
        try:
            done = subprocess.run(
                [
                    sys.executable,
                    '-m',
                    'pip_audit',
                    '--requirement',
                    str(wanted),
                    '--no-deps',
                    '--disable-pip',
                    '--format',
                    'json',
                    '--output',
                    str(found),
                    '--progress-spinner',
                    'off',
                    '--timeout',
                    str(PATIENCE),
                ],
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return 0, f'NOT CHECKED: the index of advisories did not answer within {TIMEOUT} s'
        if not found.exists():
            said = done.stderr.strip().splitlines() or ['no reason given']
            return 0, f'NOT CHECKED: the index of advisories was not reached ({said[-1]})'
        return report(json.loads(found.read_text())['dependencies'])


def report(entries: list[dict[str, Any]]) -> tuple[int, str]:
    """Return the exit code, and what there is to say of what pip-audit found."""
    skipped = [entry['name'] for entry in entries if 'skip_reason' in entry]
    findings = [
        f'{entry["name"]} {entry["version"]}: {finding["id"]}, fixed in '
        f'{", ".join(finding["fix_versions"]) or "no version yet"}'
        for entry in entries
        for finding in entry.get('vulns', [])
    ]
    lines = [
        f'{len(entries) - len(skipped)} of {len(entries)} dependencies checked, '
        f'{len(findings)} advisories',
        *findings,
    ]
    if skipped:
        lines.append(f'NOT CHECKED, the index does not know the version: {", ".join(skipped)}')
    return int(bool(findings)), '\n'.join(lines)


if __name__ == '__main__':
    code, text = audit(sorted(installed('oht50_bridge', set())))
    print(f'Advisories: {text}')
    sys.exit(code)

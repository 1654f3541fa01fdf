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
"""Compare the branch coverage of each package with its floor, which only rises.

usage: check_coverage.py REPORT FLOORS

REPORT is the output of `coverage json`, FLOORS a JSON object of percentages by package, and of the
`total`. Exit code 1 when a package is below its floor, or has none. A floor holds for every user:
without the rights of root some tests are skipped.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = 'oht50_bridge'
TOTAL = 'total'
RISE = 1.0  # points above the floor from which on it should be raised


def package_of(path: str) -> str:
    """Return the package that a file counts for: the one directly in oht50_bridge, or itself."""
    parts = Path(path).parts
    inner = parts[parts.index(ROOT) + 1 :] if ROOT in parts else parts
    return inner[0] if len(inner) > 1 else ROOT if ROOT in parts else parts[0]


def percentages(report: dict[str, Any]) -> dict[str, float]:
    """Return the share of lines and branches that ran, %, by package and in total."""
    covered: dict[str, int] = defaultdict(int)
    all_: dict[str, int] = defaultdict(int)
    for path, file in report['files'].items():
        summary = file['summary']
        for name in (package_of(path), TOTAL):
            covered[name] += summary['covered_lines'] + summary['covered_branches']
            all_[name] += summary['num_statements'] + summary['num_branches']
    return {name: 100.0 * covered[name] / all_[name] for name in all_ if all_[name]}


def compare(measured: dict[str, float], floors: dict[str, float]) -> tuple[int, str]:
    """Return the exit code, and a table with a line for each package."""
    code = 0
    lines = []
    for name in sorted({*measured, *floors}, key=lambda name: (name == TOTAL, name)):
        value, floor = measured.get(name, 0.0), floors.get(name)
        note = ''
        if floor is None:
            note = f'  HAS NO FLOOR: add {value:.1f}'
        elif value < floor:
            note = f'  BELOW ITS FLOOR of {floor:.1f}'
        elif value > floor + RISE:
            note = f'  raise the floor from {floor:.1f} to {int(value * 10) / 10:.1f}'
        code |= floor is None or value < floor
        lines.append(f'{name:12} {value:5.1f} %{note}')
    return int(code), '\n'.join(lines)


def main(arguments: list[str]) -> int:
    """Print the table; return the exit code."""
    report, floors = (json.loads(Path(path).read_text()) for path in arguments)
    code, table = compare(percentages(report), floors)
    print('Branch coverage of the tests without whole vehicles:')
    print(table)
    return code


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))

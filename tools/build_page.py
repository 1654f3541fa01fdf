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
"""Build the page from dashboard/ into oht50_bridge/page/, unless it is up to date.

A vehicle runs without the page, so where Node or a package is missing this says so in one line and
succeeds; with --required it fails. An error in the sources is always a failure. A source
distribution carries the page instead of dashboard/, and nothing is built there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from javascript import ROOT  # noqa: E402
from javascript import UnavailableError  # noqa: E402
from javascript import digest  # noqa: E402
from javascript import install  # noqa: E402
from javascript import node_here  # noqa: E402
from javascript import say  # noqa: E402

#: Besides those of the page, what is built into it.
CLIENT = 'clients/typescript'
OTHERS = (
    '.npmrc',
    'package.json',
    'package-lock.json',
    f'{CLIENT}/package.json',
    f'{CLIENT}/tsconfig.json',
    'oht50_bridge/version.py',
)
OTHER_FOLDERS = {'node_modules', 'dist', 'build', 'test'}
STAMP = '.sources'  # in the page; the bridge serves no hidden file
REMEDY = 'For the page: `make setup` with Node 20.19 or newer, or with a network'


class BuildError(Exception):
    """The sources of the page cannot be built; the message is what the tools said."""


def sources(root: Path) -> list[Path]:
    """Return the files that the page is made of."""
    found = [root / name for name in OTHERS]
    for folder in ('dashboard', f'{CLIENT}/src'):
        found += (
            file
            for file in (root / folder).rglob('*')
            if not OTHER_FOLDERS & set(file.relative_to(root / folder).parts)
        )
    return [file for file in found if file.is_file()]


def build(venv: Path | None, root: Path = ROOT) -> Path:
    """Build the page where it is not up to date; return its folder.

    Args:
        venv: the virtual environment that gets Node from PyPI where there is no other; None for
            `build/node`.
        root: the folder of the sources.

    Raises:
        UnavailableError: Node or a package is missing, or the sources are.
        BuildError: the sources are wrong.

    """
    page = root / 'oht50_bridge' / 'page'
    is_there = (page / 'index.html').is_file()
    if not (root / 'dashboard' / 'package.json').is_file():
        if is_there:
            return page
        raise UnavailableError('the sources of the page, dashboard/, are not here')
    stamp = page / STAMP
    wanted = digest(sources(root), root)
    if is_there and stamp.is_file() and stamp.read_text() == wanted:
        return page
    node = install(venv, root)
    say('Building the page …')
    stamp.unlink(missing_ok=True)
    try:
        done = node.run_npm('run', 'build', '--workspace', 'dashboard', root=root)
    except subprocess.TimeoutExpired as error:
        raise BuildError(str(error)) from None
    if done.returncode != 0:
        raise BuildError(done.stdout)
    if not (page / 'index.html').is_file():
        raise BuildError(f'{done.stdout}\nIt wrote no {page / "index.html"}.')
    stamp.write_text(wanted)
    return page


def build_if_possible(venv: Path | None = None, root: Path = ROOT) -> bool:
    """Build the page, or say in one line why there is none; return whether it is up to date.

    Raises:
        BuildError: the sources are wrong.

    """
    try:
        build(venv, root)
    except UnavailableError as error:
        old = (root / 'oht50_bridge' / 'page' / 'index.html').is_file()
        state = 'The page stays that of older sources' if old else 'The page was not built'
        say(f'{state}: {error}. A vehicle runs all the same. {REMEDY}.')
        return False
    return True


def main() -> int:
    """Build; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--venv', type=Path, help='virtual environment that gets Node from PyPI')
    parser.add_argument('--required', action='store_true', help='fail where it cannot be built')
    parser.add_argument('--if-node-is-here', action='store_true', help='else build nothing')
    arguments = parser.parse_args()
    try:
        if arguments.if_node_is_here and node_here() is None:
            return 0
        is_built = build_if_possible(arguments.venv)
    except UnavailableError as error:
        print(f'The page was not built: {error}', file=sys.stderr)
        return 1
    except BuildError as error:
        print(f'The page was not built, its sources are wrong:\n{error}', file=sys.stderr)
        return 1
    return 0 if is_built or not arguments.required else 1


if __name__ == '__main__':
    sys.exit(main())

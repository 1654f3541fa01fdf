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
"""Node, and the programs for it that the tests run."""

import fcntl
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / 'clients' / 'typescript'
PROGRAMS = ROOT / 'test' / 'clients'
NODE = PROGRAMS / 'node'
NPM = PROGRAMS / 'npm'
MODULES = ROOT / 'node_modules'


def run(*command, timeout=60, **options):
    """Run a program to its end; the output is text."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **options,
    )


def node(*command, **options):
    """Run a program with Node."""
    assert NODE.exists(), 'run `make clients`, it installs Node and the packages'
    return run(NODE, *command, **options)


def compiled(*projects):
    """Compile projects of TypeScript, and what they refer to; nothing when they are up to date."""
    (ROOT / 'build').mkdir(exist_ok=True)
    # Several workers of pytest-xdist may ask for the same.
    with (ROOT / 'build' / 'typescript.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = node(MODULES / 'typescript' / 'bin' / 'tsc', '--build', *projects)
    assert result.returncode == 0, result.stdout + result.stderr


def version():
    """Return the major version of Node."""
    return int(node('--version').stdout.lstrip('v').partition('.')[0])


def environment(**variables):
    """Return the environment, with some variables more."""
    return {**os.environ, **variables}

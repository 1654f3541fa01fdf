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
"""No process is started when none is wanted."""

import os
import subprocess
import sys

import pytest
from support import ROOT

SUITE = """
import subprocess, sys
import pytest

@pytest.mark.processes
def test_marked():
    subprocess.run([sys.executable, '-c', ''])

def test_unmarked():
    subprocess.run([sys.executable, '-c', ''])

def test_harmless():
    pass
"""


@pytest.mark.processes
@pytest.mark.parametrize(
    ('options', 'counts'),
    [([], '1 failed, 2 passed'), (['--without-processes'], '1 failed, 1 passed, 1 deselected')],
)
def test_a_test_that_starts_a_process_must_be_marked(tmp_path, options, counts):
    (tmp_path / 'test_it.py').write_text(SUITE)
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'pytest',
            '-p',
            'processes',
            *options,
            '--strict-markers',
            f'--rootdir={tmp_path}',
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(ROOT / 'test'), 'PYTEST_ADDOPTS': ''},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert counts in done.stdout
    assert 'FAILED test_it.py::test_unmarked - Failed: starts a process' in done.stdout

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

"""Where there is no Chromium, the tests and the measurement of the page say so."""

import os
import subprocess
import sys

import pytest
from support import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.no_cover]

SAID = 'THE PAGE WAS NOT TESTED: there is no /nowhere/chromium: apt-get install chromium'


def run(*arguments):
    """Run Python where there is no Chromium; return its exit code and what it wrote."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, 'CHROMIUM': '/nowhere/chromium'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    'tests', ['test/page/test_browser.py', 'test/clients/test_typescript_scenarios.py']
)
def test_tests_are_skipped_and_the_summary_says_what_was_not_tested(tests):
    names = ['-k', 'chromium'] if 'clients' in tests else []
    marks = ['-m', 'slow or not slow']
    code, written = run('-m', 'pytest', '-p', 'no:cacheprovider', tests, *names, *marks)
    assert code == 0, written
    lines = written.splitlines()
    assert any(line.startswith('SKIPPED') and line.endswith(SAID) for line in lines), written
    assert ' passed' not in lines[-1] and ' skipped' in lines[-1], written


def test_the_measurement_of_the_page_ends_and_says_why():
    assert run('bench/page.py') == (1, f'{SAID}\n')

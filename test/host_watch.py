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
"""A pytest plugin: repeats a test in real time that failed while the host stalled.

A vehicle or a driver that gets no processor time stops, as it should, and its test fails. So
`stall_meter.py` measures how long the scheduler kept it waiting from the start of each test of
whole vehicles and of real serial lines, with its fixtures, to its end.
A test that failed while that exceeded a limit is repeated once, with all
its fixtures torn down and set up again. The summary lists these tests, and the run fails when more
than MAX_REPEATS were repeated. A test that failed without a stall has failed.

pytest-rerunfailures keeps the fixtures of modules for the repeat, and its condition knows neither
the test nor when it started.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

LIMIT = 0.1  # s, of a stall that excuses one failure
MAX_REPEATS = 3
REAL_TIME = (
    '/test/system/',
    '/test/faults/',
    '/test/launch/',
    '/test/page/',
    '/test/hardware/',
    '/test/nodes/test_hardware_node.py',
    '/test/simulator/test_control.py',
    '/test/simulator/test_line.py',
    '/test/simulator/test_server.py',
    '/test/test_line_tap.py',
)
METER = Path(__file__).with_name('stall_meter.py')


class HostWatch:
    """The plugin. The process that measures starts with the first of them."""

    def __init__(self, limit: float) -> None:
        self.limit = limit  # s
        self.repeated: list[pytest.TestReport] = []  # in the process that collects the reports
        self._meter: subprocess.Popen[str] | None = None

    @property
    def meter(self) -> subprocess.Popen[str]:
        """The process that measures."""
        if self._meter is None:
            self._meter = subprocess.Popen(
                [sys.executable, '-I', '-S', str(METER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                # Ctrl-C ends the tests, and these end it.
                start_new_session=True,
            )
            self._answer()
        return self._meter

    def _answer(self) -> str:
        assert self._meter is not None and self._meter.stdout is not None
        answer = self._meter.stdout.readline()
        if not answer:
            raise RuntimeError(f'{METER.name} ended with {self._meter.wait()}')
        return answer

    def longest_stall(self, since: float) -> float:
        """Return the longest stall that ended after a moment of CLOCK_MONOTONIC, s."""
        assert self.meter.stdin is not None
        self.meter.stdin.write(f'{since!r}\n')
        self.meter.stdin.flush()
        return float(self._answer())

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the tests that run in real time."""
        for item in items:
            if any(place in item.path.as_posix() for place in REAL_TIME):
                item.add_marker(pytest.mark.real_time)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool | None:
        """Run a test in real time, and once more when it failed while the host stalled."""
        if item.get_closest_marker('real_time') is None:
            return None
        assert self.meter
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        start = time.monotonic()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        failures = [report for report in reports if report.failed]
        stall = self.longest_stall(start)
        if failures and stall > self.limit:
            # That no item follows ends the fixtures of classes, modules and the session too.
            teardown = item.session._setupstate.teardown_exact
            call = pytest.CallInfo.from_call(lambda: teardown(None), 'teardown')
            closing = pytest.TestReport.from_item_and_call(item, call)
            for report in [*failures, *([closing] if closing.failed else [])]:
                report.outcome = 'repeated'  # type: ignore[assignment]  # neither of pytest's three
                report.host_stall = stall  # type: ignore[attr-defined]  # xdist carries it along
                item.ihook.pytest_runtest_logreport(report=report)
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the tests that are repeated; with xdist, of all workers."""
        known = {each.nodeid for each in self.repeated}
        if hasattr(report, 'host_stall') and report.nodeid not in known:
            self.repeated.append(report)

    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, str] | None:
        """Show a failure that is not the last word."""
        return ('repeated', 'R', 'REPEATED') if hasattr(report, 'host_stall') else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run when too many tests were repeated."""
        if len(self.repeated) > MAX_REPEATS and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the tests that were repeated, and why they failed at first."""
        if not self.repeated:
            return
        longest = max(report.host_stall for report in self.repeated)
        terminalreporter.section('tests in real time and the host')
        for report in self.repeated:
            terminalreporter.line(f'{report.nodeid}: stall of {report.host_stall * 1e3:.0f} ms')
            terminalreporter.line(report.longreprtext)
        text = (
            f'{len(self.repeated)} tests were repeated because the host stalled: '
            f'longest stall {longest * 1e3:.0f} ms'
        )
        if len(self.repeated) > MAX_REPEATS:
            text += f'; the run fails above {MAX_REPEATS}'
        terminalreporter.line(text, yellow=True)

    def pytest_unconfigure(self) -> None:
        """End the process that measures."""
        if self._meter is not None:
            self._meter.kill()
            self._meter.wait()
            for pipe in (self._meter.stdin, self._meter.stdout):
                assert pipe is not None
                pipe.close()
            self._meter = None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the limit."""
    parser.addoption(
        '--host-stall-limit',
        type=float,
        default=LIMIT,
        metavar='SECONDS',
        help='repeat a whole-vehicle test that failed while the host stalled longer (0.1)',
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin and its marker."""
    config.addinivalue_line(
        'markers',
        'real_time: drives a vehicle or its boards in real time '
        '(test/system, test/faults, test/launch, test/hardware, test/page)',
    )
    config.pluginmanager.register(HostWatch(config.getoption('--host-stall-limit')), 'host-watch')

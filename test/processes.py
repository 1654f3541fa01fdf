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
"""A pytest plugin: with --without-processes, no test that starts a process runs.

Tests marked `processes` are left out, and one that starts a process without being marked fails.
"""

import platform
import sys
from collections.abc import Generator

import pytest

MARKER = 'processes'
EVENTS = {'os.fork', 'os.forkpty', 'os.posix_spawn', 'subprocess.Popen'}


class WithoutProcesses:
    """The plugin, when the option is given."""

    def __init__(self) -> None:
        self.started: list[str] = []
        platform.processor()  # starts `uname` once in a process
        sys.addaudithook(self.audit)

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note the start of a process."""
        if event in EVENTS:
            self.started.append(f'{event} {arguments}')

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out the tests that are marked."""
        marked = [item for item in items if item.get_closest_marker(MARKER)]
        config.hook.pytest_deselected(items=marked)
        items[:] = [item for item in items if item not in marked]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Fail a test that started a process, in its fixtures too."""
        result = yield
        started = self.started[:]
        self.started.clear()
        if started:
            pytest.fail(f'starts a process and is not marked `{MARKER}`: {started}')
        return result


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        '--without-processes', action='store_true', help='run only tests that start no process'
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the plugin where it is asked for."""
    config.addinivalue_line('markers', f'{MARKER}: starts processes; `make test-unit` omits it')
    if config.getoption('--without-processes'):
        config.pluginmanager.register(WithoutProcesses(), 'without-processes')

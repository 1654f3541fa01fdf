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
"""A pytest plugin: unit tests start no process, or are marked `processes`.

With --without-processes only they run, without those that are marked. Everywhere else a process is
what is tested.
"""

import platform
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

MARKER = 'processes'
EVENTS = {'os.fork', 'os.forkpty', 'os.posix_spawn', 'subprocess.Popen'}
#: Where unit tests are, below test/, and in it.
FOLDERS = {'protocol', 'client', 'gateway', 'vehicle', 'bringup', 'cli'}
ROOT = Path(__file__).parent


class Processes:
    """The plugin."""

    def __init__(self) -> None:
        self.started: list[str] = []
        platform.processor()  # starts `uname` once in a process
        sys.addaudithook(self.audit)

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note the start of a process."""
        if event in EVENTS:
            self.started.append(f'{event} {arguments}')

    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> bool | None:
        """Leave out what is no unit test, where that is asked for."""
        if not config.getoption('--without-processes') or is_unit(collection_path):
            return None
        return collection_path != ROOT

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out those that are marked, where that is asked for."""
        if not config.getoption('--without-processes'):
            return
        marked = [item for item in items if item.get_closest_marker(MARKER)]
        config.hook.pytest_deselected(items=marked)
        items[:] = [item for item in items if item not in marked]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Forget what was started before the test and its fixtures."""
        self.started.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Fail a unit test that started a process, in its fixtures too, and is not marked."""
        result = yield
        if self.started and is_unit(item.path) and not item.get_closest_marker(MARKER):
            pytest.fail(f'starts a process and is not marked `{MARKER}`: {self.started}')
        return result


def is_unit(path: Path) -> bool:
    """Return whether a file, or a folder below test/, is one of unit tests."""
    if not path.is_relative_to(ROOT):
        return True
    first, *others = path.relative_to(ROOT).parts or ('',)
    return first in FOLDERS or (not others and first.endswith('.py'))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        '--without-processes',
        action='store_true',
        help='run only unit tests that start no process',
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and the plugin."""
    config.addinivalue_line('markers', f'{MARKER}: starts processes; `make test-unit` omits it')
    config.pluginmanager.register(Processes(), 'processes-of-tests')

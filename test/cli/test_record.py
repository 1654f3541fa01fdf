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
import importlib.util
import os

import pytest

from oht50_bridge.cli import record
from oht50_bridge.cli.main import main
from oht50_bridge.cli.options import CommandError


class Replaced(BaseException):
    """The process would have been replaced."""


@pytest.fixture
def replaced(monkeypatch):
    """Collects how the process would be replaced."""
    calls = []

    def execve(*call):
        calls.append(call)
        raise Replaced

    monkeypatch.setattr(os, 'execve', execve)
    return calls


def test_it_becomes_the_recorder_of_a_namespace_and_domain(tmp_path, replaced):
    bag = tmp_path / 'bag'
    with pytest.raises(Replaced):
        main(
            [
                *['record', str(bag), '--namespace', '/hoist_a', '--domain', '7'],
                *['--state-dir', str(tmp_path)],
            ]
        )
    ((path, command, environment),) = replaced
    assert path == command[0]
    assert command[command.index('recorder') + 1] == str(bag)
    assert '__ns:=/hoist_a' in command
    assert environment['ROS_DOMAIN_ID'] == '7'


def test_without_a_name_the_bag_is_in_the_state_directory(tmp_path, replaced):
    with pytest.raises(Replaced):
        main(['record', '--state-dir', str(tmp_path)])
    ((_, command, _),) = replaced
    assert command[command.index('recorder') + 1].startswith(str(tmp_path))


def test_a_namespace_that_is_not_valid_is_refused(tmp_path, replaced, capsys):
    assert main(['record', '--namespace', 'x', '--state-dir', str(tmp_path)]) == 1
    assert 'oht50 record:' in capsys.readouterr().err
    assert replaced == []


def test_a_missing_library_is_reported_with_the_remedy(monkeypatch):
    record.require_rosbags()
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(CommandError, match='pip install rosbags'):
        record.require_rosbags()

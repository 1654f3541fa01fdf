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
"""The launch descriptions' arguments, as the plan of the processes."""

import pytest

pytest.importorskip('launch.actions', reason='needs ROS 2: make test-ros')

from oht50_bridge.bringup import launching
from oht50_bridge.bringup.errors import BringUpError


def values(**changes):
    return {**{name: entry[0] for name, entry in launching.ARGUMENTS.items()}, **changes}


def test_every_argument_has_a_description():
    for name, (_, text, _) in launching.ARGUMENTS.items():
        assert text, name


def test_the_arguments_become_the_plan(tmp_path):
    plan = launching.plan(values(sim='true', port='8001', state_dir=str(tmp_path), namespace='/a'))
    assert (plan.port, plan.namespace, plan.state_dir) == (8001, '/a', tmp_path)


def test_the_computer_is_checked_once_for_the_launch_files_of_a_vehicle(tmp_path, monkeypatch):
    checked = []
    monkeypatch.setattr(launching, 'check_host', lambda *given: checked.append(given[-1]))
    for name in ('a', 'b'):
        for changes in ({'sim': 'true'}, {}):
            given = values(state_dir=str(tmp_path / name), **changes)
            launching.check_computer(launching.plan(given))
    assert checked == [tmp_path / 'a', tmp_path / 'b']


def test_limits_that_contradict_one_another_are_refused(tmp_path):
    params = tmp_path / 'params.yaml'
    params.write_text('/**/safety_node: {ros__parameters: {speed_limit: 0.3}}')
    with pytest.raises(BringUpError, match='lower mission_node max_velocity'):
        launching.plan(values(sim='true', params_file=str(params), state_dir=str(tmp_path)))

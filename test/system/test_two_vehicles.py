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
"""Two vehicles in one domain and namespace: nothing moves, nothing is cleared, both say why."""

import os
import signal

from support import Up
from support import own_domain
from support import wait_for

TARGET = {'x': 15e3, 'y': 0, 'z': 0}


def test_a_second_vehicle_in_the_namespace_stops_both_and_its_end_frees_the_first(tmp_path):
    with own_domain() as domain:
        for name in 'ab':
            (tmp_path / name).mkdir()
        with Up(tmp_path / 'a', domain) as first:
            first.wait_until_up()
            with first.client('operator') as operator:
                stop = operator.call('emergency_stop', reason='drill')['estop_id']
            with Up(tmp_path / 'b', domain) as second:
                second.wait_until_up()
                for vehicle, other in ((first, second), (second, first)):
                    vehicle.wait_for('another vehicle in this namespace')
                    assert str(other.vehicle_dir) in vehicle.log.read_text()
                for vehicle in (first, second):
                    with vehicle.client('admin') as admin:
                        refused = admin.call('clear_estop', estop_id=stop)
                        assert not refused['accepted']
                        assert 'another vehicle' in refused['message']
                        mission = admin.call(
                            'start_mission', mission_type='transport', target_position=TARGET
                        )
                        assert not mission['accepted']
                assert second.stop() == 0
            with first.client('admin') as admin:
                # What the second sent is over, and its stop is latched here as well.
                admin.clear_estop()
                wait_for(
                    lambda: admin.attempt(
                        'start_mission', mission_type='transport', target_position=TARGET
                    )['accepted'],
                    what='a mission is accepted',
                    pause=0.2,
                )
                admin.call('cancel_mission')
            assert first.stop() == 0


def test_a_vehicle_that_was_killed_and_started_again_is_no_other_one(tmp_path):
    with own_domain() as domain:
        with Up(tmp_path, domain) as first:
            first.wait_until_up()
            for name in ('safety_node', 'mission_node', 'bridge_node'):
                os.kill(first.node_pid(name), signal.SIGKILL)
            first.process.kill()
            first.process.wait()
            wait_for(lambda: first.node_pid('hardware_node') is None, what='its nodes have ended')
        with Up(tmp_path, domain) as again:
            again.wait_until_up()
            with again.client('admin', ['system.status']) as admin:
                admin.wait('system.status', 30.0, lambda e: e['data']['state'] == 'ready')
            assert again.stop() == 0
        assert 'in this namespace' not in again.log.read_text()

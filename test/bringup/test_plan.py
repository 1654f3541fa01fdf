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
"""The plan of a vehicle: what it refuses, what it gives each process, when it gives one up."""

from pathlib import Path

import pytest
import yaml

from oht50_bridge.bag import BagError
from oht50_bridge.bag import recorded_vehicle
from oht50_bridge.bringup.plan import MAXIMUM_ENDS
from oht50_bridge.bringup.plan import Ends
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.plan import Replay
from oht50_bridge.cli.options import CommandError


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        ({'namespace': 'oht50'}, 'no namespace'),
        ({'namespace': '/replay/oht50'}, 'replayed'),
        ({'simulated': True, 'serial_port': '/dev/ttyS0'}, 'one of the two'),
        ({'use_sim_time': True}, 'real boards'),
    ],
)
def test_what_does_not_go_together_is_refused(options, said):
    with pytest.raises(CommandError, match=said):
        Plan(Path('state'), 0, **options)


def test_vehicles_differ_in_their_directory(tmp_path):
    plans = [
        Plan(tmp_path, domain, namespace)
        for domain in (0, 1)
        for namespace in ('/oht50', '/hoist_a', '/plant/hoist_a')
    ]
    assert len({plan.directory for plan in plans}) == len(plans)


def test_one_vehicle_is_held_by_one(tmp_path):
    plan = Plan(tmp_path, 0)
    with plan.lock():
        with pytest.raises(CommandError, match='--domain'):
            plan.lock()
        Plan(tmp_path, 0, '/hoist_a').lock().close()
    plan.lock().close()


def test_each_node_gets_its_own_parameters_last(tmp_path):
    plan = Plan(tmp_path, 0, '/hoist_a', simulated=True, port=1234)
    for node, name, value in (
        ('bridge_node', 'port', 1234),
        ('hardware_node', 'line.drive.device', str(plan.directory / 'simulator' / 'drive')),
    ):
        own = yaml.safe_load(plan.parameter_files(node)[-1].read_text())
        assert own[f'/hoist_a/{node}']['ros__parameters'][name] == value


def test_replay_is_away_from_its_vehicle(tmp_path):
    replay = Replay(tmp_path, '/oht50', '127.0.0.1', 8000)
    assert replay.namespace == '/replay/oht50'
    (values,) = yaml.safe_load(replay.parameter_files()[-1].read_text()).values()
    assert values['ros__parameters']['replay'] is True


def test_a_process_is_given_up():
    ends = Ends('some_node')
    for _ in range(MAXIMUM_ENDS - 1):
        ends.add(-9)
    with pytest.raises(CommandError, match='some_node ended 10 times within 60 s, last with SIG'):
        ends.add(-9)
    with pytest.raises(CommandError, match='refused its configuration'):
        Ends('some_node').add(78)


def bag(directory, *topics):
    directory.mkdir()
    (directory / 'metadata.yaml').write_text(
        yaml.safe_dump(
            {
                'rosbag2_bagfile_information': {
                    'topics_with_message_count': [
                        {'topic_metadata': {'name': name, 'type': kind}} for name, kind in topics
                    ]
                }
            }
        )
    )
    return directory


def test_the_vehicle_of_a_bag(tmp_path):
    stop = 'oht50_bridge/msg/SafetyEstop'
    log = ('/rosout', 'rcl_interfaces/msg/Log')
    one = bag(tmp_path / 'one', ('/oht50/safety/estop', stop), log)
    assert recorded_vehicle(one) == '/oht50'
    two = bag(tmp_path / 'two', ('/a/safety/estop', stop), ('/b/safety/estop', stop))
    assert recorded_vehicle(two, 'b') == '/b'
    with pytest.raises(BagError, match='/a, /b'):
        recorded_vehicle(two)
    with pytest.raises(BagError, match='no events'):
        recorded_vehicle(bag(tmp_path / 'none', ('/a/safety/estop', 'std_msgs/msg/String')))
    with pytest.raises(BagError, match='ros2 bag reindex'):
        recorded_vehicle(tmp_path)

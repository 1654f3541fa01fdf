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
"""Which vehicle a bag holds, by its metadata."""

import pytest
import yaml

from oht50_bridge.bag import BagError
from oht50_bridge.bag import event_topic
from oht50_bridge.bag import recorded_vehicle
from oht50_bridge.bag import typestore


def test_the_topic_of_an_event():
    assert event_topic('mission.started') == 'mission/started'


def test_the_types_of_this_package_are_known():
    assert 'oht50_bridge/msg/SafetyEstop' in typestore().types


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

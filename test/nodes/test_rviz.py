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
"""The view of rviz shows what the nodes publish; test/launch has the same of a real vehicle."""

import pytest
import yaml
from rviz_view import MESSAGES
from rviz_view import shown
from rviz_view import view

from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.nodes import topics
from oht50_bridge.paths import config_dir

TOPICS = {f'{NAMESPACE}/{topic.name}': topic for topic in topics.ALL}
OF_OTHERS = f'{NAMESPACE}/robot_description'  # robot_state_publisher's


@pytest.mark.parametrize(
    'one', [one for one in shown() if one.topic != OF_OTHERS], ids=lambda one: one.topic
)
def test_each_display_receives_its_topic(one):
    topic = TOPICS[one.topic]
    package, _, name = MESSAGES[one.display].split('/')
    assert topic.type.__module__.split('.')[0] == package
    assert topic.type.__name__ == name
    assert one.receives(topic.qos.reliability, topic.qos.durability)


def test_frames_are_those_of_the_vehicle():
    frames = yaml.safe_load((config_dir() / 'vehicle.yaml').read_text())['/**']['ros__parameters']
    assert view()['Global Options']['Fixed Frame'] == frames['map_frame']
    assert view()['Views']['Current']['Target Frame'] == frames['base_frame']

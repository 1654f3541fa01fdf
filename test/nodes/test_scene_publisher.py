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

import math

import pytest
import rclpy
from geometry_msgs.msg import Point

from oht50_bridge.msg import MissionState
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SystemStatus
from oht50_bridge.msg import Telemetry
from oht50_bridge.nodes.markers import Scene
from oht50_bridge.nodes.scene_publisher import ScenePublisher

READY = SystemStatus(status='idle', state='ready')
NOWHERE = Point(x=math.nan, y=math.nan, z=math.nan)


@pytest.fixture
def scene(ros):
    node = rclpy.create_node('system_node')
    scene = ScenePublisher(node, 'map', Scene(50.0, {}, 'base_link'))
    scene.published = []
    scene._markers.publish = scene.published.append
    yield scene
    node.destroy_node()


def shown(scene):
    """Return the texts and the names of the newest markers."""
    markers = scene.published[-1].markers
    return {marker.ns for marker in markers}, {marker.text for marker in markers}


def test_the_status_is_beside_the_vehicle_once_its_place_is_known(scene):
    scene.on_telemetry(Telemetry(position=NOWHERE))
    scene.label(READY, None)
    assert scene.published == []
    scene.on_telemetry(Telemetry(position=Point(x=1.0)))
    scene.on_telemetry(Telemetry(position=NOWHERE))
    scene.label(READY, PowerState(percentage=0.85))
    assert 'idle, ready\nbattery 85%' in shown(scene)[1]
    scene.label(READY, PowerState(percentage=0.85))
    assert len(scene.published) == 1, 'nothing has changed'


def test_the_target_of_a_mission_is_shown_until_its_end(scene):
    for phase, is_shown in (('executing', True), ('none', False)):
        scene.on_mission(MissionState(phase=phase, target_position=Point(x=7.0)))
        assert ('target' in shown(scene)[0]) is is_shown

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
"""What rviz is given to show: each marker once, with a number that stays, in its frame."""

from geometry_msgs.msg import Point
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from oht50_bridge.msg import Zone
from oht50_bridge.nodes.markers import RED
from oht50_bridge.nodes.markers import WHITE
from oht50_bridge.nodes.markers import Scene
from oht50_bridge.nodes.markers import markers


def shown(**more):
    """Return the markers of a scene with a station."""
    scene = Scene(track_length=50.0, stations={'charger': 1.0}, base_frame='base_link', **more)
    return markers(Header(frame_id='map'), scene).markers


def zone(name, zone_type):
    return Zone(zone_id=name, zone_type=zone_type, action='alert', start=2.0, end=4.0)


def test_a_scene_takes_the_place_of_the_one_before():
    first, *others = shown()
    assert first.action == Marker.DELETEALL
    assert {marker.action for marker in others} == {Marker.ADD}


def test_numbers_are_unique_and_stay_when_other_things_come_and_go():
    zones = [zone('one', 'warning'), zone('two', 'safe')]
    few, many = shown(), shown(zones=zones, target=Point(x=12.0), status='idle, ready')
    numbers = [(marker.ns, marker.id) for marker in many]
    assert len(set(numbers)) == len(numbers)
    assert {(marker.ns, marker.id) for marker in few} <= {*numbers}


def test_status_goes_with_the_vehicle():
    assert 'vehicle' not in {marker.ns for marker in shown()}
    for alarm, color in ((False, WHITE), (True, RED)):
        (text,) = [
            marker
            for marker in shown(status='estop, error', alarm=alarm)
            if marker.ns == 'vehicle'
        ]
        assert (text.text, text.color) == ('estop, error', color)
        assert (text.header.frame_id, text.frame_locked) == ('base_link', True)


def test_everything_else_is_in_the_frame_of_the_rail():
    assert {
        marker.header.frame_id
        for marker in shown(zones=[zone('one', 'warning')], target=Point(x=12.0))
    } == {'map'}


def test_texts_say_how_wide_a_space_is():
    """Without that rviz makes it about as wide as three letters."""
    texts = [
        marker
        for marker in shown(zones=[zone('one', 'warning')])
        if marker.type == Marker.TEXT_VIEW_FACING
    ]
    assert {marker.text for marker in texts} == {'one: alert', 'charger'}
    assert all(0.0 < marker.scale.x < marker.scale.z / 2.0 for marker in texts)

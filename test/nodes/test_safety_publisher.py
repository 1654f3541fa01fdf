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
"""How the decisions of the safety rules become messages."""

import math
import time

import pytest
import rclpy
from geometry_msgs.msg import Point

from oht50_bridge.msg import HoistState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.nodes import safety_publisher
from oht50_bridge.nodes.safety_publisher import SafetyPublisher
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType
from oht50_bridge.vehicle.speed_limits import DirectedLimits
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import Limit
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneType

PUBLISHERS = ('_heartbeat', '_state', '_estop', '_clear', '_zones', '_zone_entered')


@pytest.fixture
def node(ros):
    node = rclpy.create_node('safety_node')
    yield node
    node.destroy_node()


def make_publisher(node):
    """Return a publisher and the list of what it publishes."""
    publisher, published = SafetyPublisher(node, 'map'), []
    for name in PUBLISHERS:
        getattr(publisher, name).publish = published.append
    return publisher, published


@pytest.fixture
def latch(tmp_path):
    return EstopLatch(tmp_path / 'estop.json', time.time_ns)


@pytest.mark.parametrize(
    ('limit', 'permitted', 'hold'),
    [
        (Limit(0.5, ''), True, False),
        (Limit(0.1, 'obstacle at 1.50 m', hold=True), True, False),
        (Limit(0.0, 'obstacle at 0.30 m', hold=True), False, True),
        (Limit(0.0, 'maintenance'), False, False),
    ],
)
def test_heartbeat_permits_motion_above_0_and_holds_at_0_only(node, limit, permitted, hold):
    publisher, published = make_publisher(node)
    limits = DirectedLimits(limit, limit)
    publisher.heartbeat(limits, Direction.FORWARD, SafetyHeartbeat.MODE_NORMAL, 3)
    (beat,) = published
    assert (beat.motion_permitted, beat.hold) == (permitted, hold)
    assert (beat.speed_limit, beat.reason) == (limit.speed, limit.reason)
    assert (beat.speed_limit_forward, beat.speed_limit_backward) == (limit.speed, limit.speed)
    assert beat.mode == SafetyHeartbeat.MODE_NORMAL


def test_heartbeat_has_the_limit_of_each_direction_and_the_reason_of_the_commanded_one(node):
    publisher, published = make_publisher(node)
    limits = DirectedLimits(Limit(0.0, 'obstacle at 0.30 m', hold=True), Limit(0.5, ''))
    for direction in (Direction.FORWARD, Direction.BACKWARD):
        publisher.heartbeat(limits, direction, SafetyHeartbeat.MODE_NORMAL, 3)
    ahead, back = published
    for beat in published:
        assert beat.motion_permitted
        assert (beat.speed_limit_forward, beat.speed_limit_backward) == (0.0, 0.5)
    assert (ahead.speed_limit, ahead.reason, ahead.hold) == (0.0, 'obstacle at 0.30 m', True)
    assert (back.speed_limit, back.reason, back.hold) == (0.5, '', False)


def test_heartbeats_are_numbered_and_a_later_start_is_greater(node):
    first, published = make_publisher(node)
    later, of_later = make_publisher(node)
    limits = DirectedLimits(Limit(0.5, ''), Limit(0.5, ''))
    for publisher, dangers in ((first, None), (first, 3), (later, 3)):
        publisher.heartbeat(limits, Direction.NONE, SafetyHeartbeat.MODE_NORMAL, dangers)
    assert [beat.dangers for beat in published] == [-1, 3]
    assert [beat.counter for beat in published] == [1, 2]
    assert [beat.counter for beat in of_later] == [1]
    assert published[0].started_at == published[1].started_at < of_later[0].started_at


def test_state_of_the_latch_comes_before_the_event_which_has_the_moment_of_the_trigger(
    node, latch
):
    publisher, published = make_publisher(node)
    estop = latch.trigger(TriggerType.SOFTWARE, 'drill', 'alice')
    publisher.set_place(Point(x=1.0, y=2.0, z=3.0))
    publisher.estop(latch, estop)
    state, event = published
    assert (state.latched, state.trigger_type, state.reason) == (True, 'software', 'drill')
    assert from_stamp(event.header.stamp) == estop.stamp
    assert (state.counter, event.counter) == (1, 1)
    assert event.header.frame_id == 'map'
    assert (event.position.x, event.position.y, event.position.z) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ('rope', 'z'),
    [
        ({'referenced': True, 'rope_length': 0.0}, 0.0),
        ({'referenced': True, 'rope_length': 0.055}, -0.055),
        ({'referenced': True, 'rope_length': 2.5}, -2.5),
        ({'referenced': False, 'rope_length': math.nan}, math.nan),
        ({'referenced': True, 'rope_length': math.nan}, math.nan),
        ({'referenced': True, 'rope_length': 2.5, 'age': 1.0}, math.nan),
    ],
)
def test_the_place_of_each_event_hangs_at_the_rope(node, latch, rope, z):
    publisher, published = make_publisher(node)
    publisher.rope.put(HoistState(**rope))
    estop = latch.trigger(TriggerType.SOFTWARE, 'drill', 'alice')
    publisher.estop(latch, estop)
    assert math.isnan(published[-1].position.z), 'no place, no height'
    publisher.set_place(Point(x=1.0, y=2.0, z=0.02))
    publisher.estop(latch, estop)
    publisher.zone_entered(Zone('z', ZoneType.WARNING, ZoneAction.ALERT, 0.0, 2.0, 0.2))
    for event in (published[-2], published[-1]):
        assert (event.position.x, event.position.y) == (1.0, 2.0)
        assert str(event.position.z) == str(z)  # nan equals nan


def test_an_old_place_is_not_reported(node, latch, monkeypatch):
    monkeypatch.setattr(safety_publisher, 'PLACE_LIFETIME', -1.0)
    publisher, published = make_publisher(node)
    publisher.set_place(Point(x=1.0))
    publisher.clear(latch)
    assert len(published) == 1  # no stop was cleared yet
    assert latch.clear(latch.trigger(TriggerType.REMOTE, 'drill', 'alice').estop_id, 'resume')
    publisher.clear(latch)
    _, state, event = published
    assert (event.next_action, event.counter) == ('resume', state.counter)
    assert from_stamp(event.header.stamp) == latch.last_clear.stamp
    assert math.isnan(event.position.x)


def test_causes_are_published_only_when_they_change(node, latch):
    publisher, published = make_publisher(node)
    publisher.changes(latch)
    assert published == []
    latch.set_causes({'estop_button': 'pressed'}, TriggerType.HARDWARE)
    publisher.changes(latch)
    publisher.changes(latch)
    (state,) = published
    assert state.active_causes == ['pressed']


def test_a_requested_stop_is_named_when_it_is_on_disk(node, latch):
    publisher, published = make_publisher(node)
    publisher.estop(latch, latch.trigger(TriggerType.REMOTE, 'drill', 'alice', 'request'))
    assert list(published[0].requests) == []
    publisher.changes(latch)
    latch.save()
    publisher.changes(latch)
    publisher.changes(latch)
    assert len(published) == 3
    assert list(published[2].requests) == ['request']


def test_zones_and_the_entry_into_one(node):
    publisher, published = make_publisher(node)
    zone = Zone('slow', ZoneType.WARNING, ZoneAction.SLOW_DOWN, 22.0, 22.6, 0.2)
    publisher.set_place(Point(x=22.1))
    publisher.zones([zone], 0.4)
    publisher.zone_entered(zone)
    zones, event = published
    (message,) = zones.zones
    assert zones.speed_limit == 0.4
    assert (message.zone_id, message.zone_type, message.action) == ('slow', 'warning', 'slow_down')
    assert (message.start, message.end, message.speed_limit) == (22.0, 22.6, 0.2)
    assert (event.zone_id, event.action, event.position.x) == ('slow', 'slow_down', 22.1)

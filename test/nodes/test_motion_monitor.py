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
"""What safety_node makes of the reports of its position source and of the motor."""

import math
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from geometry_msgs.msg import Point
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from rclpy.parameter import Parameter
from support import wait_for

from oht50_bridge.msg import DriveState
from oht50_bridge.msg import Location
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.nodes import motion_monitor
from oht50_bridge.nodes.motion_monitor import MotionMonitor
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.safety_node import SafetyNode
from oht50_bridge.vehicle.motion_supervisor import MotionSupervisor
from oht50_bridge.vehicle.motion_supervisor import SupervisionSettings
from oht50_bridge.vehicle.position_source import PositionOrigin
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.position_source import PositionState
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.zones import ZoneTracker

HARDWARE = Path(__file__).resolve().parent.parent.parent / 'docs' / 'hardware.md'


@pytest.fixture
def node(ros):
    node = ros.graph(SafetyNode).node
    node.set_parameters([Parameter(CONFIG_VERSION, value='1.0.0')])
    return node


def report_place(node, x, **more):
    values = {'position_resolution': 0.001, 'position_reach': 50.0, 'position_referenced': True}
    node._motion.on_location(Location(**({'position': Point(x=x, y=0.0, z=0.0)} | values | more)))


def test_a_position_source_that_falls_silent_is_a_stop(node):
    report_place(node, 20.0)
    wait_for(lambda: node._beat() or node._latch.estop)
    assert 'position lost: no report for' in node._latch.estop.reason
    for _ in range(5):
        node._beat()
    assert len(node._latch.stops) == 1, 'one stop, however long it lasts'


def test_a_report_that_waited_too_long_is_no_position(node):
    report_place(node, 20.0, age=9.0)
    assert node._limiter.position.newest(time.monotonic()) is None


@pytest.mark.parametrize(
    ('ros', 'name'),
    [(['-p', 'position_source:=topic'], 'location/external'), ([], 'location')],
    indirect=['ros'],
)
def test_the_position_comes_from_the_configured_source_alone(node, name):
    assert node.count_subscribers(name) == 1
    assert node.count_subscribers('location') + node.count_subscribers('location/external') == 1


def positions_of(node):
    """Return the list of the positions that a node publishes from now on."""
    positions = []
    node._motion._publisher.publish = positions.append
    return positions


@pytest.mark.parametrize('x', [0.0, 12.5, 50.0])
@pytest.mark.parametrize(
    ('more', 'reason'),
    [
        ({'position_referenced': False}, 'the source is not referenced'),
        ({'position_reach': 0.0}, 'measures up to 0 m, the rail is 50 m long'),
        ({'position_reach': 32.767}, 'measures up to 32.767 m, the rail is 50 m long'),
    ],
)
def test_a_source_that_does_not_state_its_reference_and_reach_is_not_used(node, x, more, reason):
    positions = positions_of(node)
    report_place(node, x, **more)
    assert (positions[-1].state, math.isnan(positions[-1].position)) == ('unknown', True)
    assert reason in positions[-1].reason
    assert reason in node._limiter._position_limit(time.monotonic()).reason


class Scale:
    """The scale of the example in docs/hardware.md."""

    step = 0.001
    longest = 50.0
    referenced = True

    def read(self):
        return 12.0, time.monotonic()


def test_the_example_of_a_position_source_is_used(node):
    (example,) = re.findall(
        r'```python\n([^`]*Location\([^`]*)```', HARDWARE.read_text(encoding='utf-8')
    )
    reports = []
    publisher = SimpleNamespace(publish=reports.append)
    exec(example, {'scale': Scale(), 'node': node, 'publisher': publisher})
    positions = positions_of(node)
    node._motion.on_location(reports[0])
    assert (positions[-1].state, positions[-1].position) == ('valid', 12.0)
    assert math.isnan(positions[-1].velocity), 'a position alone is no standstill'


def test_motion_that_nobody_commanded_is_a_stop(node):
    def moved():
        report_place(node, 20.0 + (time.monotonic() - begin) * 0.4)
        node._on_inputs(SafetyInputs(configured=True))
        node._motion.on_drive(DriveState(commanded_velocity=math.nan))
        node._beat()
        time.sleep(0.02)
        return node._latch.estop

    begin = time.monotonic()
    wait_for(moved)
    assert 'though nothing is commanded' in node._latch.estop.reason


def test_a_zone_between_two_positions_is_entered(node):
    entered = []
    node._publisher._zone_entered.publish = entered.append
    zone = {
        'zone_names': ['narrow'],
        'zone_types': ['warning'],
        'zone_actions': ['alert'],
        'zone_starts': [20.01],
        'zone_ends': [20.02],
        'zone_limits': [0.2],
    }
    node.set_parameters_atomically([Parameter(name, value=value) for name, value in zone.items()])
    report_place(node, 20.0)
    report_place(node, 20.04)
    report_place(node, 20.05)
    assert [event.zone_id for event in entered] == ['narrow']


def test_the_place_of_a_new_reference_is_no_motion(node):
    begin = time.monotonic()
    while time.monotonic() < begin + 1.0:  # the vehicle stands
        report_place(node, 20.0)
        node._beat()
        time.sleep(0.02)
    source = node._limiter.position

    def referenced():
        report_place(node, 3.0)
        try:
            source.reference(time.monotonic())
        except RefusedError:
            return False
        return True

    report_place(node, 3.0)
    assert 'position lost' in node._latch.estop.reason
    wait_for(referenced)
    for _ in range(50):
        report_place(node, 3.0)
        assert node._motion.fault(time.monotonic(), 0.0) == ''
        time.sleep(0.02)


def reference(node, x):
    """Report a place until a person could clear the stop and reference the position with it."""
    source = node._limiter.position

    def referenced():
        report_place(node, x)
        try:
            source.reference(time.monotonic())
        except RefusedError:
            return False
        return True

    wait_for(referenced)


@pytest.mark.parametrize(
    ('x', 'reason'),
    [
        (3.0, 'it changed by'),
        (12.0, 'it changed by'),
        (math.nan, 'the source measures none'),
        (99.0, 'is not on the rail'),
    ],
)
def test_a_position_that_is_lost_again_before_the_next_heartbeat_is_another_stop(node, x, reason):
    report_place(node, 20.0)
    report_place(node, 12.0)
    reference(node, 8.0)
    report_place(node, x)
    assert [stop.source for stop in node._latch.stops] == ['supervision'] * 2
    assert reason in node._latch.estop.reason
    node._beat()
    assert len(node._latch.stops) == 2, 'each loss is one stop'


def test_a_silent_source_that_was_referenced_before_the_next_heartbeat_is_another_stop(node):
    report_place(node, 20.0)
    report_place(node, 12.0)
    reference(node, 8.0)
    assert node._motion.fault(time.monotonic() + 1.0, 0.0).startswith('position lost: no report')


def test_a_loss_is_reported_although_the_position_was_referenced_meanwhile(node):
    report_place(node, 20.0)
    node._limiter.position.check(time.monotonic() + 1.0)  # as somebody else who looks
    reference(node, 8.0)
    node._beat()
    assert 'position lost: no report for' in node._latch.estop.reason


def test_a_heartbeat_repeats_no_position_that_was_just_published(node, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, 'monotonic', lambda: now)
    report_place(node, 20.0)
    positions = positions_of(node)
    node._beat()
    assert positions == []
    now += 0.05
    node._beat()
    assert [position.state for position in positions] == ['valid']
    assert positions[0].age == pytest.approx(0.05)
    report_place(node, 12.0)  # a jump
    lost = positions[1:]
    assert lost and {position.state for position in lost} == {'lost'}


def test_a_position_that_a_heartbeat_finds_lost_is_published_with_it(node, monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, 'monotonic', lambda: now)
    report_place(node, 20.0)
    positions = positions_of(node)
    node._motion.refresh(now)
    assert positions == []
    node._limiter.position.check(now + 5.0)  # silent for so long
    node._motion.refresh(now)
    assert [position.state for position in positions] == ['lost']


class Watch:
    """A monitor, its source and who looks at them; also the node and the clock of the monitor."""

    def __init__(self):
        self.now, self.unreported = 10.0, 0
        self.source = PositionSource(PositionSettings(), TrackSettings(50.0))
        self.monitor = MotionMonitor(
            self, 'map', PositionOrigin.TOPIC, self.source, ZoneTracker(),
            MotionSupervisor(SupervisionSettings()), self, self.beat,
        )  # fmt: skip

    def create_publisher(self, *topic):
        return SimpleNamespace(publish=lambda message: None)

    def create_subscription(self, *topic, raw=False):
        pass

    def set_place(self, place):
        pass

    def monotonic(self):
        return self.now

    def beat(self):
        self.look(lambda: None)
        reported = 'position lost' in self.monitor.fault(self.now, 1.0)
        assert reported == (self.unreported > 0), 'each loss is reported once'
        self.unreported = 0

    def look(self, work):
        """Do what may lose the position, and see whether it did."""
        before = self.source.state
        work()
        self.source.check(self.now)
        self.unreported += (
            before is PositionState.VALID and self.source.state is PositionState.LOST
        )

    def do(self, kind, value):
        match kind:
            case 'report':
                location = Location(
                    position=Point(x=value),
                    position_resolution=0.001,
                    position_reach=65.535,
                    position_referenced=True,
                )
                before, unreported = self.source.state, self.unreported
                update = self.source.update
                self.source.update = lambda *report, **fit: self.look(
                    lambda: update(*report, **fit)
                )
                self.monitor.on_location(location)
                self.source.update = update
                # One that somebody else noticed before waits for the next beat.
                lost = self.unreported > unreported
                assert not (before is PositionState.VALID and lost), 'reported at once'
            case 'pause':
                self.now += value
            case 'beat':
                self.beat()
            case 'look':
                self.look(lambda: None)
            case _:
                try:
                    self.look(lambda: self.source.check(self.now))
                    self.source.reference(self.now)
                except RefusedError:
                    pass


STEP = st.one_of(
    st.tuples(st.just('report'), st.sampled_from([5.0, 5.01, 30.0, 99.0, math.nan])),
    st.tuples(st.just('pause'), st.sampled_from([0.01, 0.05, 0.15, 0.25, 0.6])),
    st.tuples(st.sampled_from(['beat', 'look', 'reference']), st.just(0.0)),
)
STEADY = [('report', 5.0), ('pause', 0.25), ('report', 5.0)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(STEP.map(lambda step: [step]), st.just(STEADY)), max_size=20))
@example([STEADY, [('report', 30.0)], STEADY, [('reference', 0.0), ('report', 30.0)]])
@example([STEADY, [('pause', 0.6), ('look', 0.0)], STEADY, [('reference', 0.0), ('beat', 0.0)]])
@example([STEADY, [('report', 99.0)], STEADY, [('reference', 0.0), ('pause', 0.6)]])
def test_every_loss_of_the_position_is_reported_once_whenever_somebody_looks(steps):
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(motion_monitor, 'time', watch)
        for step in steps:
            for kind, value in step:
                watch.do(kind, value)
                if kind != 'pause':
                    watch.now += 0.01
        watch.beat()


@pytest.mark.parametrize(
    ('ros', 'z'), [([], -0.1), (['-p', 'position_source:=topic'], math.nan)], indirect=['ros']
)
def test_the_place_of_events_is_that_of_the_configured_source(node, z):
    entered, stops = [], []
    node._publisher._zone_entered.publish = entered.append
    node._publisher._estop.publish = stops.append
    zone = {
        'zone_names': ['narrow'],
        'zone_types': ['warning'],
        'zone_actions': ['alert'],
        'zone_starts': [20.02],
        'zone_ends': [21.0],
        'zone_limits': [0.2],
    }
    node.set_parameters_atomically([Parameter(name, value=value) for name, value in zone.items()])
    for x in (20.0, 20.03):
        report_place(node, x, position=Point(x=x, y=math.nan, z=z))
    (event,) = entered
    up = 0.0 if math.isnan(z) else z
    assert (event.position.x, event.position.y, event.position.z) == (20.03, 0.0, up)
    report_place(node, 3.0)
    node._beat()
    (stop,) = stops
    assert 'position lost' in node._latch.estop.reason
    assert stop.position.x == 20.03, 'the last place that was believed'


@pytest.mark.parametrize('ros', [['-p', 'position_source:=none']], indirect=True)
def test_without_a_source_an_event_has_no_place(node):
    stops = []
    node._publisher._estop.publish = stops.append
    assert node.count_subscribers('location') + node.count_subscribers('location/external') == 0
    node._publish_causes(node._latch.trigger('software', 'drill', 'test'))
    assert all(map(math.isnan, (stops[0].position.x, stops[0].position.y, stops[0].position.z)))

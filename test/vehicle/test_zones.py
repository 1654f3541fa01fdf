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
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import lowest
from oht50_bridge.vehicle.zones import HYSTERESIS
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneError
from oht50_bridge.vehicle.zones import ZoneSettings
from oht50_bridge.vehicle.zones import ZoneTracker
from oht50_bridge.vehicle.zones import ZoneType
from oht50_bridge.vehicle.zones import widened
from oht50_bridge.vehicle.zones import zone_limits

BRAKING = Braking(deceleration=0.3, reaction_time=0.25)
TRACK = 50.0
GOOD = {
    'zone_names': ('a', 'b'),
    'zone_types': ('warning', 'safe'),
    'zone_actions': ('slow_down', 'alert'),
    'zone_starts': (1.0, 5.0),
    'zone_ends': (2.0, 6.0),
    'zone_limits': (0.2, 1.0),
}


def stop_zone(start, end, name='stop'):
    return Zone(name, 'restricted', 'stop', start, end, 0.1)


def slow_zone(start, end, speed=0.2, name='slow'):
    return Zone(name, 'warning', 'slow_down', start, end, speed)


def limit(zones, position, direction):
    limits = zone_limits(zones, position, direction, TrackSettings(TRACK), BRAKING)
    return lowest(limits).speed if limits else math.inf


def test_zones_of_arrays():
    assert ZoneSettings(**GOOD).zones() == (
        Zone('a', 'warning', 'slow_down', 1.0, 2.0, 0.2),
        Zone('b', 'safe', 'alert', 5.0, 6.0, 1.0),
    )


def test_empty_name_is_no_zone():
    assert ZoneSettings().zones() == ()
    assert ZoneSettings((), (), (), (), (), ()).zones() == ()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (
            {'zone_types': ('warning', 'dangerous')},
            "zone_types of 'b': 'dangerous' is not one of restricted, warning, safe",
        ),
        ({'zone_actions': ('jump', 'alert')}, "zone_actions of 'a': 'jump'"),
        ({'zone_starts': (2.0, 5.0)}, "zone_starts of 'a': 2 m is not below its end, 2 m"),
        ({'zone_limits': (0.2, 0.0)}, "zone_limits of 'b': 0 m/s is not above 0"),
        ({'zone_limits': (0.2, math.nan)}, "zone_limits of 'b': nan"),
        ({'zone_ends': (2.0, math.inf)}, "zone_ends of 'b': inf"),
        ({'zone_names': ('a', 'a')}, "'a' occurs twice"),
        ({'zone_ends': (2.0,)}, 'zone_ends has 1 entries, zone_names has 2'),
    ],
)
def test_contradictory_zones_are_refused_by_name(changes, message):
    with pytest.raises(ZoneError, match=message.replace('(', r'\(')):
        ZoneSettings(**{**GOOD, **changes})


def test_more_than_ten_zones_are_refused():
    def arrays(count):
        return (
            tuple(f'z{i}' for i in range(count)),
            ('safe',) * count,
            ('alert',) * count,
            tuple(float(i) for i in range(count)),
            tuple(i + 0.5 for i in range(count)),
            (1.0,) * count,
        )

    assert len(ZoneSettings(*arrays(10)).zones()) == 10
    with pytest.raises(ZoneError, match='more than 10'):
        ZoneSettings(*arrays(11))


def test_zone_is_entered_once_and_left_with_hysteresis():
    zone = slow_zone(10.0, 12.0)
    tracker = ZoneTracker([zone])
    assert tracker.update(9.99) == []
    assert tracker.update(10.0) == [zone]
    for position in (10.01, 10.0 - HYSTERESIS / 2, 10.0, 12.0 + HYSTERESIS / 2, 12.0, math.nan):
        assert tracker.update(position) == []
    assert tracker.inside == {'slow'}
    assert tracker.update(12.0 + 2 * HYSTERESIS) == []
    assert tracker.inside == set()
    assert tracker.update(12.0) == [zone]


@pytest.mark.parametrize(('before', 'after'), [(9.0, 13.0), (13.0, 9.0), (11.0, 12.5)])
def test_a_zone_that_comes_to_be_on_the_way_just_travelled_is_entered(before, after):
    tracker = ZoneTracker()
    tracker.update(before)
    tracker.zones = [slow_zone(10.0, 12.0)]
    assert tracker.update(after) == list(tracker.zones)
    assert tracker.inside == set()


def test_a_vehicle_enters_with_its_nose_and_leaves_with_its_tail():
    zone = slow_zone(10.0, 12.0)
    tracker = ZoneTracker([zone], reach=0.4)
    assert tracker.update(9.59) == []
    assert tracker.update(9.61) == [zone], 'as it is configured'
    assert tracker.update(12.44) == []
    assert tracker.inside == {'slow'}
    tracker.update(12.46)
    assert tracker.inside == set()
    assert tracker.update(12.39) == [zone]
    tracker.update(13.0)
    assert tracker.update(9.0) == [zone], 'jumped over'


@pytest.mark.parametrize('length', [0.0, 0.8, 3.0])
def test_positions_of_the_middle_at_which_any_part_of_the_vehicle_is_in_a_zone(length):
    (zone,) = widened([stop_zone(10.0, 12.0)], TrackSettings(50.0, length))
    assert (zone.start, zone.end) == (10.0 - length / 2.0, 12.0 + length / 2.0)
    assert (zone.zone_id, zone.speed_limit) == ('stop', 0.1)


@pytest.mark.parametrize(
    ('start', 'end', 'position', 'forward', 'backward'),
    [
        (0.7, 2.0, 0.6, 0.1, 0.0),  # the tail is at the end of the rail before the nose is out
        (48.0, 49.3, 49.4, 0.0, 0.1),
        (0.9, 2.0, 0.7, 0.0, 0.1),  # there is room for the vehicle before it
    ],
)
def test_a_stop_zone_is_left_where_there_is_room_for_the_whole_vehicle(
    start, end, position, forward, backward
):
    track = TrackSettings(50.0, vehicle_length=0.8)
    zones = widened([stop_zone(start, end)], track)
    for direction, speed in ((Direction.FORWARD, forward), (Direction.BACKWARD, backward)):
        assert lowest(zone_limits(zones, position, direction, track, BRAKING)).speed == speed


def test_only_changed_zones_are_entered_anew():
    kept, changed = slow_zone(0.0, 5.0, name='kept'), slow_zone(0.0, 5.0, name='changed')
    tracker = ZoneTracker([kept, changed])
    tracker.update(1.0)
    tracker.zones = [kept, slow_zone(0.0, 6.0, name='changed')]
    assert [zone.zone_id for zone in tracker.update(1.0)] == ['changed']


def test_zone_limits_its_inside_and_what_is_ahead_only():
    zones = [slow_zone(10.0, 12.0)]
    assert limit(zones, 11.0, Direction.FORWARD) == limit(zones, 11.0, Direction.BACKWARD) == 0.2
    assert 0.2 < limit(zones, 9.9, Direction.FORWARD) < limit(zones, 9.0, Direction.FORWARD)
    assert limit(zones, 9.9, Direction.BACKWARD) == math.inf
    assert limit(zones, 12.1, Direction.FORWARD) == math.inf
    assert 0.2 <= limit(zones, 12.1, Direction.BACKWARD) < limit(zones, 13.0, Direction.BACKWARD)


def test_stop_zone_cannot_be_entered_and_can_be_driven_away_from():
    zones = [stop_zone(10.0, 12.0)]
    assert limit(zones, 9.999, Direction.FORWARD) == 0.0
    assert limit(zones, 9.999, Direction.BACKWARD) == math.inf
    assert limit(zones, 12.001, Direction.BACKWARD) == 0.0
    assert limit(zones, 12.001, Direction.FORWARD) == math.inf


@pytest.mark.parametrize(
    ('zones', 'position', 'way_out'),
    [
        ([stop_zone(10.0, 12.0)], 10.5, Direction.BACKWARD),
        ([stop_zone(10.0, 12.0)], 11.5, Direction.FORWARD),
        (
            [stop_zone(48.0, 50.0)],
            49.5,
            Direction.BACKWARD,
        ),  # the nearer end is the end of the rail
        ([stop_zone(0.0, 2.0)], 0.1, Direction.FORWARD),
        ([stop_zone(10.0, 12.0, 'a'), stop_zone(12.0, 20.0, 'b')], 11.9, Direction.BACKWARD),
    ],
)
def test_stop_zone_is_left_by_its_nearer_end_and_slowly(zones, position, way_out):
    assert limit(zones, position, way_out) == 0.1
    assert limit(zones, position, -way_out) == 0.0


def test_unknown_position_means_that_every_zone_may_be_near():
    assert (
        limit([slow_zone(1.0, 2.0), slow_zone(3.0, 4.0, 0.3)], math.nan, Direction.FORWARD) == 0.2
    )
    assert limit([slow_zone(1.0, 2.0), stop_zone(3.0, 4.0)], math.nan, Direction.FORWARD) == 0.0
    assert limit([], math.nan, Direction.FORWARD) == math.inf


zone_strategy = st.builds(
    lambda start, length, kind, action, speed: (kind, action, start, start + length, speed),
    st.floats(0.0, 49.0),
    st.floats(0.01, 10.0),
    st.sampled_from(ZoneType),
    st.sampled_from(ZoneAction),
    st.floats(0.05, 2.0),
)
zones_strategy = st.lists(zone_strategy, max_size=10).map(
    lambda rows: [Zone(f'z{i}', *row) for i, row in enumerate(rows)]
)


@given(
    zones_strategy, st.floats(0.0, TRACK), st.sampled_from((Direction.FORWARD, Direction.BACKWARD))
)
def test_limit_is_never_above_any_single_zone(zones, position, direction):
    together = limit(zones, position, direction)
    for zone in zones:
        assert (
            together <= limit([zone], position, direction) + 1e-9 or zone.action == ZoneAction.STOP
        )
        if zone.contains(position):
            assert together <= zone.speed_limit


@given(zones_strategy, st.floats(0.0, TRACK))
def test_one_way_out_of_a_stop_zone_is_free_of_its_own_ban(zones, position):
    for zone in zones:
        if zone.action == ZoneAction.STOP and zone.contains(position):
            assert (
                max(
                    limit([zone], position, way) for way in (Direction.FORWARD, Direction.BACKWARD)
                )
                > 0.0
            )


@given(
    st.floats(0.05, 2.0),
    st.floats(0.2, 2.0),
    st.floats(0.0, 0.5),
    st.floats(0.05, 2.0),
    st.booleans(),
)
def test_carrier_that_obeys_is_slow_at_the_border(speed, deceleration, delay, zone_speed, stops):
    """Simulate a carrier that obeys each limit a reaction time late and brakes no harder."""
    step = 0.01
    braking = Braking(deceleration, delay + step)
    zone = Zone('z', 'restricted', 'stop' if stops else 'slow_down', 20.0, 25.0, zone_speed)
    position, velocity = 20.0 - 2.0 * speed * speed / deceleration - speed - 0.1, speed
    pending = [math.inf] * math.floor(delay / step)
    for _ in range(3_000):
        limits = zone_limits([zone], position, Direction.FORWARD, TrackSettings(TRACK), braking)
        pending.append(lowest(limits).speed)
        velocity = max(velocity - deceleration * step, min(velocity, pending.pop(0)))
        position += velocity * step
        if velocity < 0.01 or position >= 20.0:
            break
    if position >= 20.0:
        assert velocity <= (0.0 if stops else zone_speed) + deceleration * step


PLACES = st.one_of(st.just(math.nan), st.floats(0.0, TRACK), st.sampled_from([10.0, 11.0, 12.0]))
ROUTES = st.lists(
    st.one_of(PLACES, st.floats(-0.1, 0.1).map(lambda way: (way,)), zones_strategy), max_size=40
)


@given(zones_strategy, ROUTES)
@settings(max_examples=300, derandomize=True)
def test_no_zone_is_jumped_over_and_none_is_entered_that_was_not_on_the_way(zones, route):
    """Positions far apart or near, unknown ones, and other zones on the way."""
    tracker, before = ZoneTracker(zones), math.nan
    for step in route:
        if isinstance(step, list):
            tracker.zones = zones = step
            continue
        place = before + step[0] if isinstance(step, tuple) else step
        inside = tracker.inside
        entered = tracker.update(place)
        assert len(entered) == len(set(entered))
        if math.isnan(place):
            assert (entered, tracker.inside) == ([], inside)
            before = place  # nobody knows where it was meanwhile
            continue
        low, high = sorted((place, place if math.isnan(before) else before))
        for zone in zones:
            on_the_way = zone.start <= high and low <= zone.end
            assert (zone in entered) == (on_the_way and zone.zone_id not in inside)
            if zone.contains(place):
                assert zone.zone_id in tracker.inside
            elif not zone.contains(place, HYSTERESIS):
                assert zone.zone_id not in tracker.inside
        before = place

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
"""The services emergency_stop and clear_estop."""

import time

import pytest
from service_node import ServiceNode

from oht50_bridge.nodes.estop_services import EstopServices
from oht50_bridge.nodes.requested_stops import RequestedStops
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.position_source import PositionState
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError


class World(ServiceNode):
    """A latch with its services; also what they use of a node, the sources and the publisher."""

    def __init__(self, path):
        super().__init__()
        self.latch = EstopLatch(path, lambda: 1)
        self.refusal = ''
        self.neighbour = None
        self.announced, self.cleared = [], []
        self.position = PositionSource(PositionSettings(), TrackSettings(50.0))
        EstopServices(
            self,
            self.latch,
            self,
            self.position,
            self,
            RequestedStops(self, self.latch, self.announced.append),
            lambda: self.neighbour,
        )

    def clear(self, first, now=None, next_action=''):
        """Judge and clear the latch, as the sources; or record it, as the publisher."""
        if first is self.latch:
            self.cleared.append(first.last_clear.next_action)
        elif self.refusal:
            raise RefusedError(self.refusal)
        else:
            assert self.latch.clear(first, next_action)

    def stop(self, **request):
        return self.services['emergency_stop'](
            EmergencyStop.Request(**request), EmergencyStop.Response()
        )

    def request_clear(self, **request):
        return self.services['clear_estop'](ClearEstop.Request(**request), ClearEstop.Response())


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / 'estop.json')


def test_what_a_stop_says_is_one_line_of_bounded_length(world):
    response = world.stop(reason='a\r\n[WARN] b\x1b]52;' + 'x' * 2000, source='bob\n\x9b')
    (stop,) = world.announced
    assert response.accepted
    assert stop.reason.startswith('a\\r\\n[WARN] b\\x1b]52;') and len(stop.reason) < 600
    assert stop.reason.isprintable() and stop.source == 'bob\\n\\x9b'


def test_each_stop_is_announced_and_names_those_before_it(world):
    first = world.stop(reason='drill', source='alice')
    second = world.stop(source='bob')
    assert [stop.estop_id for stop in world.announced] == [first.estop_id, second.estop_id]
    assert first.message == 'emergency stop latched'
    assert second.message == (
        f"emergency stop latched; latched already: {first.estop_id} by 'alice': drill"
    )
    assert world.announced[1].reason == 'manual_trigger'


def test_a_clear_is_published_with_its_next_action_and_logged_with_every_stop(world):
    stops = [world.stop(reason=reason, source='alice') for reason in ('one', 'two')]
    response = world.request_clear(estop_id=stops[1].estop_id, source='carol')
    assert (response.accepted, response.estop_id) == (True, '')
    assert world.cleared == ['manual_control']
    assert all(text in world.logged[0] for text in ('carol', 'one', 'two'))


def test_a_refused_clear_names_the_newest_stop(world):
    stop = world.stop(source='alice')
    world.refusal = 'still present: button'
    response = world.request_clear(estop_id=stop.estop_id)
    assert (response.accepted, response.message) == (False, 'still present: button')
    assert response.estop_id == stop.estop_id
    assert world.cleared == []


def test_without_a_stop_a_clear_is_accepted_and_changes_nothing(world):
    response = world.request_clear(estop_id='estop-1')
    assert (response.accepted, response.message) == (True, 'no emergency stop is latched')
    assert world.cleared == []
    assert not world.request_clear(next_action='dance').accepted


def test_a_clear_references_a_lost_position_and_is_refused_where_it_cannot(world):
    estop = world.stop(reason='drill').estop_id
    now = time.monotonic()
    world.position.update(5.0, 0.001, 0.0, now - 0.1, reach=65.535, referenced=True)
    world.position.update(9.0, 0.001, 0.0, now, reach=65.535, referenced=True)
    assert world.position.state is PositionState.LOST
    refused = world.request_clear(estop_id=estop)
    assert not refused.accepted
    assert 'position lost: it changed by 4.000 m' in refused.message
    assert world.latch.estop is not None
    for age in (0.25, 0.1, 0.0):
        world.position.update(
            9.0, 0.001, 0.0, time.monotonic() - age, reach=65.535, referenced=True
        )
    wait = time.monotonic() + 0.25
    while time.monotonic() < wait:
        world.position.update(9.0, 0.001, 0.0, time.monotonic(), reach=65.535, referenced=True)
    assert world.request_clear(estop_id=estop).accepted
    assert world.position.state is PositionState.VALID


@pytest.mark.parametrize('place', [9.0, 45.0, 0.0])
def test_a_clear_without_a_stop_references_a_lost_position_too(world, place):
    now = time.monotonic()
    world.position.update(5.0, 0.001, 0.0, now - 0.4, reach=65.535, referenced=True)
    world.position.update(place, 0.001, 0.0, now - 0.3, reach=65.535, referenced=True)
    refused = world.request_clear()
    assert not refused.accepted
    assert 'position lost: it changed by' in refused.message
    for age in (0.2, 0.1, 0.0):
        world.position.update(place, 0.001, 0.0, now - age, reach=65.535, referenced=True)
    response = world.request_clear(source='carol')
    assert response.accepted
    assert response.message == (
        'no emergency stop is latched; the position is referenced, and nothing moves without a '
        'new command'
    )
    assert world.position.state is PositionState.VALID
    assert 'carol' in world.logged[-1]
    assert world.cleared == []


def test_a_repeated_request_is_latched_once_and_answered_alike(world):
    first = world.stop(reason='drill', source='alice', request_id='a')
    again = world.stop(reason='drill', source='alice', request_id='a')
    assert (again.accepted, again.estop_id, again.message) == (True, first.estop_id, first.message)
    assert len(world.announced) == 1


def test_nothing_is_cleared_while_another_vehicle_is_there(world):
    world.neighbour = 'another vehicle, lab:/b'
    stop = world.stop(source='alice')
    refused = world.request_clear(estop_id=stop.estop_id)
    assert not refused.accepted
    assert 'lab:/b' in refused.message
    world.neighbour = None
    assert world.request_clear(estop_id=stop.estop_id).accepted

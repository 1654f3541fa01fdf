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
"""A requested stop is latched once, by whichever way its request arrives."""

import pytest
from service_node import ServiceNode

from oht50_bridge.msg import StopRequest
from oht50_bridge.msg import StopRequests
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.requested_stops import RequestedStops
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.estop import TriggerType


@pytest.fixture
def world(tmp_path):
    world = ServiceNode()
    world.latch = EstopLatch(tmp_path / 'estop.json', lambda: 1)
    world.announced = []
    world.requested = RequestedStops(world, world.latch, world.announced.append)
    return world


def send(world, topic, *names):
    requests = [StopRequest(request_id=name, reason=name, source='alice') for name in names]
    world.subscriptions[topic.name](StopRequests(requests=requests))


@pytest.mark.parametrize('topic', [topics.STOP_REQUESTS, topics.HELD_STOPS])
def test_each_request_is_latched_once(world, topic):
    send(world, topic, 'a', 'b')
    send(world, topics.STOP_REQUESTS, 'a', 'b')
    send(world, topics.HELD_STOPS, 'b')
    assert [stop.reason for stop in world.announced] == ['a', 'b']
    world.latch.save()
    assert world.latch.requests == ('a', 'b')
    assert world.requested.latch('remote', 'a', 'alice', 'a') is world.announced[0]
    assert len(world.announced) == 2


def test_a_request_that_was_cleared_is_not_latched_again(world):
    send(world, topics.STOP_REQUESTS, 'a')
    assert world.latch.clear(world.latch.estop.estop_id)
    send(world, topics.HELD_STOPS, 'a')
    assert world.latch.estop is None


def test_a_stop_without_a_request_id_is_always_one_of_its_own(world):
    first, second = (world.requested.latch('', '', 'alice', '') for _ in range(2))
    assert first.estop_id != second.estop_id
    assert first.trigger_type == TriggerType.REMOTE
    assert first.reason == 'manual_trigger'
    assert world.latch.requests == ()
    send(world, topics.STOP_REQUESTS, '')  # nobody can tell whether it came before
    assert len(world.announced) == 3

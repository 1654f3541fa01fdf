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
"""A stop is repeated until it is latched, and its sender learns in time that it is not."""

import asyncio

import pytest
from rclpy.task import Future

from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.nodes import stop_relay
from oht50_bridge.nodes.stop_relay import PENDING
from oht50_bridge.nodes.stop_relay import StopRelay
from oht50_bridge.nodes.stop_relay import send
from oht50_bridge.srv import EmergencyStop


class SafetyNode:
    """The server of a client: away, deaf, failing or there."""

    def __init__(self):
        self.ready, self.answers, self.failure = True, True, None
        self.requests, self.forgotten, self.published = [], [], []

    def service_is_ready(self):
        return self.ready

    def call_async(self, request):
        if self.failure is not None:
            raise self.failure
        self.requests.append(request)
        future = Future()
        if self.answers:
            future.set_result(EmergencyStop.Response(accepted=True, estop_id=request.request_id))
        return future

    def remove_pending_request(self, future):
        self.forgotten.append(future)

    def publish(self, requests):
        self.published.append([request.reason for request in requests])

    def relay(self, answer_within=0.05):
        return StopRelay(self, self.publish, answer_within)


@pytest.fixture
def node(monkeypatch):
    monkeypatch.setattr(stop_relay, 'REPEAT_AFTER', 0.03)
    return SafetyNode()


async def until(condition):
    async def wait():
        while not condition():
            await asyncio.sleep(0.005)

    await asyncio.wait_for(wait(), 20.0)


def test_a_stop_is_called_first_and_published_then(node):
    async def work():
        relay = node.relay(20.0)
        node.publish = lambda requests: node.published.append((len(requests), len(node.requests)))
        relay = StopRelay(node, node.publish, 20.0)
        response = await relay.stop('drill', 'alice')
        assert response.accepted
        (request,) = node.requests
        assert (request.reason, request.source) == ('drill', 'alice')
        assert request.request_id == response.estop_id
        await until(lambda: not relay.pending)
        assert node.published == [(1, 1), (0, 1)]

    asyncio.run(work())


@pytest.mark.parametrize('away', ['absent', 'deaf', 'refusing', 'failing'])
def test_a_stop_goes_on_after_its_sender_was_informed_that_it_is_not_latched(node, away, caplog):
    node.ready = away != 'absent'
    node.answers = away not in ('deaf', 'refusing')
    node.failure = OSError('out of descriptors') if away == 'failing' else None
    futures = []
    if away == 'refusing':
        call = node.call_async

        def refuse(request):
            future = call(request)
            future.set_result(EmergencyStop.Response(accepted=False))
            futures.append(future)
            return future

        node.call_async = refuse

    async def work():
        relay = node.relay()
        with pytest.raises(CommandFailedError, match='NOT LATCHED'):
            await relay.stop('drill', 'alice')
        assert relay.pending
        assert node.published == [['drill']]
        await asyncio.sleep(0.1)
        node.ready, node.answers, node.failure = True, True, None
        node.__dict__.pop('call_async', None)
        await until(lambda: not relay.pending)
        assert node.published == [['drill'], []]
        assert len({request.request_id for request in node.requests}) == 1
        assert len(caplog.records) == (1 if away == 'failing' else 0)
        if away == 'deaf':
            assert len(node.requests) > 2
            assert len(node.forgotten) == len(node.requests)

    asyncio.run(work())


def test_many_stops_are_bounded_and_each_is_reported(node):
    node.ready = False

    async def work():
        relay = node.relay()
        stops = [relay.stop(str(number), 'alice') for number in range(3 * PENDING)]
        results = await asyncio.gather(*stops, return_exceptions=True)
        assert all(isinstance(error, CommandFailedError) for error in results)
        assert len(relay._pending) == PENDING
        node.ready = True
        await until(lambda: not relay.pending)
        assert len({request.request_id for request in node.requests}) == PENDING

    asyncio.run(work())


def test_an_answer_that_comes_when_nobody_waits_any_more_does_no_harm(node):
    node.answers = False
    futures = []
    call = node.call_async
    node.call_async = lambda request: futures.append(call(request)) or futures[-1]

    async def work():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(send(node, EmergencyStop.Request()), 0.01)
        futures[0].set_result(EmergencyStop.Response())
        assert node.forgotten == futures

    asyncio.run(work())

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
"""The limit of deliveries of the whole server."""

import asyncio
import time

import pytest

from oht50_bridge.gateway.throttle import PAUSE
from oht50_bridge.gateway.throttle import Throttle


async def test_above_the_limit_state_events_are_thinned_out_and_others_are_not(serving, event):
    async with serving(max_deliveries=50, rates={'telemetry.realtime': 0}) as server:
        peers = [await server.enter('telemetry.realtime', 'module.*') for _ in range(5)]
        started = time.monotonic()
        for n in range(60):
            server.gateway.publish(
                event(
                    'telemetry.realtime', sensors={'battery': n, 'temperature': 1, 'humidity': 1}
                )
            )
            if n % 20 == 0:
                server.gateway.publish(event('module.discovered', module_id=str(n)))
            await asyncio.sleep(0.01)
        counts = []
        for peer in peers:
            seen, last = [], -1
            while last != 59 or [m for m in seen if m['type'] == 'module.discovered'][2:] == []:
                seen.append(await peer.receive())
                if seen[-1]['type'] == 'telemetry.realtime':
                    last = seen[-1]['data']['sensors']['battery']
            events = [m['data']['module_id'] for m in seen if m['type'] == 'module.discovered']
            assert events == ['0', '20', '40']
            counts.append(len(seen) - 3)
        elapsed = time.monotonic() - started
        assert sum(counts) <= 50 * elapsed + 5 + 1
        assert max(counts) <= min(counts) + 3  # every client gets its share


async def test_a_client_that_had_to_wait_is_served_first(serving, event):
    async with serving(max_deliveries=20, rates={'telemetry.realtime': 0}) as server:
        for _ in range(4):
            await server.enter('telemetry.realtime')
        server.gateway.publish(event('telemetry.realtime'))
        assert server.gateway.stats().deliveries == 2
        time.sleep(0.2)  # the limit recovers while nobody can be served
        server.gateway.publish(event('telemetry.realtime'))
        assert server.gateway.stats().deliveries == 2
        await server.until(lambda: server.gateway.stats().deliveries == 6)


class ManualLoop:
    """The clock and the one timer that a throttle uses of an event loop."""

    def __init__(self):
        self.now = 100.0
        self.timer = None

    def time(self):
        return self.now

    def call_at(self, when, callback):
        assert self.timer is None, 'one timer is enough'
        self.timer = (when, callback)
        return self

    def cancel(self):
        self.timer = None

    def advance(self):
        """Go to the time of the timer and run it."""
        (self.now, callback), self.timer = self.timer, None
        callback()


class Waiter:
    """Somebody with frames to send."""

    def __init__(self, throttle, frames):
        self.throttle = throttle
        self.frames = frames

    def pump(self):
        while self.frames and self.throttle.take(self):
            self.frames -= 1


@pytest.fixture
def loop():
    return ManualLoop()


def test_a_waiter_without_budget_is_served_when_there_is_some(loop):
    throttle = Throttle(loop, 10.0)
    waiter = Waiter(throttle, 2)
    waiter.pump()
    assert waiter.frames == 1
    began = loop.now
    loop.advance()
    assert waiter.frames == 0
    assert loop.now - began == pytest.approx(0.1)
    assert loop.timer is None


def test_waiters_are_served_in_the_order_in_which_they_had_to_wait(loop):
    throttle = Throttle(loop, 10.0)
    waiters = [Waiter(throttle, 2) for _ in range(3)]
    for waiter in waiters:
        waiter.pump()
    served = [[waiter.frames for waiter in waiters]]
    while loop.timer is not None:
        loop.advance()
        served.append([waiter.frames for waiter in waiters])
    assert served == [[1, 2, 2], [0, 2, 2], [0, 1, 2], [0, 1, 1], [0, 0, 1], [0, 0, 0]]


def test_nobody_overtakes_a_waiter(loop):
    throttle = Throttle(loop, 10.0)
    first, second = Waiter(throttle, 2), Waiter(throttle, 1)
    first.pump()
    loop.now += 1.0  # there is budget again, but the timer has not run
    second.pump()
    assert second.frames == 1


def test_event_class_frames_use_budget_of_state_class_frames(loop):
    throttle = Throttle(loop, 10.0)
    throttle.charge()
    assert not throttle.take(Waiter(throttle, 1))


def test_a_forgotten_waiter_is_not_served(loop):
    throttle = Throttle(loop, 10.0)
    waiter = Waiter(throttle, 2)
    waiter.pump()
    throttle.forget(waiter)
    loop.advance()
    assert waiter.frames == 1


def test_after_close_nobody_is_served(loop):
    throttle = Throttle(loop, 10.0)
    Waiter(throttle, 2).pump()
    throttle.close()
    assert loop.timer is None


def test_a_high_rate_is_served_at_most_once_per_pause(loop):
    throttle = Throttle(loop, 10_000.0)
    Waiter(throttle, 1001).pump()
    assert loop.timer[0] == pytest.approx(loop.now + PAUSE)

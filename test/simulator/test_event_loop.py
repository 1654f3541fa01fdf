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
"""The loop of the simulator: timers in their order, files when they are readable."""

from __future__ import annotations

import socket
import time

import pytest

from oht50_bridge.simulator.event_loop import EventLoop


@pytest.fixture
def loop():
    loop = EventLoop()
    yield loop
    loop.close()


def test_timers_run_in_the_order_of_their_times_and_none_too_early(loop):
    ran = []
    now = time.monotonic()
    for delay in (0.02, 0.0, 0.01, 0.01):
        loop.at(now + delay, lambda delay=delay: ran.append((delay, time.monotonic() - now)))
    loop.at(now + 0.05, lambda: None)  # a turn waits for the next event
    while len(ran) < 4:
        loop.turn()
    assert [delay for delay, _ in ran] == [0.0, 0.01, 0.01, 0.02]
    assert all(at >= delay for delay, at in ran)


def test_a_readable_file_calls_back_until_it_is_forgotten(loop):
    here, there = socket.socketpair()
    received = []
    loop.watch(here, lambda: received.append(here.recv(16)))
    there.send(b'a')
    loop.turn()
    assert received == [b'a']
    loop.forget(here)
    there.send(b'b')
    loop.at(time.monotonic() + 0.01, lambda: None)
    loop.turn()
    assert received == [b'a']
    for end in (here, there):
        end.close()


def test_a_file_that_an_earlier_callback_closed_is_not_called(loop):
    pairs = [socket.socketpair() for _ in range(2)]
    called = []

    def close_both(own):
        called.append(own)
        for here, _ in pairs:
            loop.forget(here)

    for here, there in pairs:
        loop.watch(here, lambda own=here: close_both(own))
        there.send(b'x')
    loop.turn()
    assert len(called) == 1
    for pair in pairs:
        for end in pair:
            end.close()


def test_close_closes_the_sockets():
    loop = EventLoop()
    here, there = socket.socketpair()
    loop.watch(here, lambda: None)
    loop.close()
    assert here.fileno() == -1
    there.close()

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
import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.state_fanout import LATE
from oht50_bridge.gateway.state_fanout import PAUSE
from oht50_bridge.gateway.state_fanout import StateFanout
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.rates import TokenBucket

STATES = sorted(name for name, kind in EVENTS.items() if kind.is_state)
REALTIME = 'telemetry.realtime'


class ManualLoop:
    """The clock and the one timer that the fan-out uses of an event loop."""

    def __init__(self):
        self.now = 100.0
        self.timer = None

    def time(self):
        return self.now

    def call_at(self, when, callback):
        assert self.timer is None, 'one timer is enough'
        assert when >= self.now, 'that time has passed'
        self.timer = (when, callback)
        return self

    def cancel(self):
        self.timer = None

    def advance(self):
        """Go to the time of the timer and run it."""
        (self.now, callback), self.timer = self.timer, None
        callback()

    def advance_to(self, end):
        """Run the timer as often as it is due until then."""
        while self.timer is not None and self.timer[0] <= end:
            self.advance()
        self.now = max(self.now, end)


class Value:
    """A value of a state-class type; equal to nothing else."""

    frame = b''

    def __init__(self, kind, key=''):
        self.kind = EVENTS[kind]
        self.key = (kind, key)


class Reader:
    """A subscriber that keeps what it is sent and when."""

    def __init__(self, loop):
        self.loop = loop
        self.full = self.fails = self.dropped = False
        self.got = []

    def may_read(self, kind):
        return True

    def write_state(self, event):
        if self.fails:
            raise RuntimeError('broken')
        if not self.full:
            self.got.append((self.loop.now, event))
        return not self.full

    def drop(self):
        self.dropped = True

    @property
    def values(self):
        return [value for _, value in self.got]


class World:
    """A fan-out on a clock of the test's own, and its subscribers."""

    def __init__(self, budget=0.0, readers=1, kind=REALTIME, rate=None):
        self.loop = ManualLoop()
        self.counts = Counts()
        self.budget = TokenBucket(budget, max(1.0, budget / 10))
        self.fanout = StateFanout(
            self.loop, self.budget, lambda kind: EVENTS[kind].rate, self.counts
        )
        self.readers = [Reader(self.loop) for _ in range(readers)]
        for reader in self.readers:
            self.fanout.subscribe(reader, kind, EVENTS[kind].rate if rate is None else rate)

    def publish(self, kind=REALTIME, key=''):
        value = Value(kind, key)
        self.fanout.publish(value)
        return value


@pytest.fixture
def world():
    return World


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
        assert sum(counts) <= 50 * elapsed + 10 + 1
        assert max(counts) <= min(counts) + 3  # every client gets its share


async def test_the_last_value_sent_on_subscribing_delays_no_later_one(serving, event):
    async with serving() as server:
        first = await server.enter(REALTIME)
        published = time.monotonic()
        server.gateway.publish(event(REALTIME))
        await asyncio.sleep(0.05)
        second = await server.enter(REALTIME)
        assert [m['type'] for m in await second.barrier()] == [REALTIME]
        await asyncio.sleep(max(0.0, published + 0.1 - time.monotonic()))
        before = server.gateway.stats().deliveries
        server.gateway.publish(event(REALTIME))
        assert server.gateway.stats().deliveries == before + 2
        assert [m['type'] for m in await first.barrier()] == [REALTIME] * 2


def test_a_value_goes_to_all_at_once_and_the_next_in_the_slot(world):
    world = world(readers=3)
    first = world.publish()
    assert [reader.values for reader in world.readers] == [[first]] * 3
    assert world.loop.timer is None
    world.loop.now += 0.05
    world.publish()
    newest = world.publish()
    assert [reader.values for reader in world.readers] == [[first]] * 3
    began = world.loop.now
    world.loop.advance()
    assert [reader.values for reader in world.readers] == [[first, newest]] * 3
    assert 0.04 <= world.loop.now - began <= 0.07
    assert world.counts.replaced == 3
    assert world.counts.delivered == {REALTIME: 6}


@pytest.mark.parametrize('rate', [10.0, 5.0, 2.0, 1.0])
@pytest.mark.parametrize('jitter', [0.0, 0.01])
@pytest.mark.parametrize('source', [10.0, 20.0])
def test_a_value_is_new_when_it_is_sent(world, rate, jitter, source):
    """Of a source at a multiple of the rate: it does not wait for a timer beside the source."""
    world = world(rate=rate)
    begin, ages = world.loop.now, []
    (reader,) = world.readers
    published = {}
    for n in range(200):
        world.loop.advance_to(begin + n / source + jitter * (n % 2))
        published[world.publish()] = world.loop.now
    ages = [at - published[value] for at, value in reader.got]
    assert max(ages) == 0.0
    assert len(ages) == pytest.approx(200 / source * rate, abs=1)


def test_who_subscribes_gets_the_last_value_and_gets_the_next_with_the_others(world):
    world = world()
    last = world.publish()
    world.loop.now += 0.03
    late = Reader(world.loop)
    world.fanout.subscribe(late, REALTIME, 10.0)
    world.fanout.send_last(late, last)
    assert late.values == [last]
    world.loop.now += 0.07
    value = world.publish()
    assert late.values == [last, value]


def test_a_change_of_the_rate_opens_no_slot_early(world):
    world = world()
    (reader,) = world.readers
    world.publish()
    for rate in (5.0, 2.0, 10.0, 5.0):
        world.fanout.subscribe(reader, REALTIME, rate)
        world.publish()
    assert len(reader.got) == 1
    world.loop.advance_to(world.loop.now + 0.25)
    assert len(reader.got) == 2


def test_a_change_of_the_rate_loses_no_value_that_waits_for_the_slot(world):
    world = world()
    (reader,) = world.readers
    world.publish()
    newest = world.publish()
    world.fanout.subscribe(reader, REALTIME, 5.0)
    while world.loop.timer is not None:
        world.loop.advance()
    assert reader.values[-1] is newest


def test_a_full_connection_gets_the_newest_value_when_it_is_not_full_any_more(world):
    world = world(readers=2)
    stuck, other = world.readers
    stuck.full = True
    for _ in range(5):
        newest = world.publish()
        world.loop.advance_to(world.loop.now + 0.1)
    assert len(other.got) == 5 and stuck.got == []
    assert len(world.fanout) == 1
    assert world.loop.timer is None  # nothing is tried for it
    stuck.full = False
    world.fanout.serve(stuck)
    assert stuck.values == [newest]
    value = world.publish()
    assert stuck.values == [newest, value] == [newest, other.values[-1]]
    assert len(world.fanout) == 0


def test_who_was_passed_over_is_the_first_in_the_next_pass(world):
    world = world(budget=20.0, readers=4)  # two frames at once, and two per period
    first = world.publish()
    assert [reader.values for reader in world.readers] == [[first], [first], [], []]
    world.loop.now += 0.1
    second = world.publish()
    assert [reader.values for reader in world.readers] == [[first], [first], [second], [second]]
    world.loop.now += 0.1
    third = world.publish()
    assert [reader.values[-1] for reader in world.readers] == [third, third, second, second]


def test_who_was_passed_over_gets_the_value_when_no_newer_one_comes(world):
    world = world(budget=20.0, readers=4)
    value, began = world.publish(), world.loop.now
    world.loop.advance()
    assert world.loop.now - began == pytest.approx(LATE)
    assert [reader.values for reader in world.readers] == [[value]] * 4
    assert world.loop.timer is None or world.loop.advance() is None
    assert world.loop.timer is None


def test_the_rest_waits_for_the_budget_in_order(world):
    world = world(budget=10.0, readers=5)
    world.publish()
    order = []
    while world.loop.timer is not None:
        world.loop.advance()
        order += [n for n, reader in enumerate(world.readers) if reader.got and n not in order]
    assert order == [0, 1, 2, 3, 4]
    for earlier, later in itertools.pairwise(world.readers[1:]):
        assert later.got[0][0] - earlier.got[0][0] == pytest.approx(0.1, abs=PAUSE)


def test_event_class_frames_use_budget_of_state_class_frames(world):
    world = world(budget=10.0)
    world.budget.charge(world.loop.now)
    world.publish()
    assert world.readers[0].got == []


def test_a_value_of_what_has_ended_is_not_sent_any_more(world):
    world = world(readers=2, kind='mission.progress')
    world.readers[0].full = True
    one = world.publish('mission.progress', 'm-1')
    world.publish('mission.progress', 'm-2')
    world.fanout.end('mission.progress', 'm-1')
    world.readers[0].full = False
    world.fanout.serve(world.readers[0])
    world.fanout.end('mission.progress', 'm-2')
    while world.loop.timer is not None:
        world.loop.advance()
    assert [reader.values for reader in world.readers] == [[], [one]]


def test_each_mission_has_its_turn(world):
    world = world(kind='mission.progress')
    for _ in range(40):
        values = [world.publish('mission.progress', f'm-{n}') for n in range(3)]
        world.loop.advance_to(world.loop.now + 0.1)
    while world.loop.timer is not None:
        world.loop.advance()
    counts = [sum(value.key[1] == f'm-{n}' for value in world.readers[0].values) for n in range(3)]
    assert max(counts) - min(counts) <= 1
    assert set(world.readers[0].values[-3:]) == set(values)


def test_a_subscriber_that_fails_is_dropped_and_the_next_gets_the_value(world, caplog):
    world = world(readers=3)
    world.readers[1].fails = True
    value = world.publish()
    assert [reader.values for reader in world.readers] == [[value], [], [value]]
    assert [reader.dropped for reader in world.readers] == [False, True, False]
    assert 'telemetry.realtime could not be sent' in caplog.text


@pytest.mark.parametrize('rate', [10.0, 3.0])
def test_who_has_left_or_unsubscribed_is_not_served(world, rate):
    world = world(budget=10.0, readers=3, rate=rate)
    world.publish()
    world.fanout.forget(world.readers[1])
    world.fanout.unsubscribe(world.readers[2], REALTIME)
    while world.loop.timer is not None:
        world.loop.advance()
    world.loop.now += 10
    world.publish()
    assert [len(reader.got) for reader in world.readers] == [2, 0, 0]
    assert len(world.fanout) == 0


def test_unsubscribing_one_type_leaves_the_others(world):
    world = world()
    (reader,) = world.readers
    world.fanout.subscribe(reader, 'telemetry.status', 1.0)
    reader.full = True
    world.publish()
    status = world.publish('telemetry.status')
    world.fanout.unsubscribe(reader, REALTIME)
    reader.full = False
    world.fanout.serve(reader)
    assert reader.values == [status]


def test_who_may_not_read_any_more_gets_nothing_that_is_owed(world):
    world = world()
    (reader,) = world.readers
    reader.full = True
    world.publish()
    reader.may_read, reader.full = lambda kind: False, False
    world.fanout.serve(reader)
    world.loop.now += 1.0
    world.publish()
    assert reader.got == [] and len(world.fanout) == 0


def test_after_close_nobody_is_served(world):
    world = world(budget=10.0, readers=2)
    world.publish()
    world.fanout.close()
    assert world.loop.timer is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ['publish', 'publish', 'publish', 'full', 'free', 'leave', 'join', 'rate', 'charge']
        ),
        st.integers(0, 5),
        st.sampled_from(STATES),
        st.sampled_from([0.0, 0.001, 0.02, 0.05, 0.09, 0.1, 0.11, 0.4]),
    ),
    max_size=120,
)


def windows(times):
    for first, begin in enumerate(times):
        for last in range(first, len(times)):
            yield last - first + 1, times[last] - begin


@given(STEPS, st.sampled_from([0.0, 10.0, 40.0]))
def test_no_window_exceeds_a_limit_and_the_newest_value_comes_in_the_end(steps, budget):
    """Whatever is published, full, subscribed or gone; and the timer is one and never idle."""
    world = World(budget=budget, readers=6)
    fanout, loop = world.fanout, world.loop
    rates = {(reader, REALTIME): [10.0] for reader in world.readers}
    newest = {}
    since = dict.fromkeys(rates, 0)
    for step, (what, number, kind, gap) in enumerate(steps, 1):
        reader = world.readers[number]
        if what == 'publish':
            key = str(number % 2) if kind == 'mission.progress' else ''
            newest[kind, key] = (step, world.publish(kind, key))
        elif what in ('full', 'free'):
            reader.full = what == 'full'
            fanout.serve(reader)
        elif what == 'charge':
            world.budget.charge(loop.now)
        elif what == 'leave':
            fanout.unsubscribe(reader, kind)
            rates.pop((reader, kind), None)
        else:
            rate = EVENTS[kind].rate if what == 'join' else EVENTS[kind].rate / 3
            fresh = (reader, kind) not in rates
            fanout.subscribe(reader, kind, rate)
            rates[reader, kind] = [*rates.get((reader, kind), []), rate]
            if fresh:
                since[reader, kind] = step
        loop.advance_to(loop.now + gap)
    for reader in world.readers:
        reader.full = False
        fanout.serve(reader)
    for _ in range(10_000):
        if loop.timer is None:
            break
        loop.advance()
    assert loop.timer is None and len(fanout) == 0
    for (reader, kind), _ in rates.items():
        for (name, key), (at, value) in newest.items():
            if name == kind and at >= since[reader, kind]:
                mine = [v for t, v in reader.got if v.key == (kind, key)]
                assert mine and mine[-1] is value
    for reader in world.readers:
        for kind in STATES:
            joined = sum(
                1
                for what, number, name, _ in steps
                if what in ('leave', 'join', 'rate')
                and name == kind
                and world.readers[number] is reader
            )
            times = [at for at, value in reader.got if value.kind.name == kind]
            for count, length in windows(times):
                assert count <= length * EVENTS[kind].rate + 2.3 + joined + 1e-3
    if budget:
        times = sorted(at for reader in world.readers for at, _ in reader.got)
        for count, length in windows(times):
            assert count <= world.budget.burst + budget * length + 1e-3


@given(
    st.integers(2, 30),
    st.sampled_from([5.0, 20.0, 100.0]),
    st.lists(st.sampled_from([0.02, 0.09, 0.1, 0.1, 0.11]), min_size=60, max_size=120),
)
def test_nobody_starves(readers, budget, gaps):
    """Above the budget every client gets its share, and the newest value."""
    world = World(budget=budget, readers=readers)
    for gap in gaps:
        world.publish()
        world.loop.advance_to(world.loop.now + gap)
    counts = [len(reader.got) for reader in world.readers]
    assert max(counts) - min(counts) <= 1
    newest = world.publish()
    while world.loop.timer is not None:
        world.loop.advance()
    assert all(reader.values[-1] is newest for reader in world.readers)

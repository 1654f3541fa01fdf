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
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.outbox import EVENT_BURST
from oht50_bridge.gateway.outbox import Outbox
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.codec import Encoder

EVENT_CLASS = {name: kind for name, kind in EVENTS.items() if not kind.is_state}


@pytest.fixture
def deliver(event):
    counter = iter(range(1, 10**9))

    def make(kind, seq=True, **data):
        return OutgoingEvent(event(kind, **data), Encoder().encode, next(counter) if seq else None)

    return make


def popped(outbox, now):
    items = []
    while (item := outbox.pop(now)) is not None:
        items.append(item)
    return items


def test_a_stop_overtakes_everything_that_waits(deliver):
    outbox = Outbox()
    before = [deliver('module.discovered') for _ in range(3)]
    for delivery in before:
        outbox.offer(delivery, 1.0)
    outbox.reply(b'reply', 1.0)
    stop = deliver('safety.estop')
    outbox.offer(stop, 1.0)
    assert popped(outbox, 1.0)[:5] == [stop, *before, b'reply']


@given(
    st.lists(
        st.sampled_from(
            ['safety.estop', 'safety.clear', 'safety.zone_entered', 'module.discovered']
        ),
        max_size=60,
    ),
    st.data(),
)
def test_what_a_client_reads_last_of_stop_and_clear_is_how_things_stand(event, kinds, data):
    """Whatever waits, whatever repeats: stops and clears never change places."""
    outbox, now, offered, read = Outbox(capacity=10**6), 1.0, [], []
    for number, kind in enumerate(kinds, 1):
        delivery = OutgoingEvent(event(kind), Encoder().encode, number)
        if EVENTS[kind].urgent:
            offered.append(delivery)
        outbox.offer(delivery, now)
        for _ in range(data.draw(st.integers(0, 2))):
            read.append(outbox.pop(now))
        now += data.draw(st.sampled_from([0.0, 0.01, 0.7]))
    while len(outbox):
        read += popped(outbox, now)
        now = (outbox.due(now) or now) + 1e-6
    assert [item for item in read if item in offered] == offered


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(EVENT_CLASS)), st.floats(0, 0.5), st.booleans()),
        max_size=120,
    )
)
def test_events_are_never_lost_nor_reordered(event, steps):
    outbox, now, offered, read = Outbox(capacity=10**6), 1.0, [], []
    for number, (kind, gap, reads) in enumerate(steps, 1):
        now += gap
        offered.append(OutgoingEvent(event(kind), Encoder().encode, number))
        outbox.offer(offered[-1], now)
        if reads:
            read += popped(outbox, now)
    while len(outbox):
        read += popped(outbox, now)
        if len(outbox):
            assert outbox.due(now) > now
            now = outbox.due(now) + 1e-6
    for entry in EVENT_CLASS.values():
        assert [item for item in read if item.kind is entry] == [
            item for item in offered if item.kind is entry
        ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([kind for kind, entry in EVENT_CLASS.items() if not entry.immediate]),
            st.floats(0, 0.4),
        ),
        max_size=150,
    )
)
def test_no_window_of_any_length_holds_more_than_the_rate_allows(event, steps):
    outbox, now, taken = Outbox(capacity=10**6), 1.0, {kind: [] for kind in EVENT_CLASS}

    def read():
        for item in popped(outbox, now):
            taken[item.kind.name].append(now)

    for number, (kind, gap) in enumerate(steps, 1):
        end = now + gap
        while (due := outbox.due(now)) is not None and due < end:
            now = max(now + 1e-6, due)
            read()
        now = end
        outbox.offer(OutgoingEvent(event(kind), Encoder().encode, number), now)
        read()
    for kind, times in taken.items():
        for first, begin in enumerate(times):
            for last in range(first, len(times)):
                allowed = EVENT_BURST + EVENTS[kind].rate * (times[last] - begin)
                assert last - first + 1 <= allowed + 1e-3, kind


def test_an_event_type_is_held_to_its_rate_and_then_comes_in_order(deliver):
    outbox = Outbox()
    zones = [deliver('safety.zone_entered', zone_id=str(n)) for n in range(8)]
    for zone in zones:
        outbox.offer(zone, 1.0)
    assert popped(outbox, 1.0) == zones[:5]
    assert outbox.due(1.0) == pytest.approx(2.0)
    assert popped(outbox, 2.0) == zones[5:6]
    assert popped(outbox, 4.0) == zones[6:]


def test_only_identical_stops_are_held_back(deliver):
    outbox = Outbox()
    different = [deliver('safety.estop', estop_id=str(n)) for n in range(20)]
    for delivery in different:
        outbox.offer(delivery, 1.0)
    assert popped(outbox, 1.0) == different
    outbox = Outbox()
    same = [deliver('safety.estop') for _ in range(20)]
    for delivery in same:
        outbox.offer(delivery, 1.0)
    assert popped(outbox, 1.0) == same[:5]
    clear = deliver('safety.clear')
    outbox.offer(clear, 1.0)
    assert popped(outbox, 1.0) == [*same[5:], clear]  # none may come after the clear


def test_who_lets_too_much_wait_or_wait_too_long_is_slow(deliver):
    outbox = Outbox(capacity=3, max_age=10)
    for _ in range(3):
        outbox.offer(deliver('module.discovered'), 1.0)
    assert outbox.overflow(10.9) is None
    assert '10 s' in outbox.overflow(11.0)
    assert outbox.stale_at() == 11.0
    outbox.offer(deliver('module.discovered'), 1.0)
    assert '4 messages' in outbox.overflow(1.0)


def test_what_its_own_rate_holds_back_does_not_make_a_client_slow(deliver):
    outbox = Outbox(max_age=10)
    for n in range(7):
        outbox.offer(deliver('config.updated', config_id=str(n)), 1.0)
    assert len(popped(outbox, 1.0)) == 5
    assert outbox.overflow(18.0) is None
    assert outbox.pop(21.0) is not None
    assert len(outbox) == 1 and outbox.overflow(21.0) is None
    assert outbox.stale_at() == 31.0


def test_a_number_is_never_shown_while_a_lower_one_waits(deliver):
    outbox = Outbox(numbered=True)
    updates = [deliver('config.updated', config_id=str(n)) for n in range(6)]
    stop = deliver('safety.estop')
    for delivery in [*updates, stop]:
        outbox.offer(delivery, 1.0)
    frames = {item.seq: outbox.bytes_of(item) for item in popped(outbox, 1.0)}
    assert b'"seq"' not in frames[stop.seq]  # update 6 waits for its rate
    assert all(b'"seq":%d' % n in frames[n] for n in range(1, 6))
    (last,) = popped(outbox, 11.0)
    assert b'"seq":6' in outbox.bytes_of(last)


def test_a_replay_comes_whole_and_once_and_a_stop_takes_its_likes_along(deliver):
    outbox = Outbox(numbered=True)
    old = [
        deliver(kind)
        for kind in ('safety.estop', 'module.discovered', 'safety.clear', 'module.discovered')
    ]
    outbox.offer(old[3], 1.0)  # waits already
    outbox.replay(old, b'end', 1.0)
    new = deliver('safety.estop', estop_id='new')
    outbox.offer(new, 1.0)
    assert popped(outbox, 1.0) == [old[0], old[2], new, old[1], old[3], b'end']
    assert outbox.overflow(10**6) is None


def test_a_replay_may_take_long_while_it_goes_on(deliver):
    outbox = Outbox(max_age=10)
    outbox.replay([deliver('module.discovered') for _ in range(3)], b'end', 1.0)
    outbox.reply(b'behind', 1.0)
    assert outbox.stale_at() == 11.0
    for now in (10.0, 19.0, 28.0):
        assert outbox.is_replaying
        outbox.pop(now)
        assert outbox.overflow(now + 9.0) is None
    assert outbox.pop(37.0) == b'end' and not outbox.is_replaying
    # What waited behind it, too, is not to blame for it.
    assert outbox.stale_at() == 47.0 and outbox.overflow(47.0)


def test_what_may_no_longer_be_read_is_dropped(deliver):
    outbox = Outbox(capacity=5)
    for _ in range(5):
        outbox.offer(deliver('config.updated'), 1.0)
    keep = deliver('safety.zone_entered')
    outbox.offer(keep, 1.0)
    outbox.retain(lambda kind: kind == 'safety.zone_entered')
    assert outbox.overflow(1.0) is None
    assert popped(outbox, 1.0) == [keep]

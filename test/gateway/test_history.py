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
import re
import tracemalloc

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.history import EventHistory
from oht50_bridge.gateway.outbox import Outbox
from oht50_bridge.protocol.codec import Encoder


@given(st.integers(1, 20), st.integers(0, 60), st.integers(0, 70))
def test_the_history_gives_all_that_was_missed_or_says_that_it_cannot(
    event, capacity, count, after
):
    history = EventHistory('here', capacity)
    for _ in range(count):
        history.append(OutgoingEvent(event('safety.estop'), lambda e: b'{}', history.next_seq()))
    missed = history.after('here', after)
    if after > count or count - after > capacity:
        assert missed is None
    else:
        assert [delivery.seq for delivery in missed] == list(range(after + 1, count + 1))
    assert history.after('elsewhere', after) is None


def test_an_event_is_kept_in_less_than_a_kilobyte(event):
    kept, encode = 2000, Encoder().encode
    history = EventHistory('here', kept)
    tracemalloc.start()
    try:
        for _ in range(kept):
            delivery = OutgoingEvent(
                event('safety.estop').model_copy(deep=True), encode, history.next_seq()
            )
            _ = delivery.frame, delivery.numbered_frame
            history.append(delivery)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 1000 * kept


class Reader:
    """A client as the documentation describes it, whose connection may be cut at any time."""

    def __init__(self, history):
        self._history = history
        self._after = self._highest = 0
        self.read = []
        self.connect()
        self._resumed = True  # there is nothing to resume yet

    def connect(self):
        self.outbox, self._resumed = Outbox(numbered=True, capacity=10**6), False

    def resume(self, now):
        if not self._resumed:
            self._highest = self._after
            self.outbox.replay(self._history.after('here', self._after), b'resume.result', now)

    def take(self, now, count):
        while count and (item := self.outbox.pop(now)) is not None:
            count -= 1
            if isinstance(item, OutgoingEvent):
                self.read.append(item.seq)
                shown = re.search(rb'"seq":(\d+)', self.outbox.bytes_of(item))
                if shown:
                    self._highest = max(self._highest, int(shown[1]))
            else:
                self._resumed = True
            if self._resumed:
                self._after = self._highest


@settings(max_examples=400)
@given(
    st.lists(
        st.sampled_from(
            [
                'safety.estop',
                'safety.clear',
                'safety.zone_entered',
                'mission.started',
                'config.updated',
                'module.discovered',
                'module.discovered',
                'cut',
                'cut',
                'resume',
                1,
                1,
                2,
                5,
            ]
        ),
        max_size=40,
    )
)
def test_who_is_cut_off_and_resumes_any_number_of_times_misses_nothing(event, steps):
    """Urgent events overtake others: a number that is shown never stands for one not read."""
    history, now = EventHistory('here', 1000), 1.0
    reader = Reader(history)
    for step in steps:
        now += 0.05
        if step == 'cut':
            reader.connect()
        elif step == 'resume':
            reader.resume(now)
        elif isinstance(step, int):
            reader.take(now, step)
        else:
            delivery = OutgoingEvent(event(step), lambda e: b'{}', history.next_seq())
            history.append(delivery)
            reader.outbox.offer(delivery, now)
    reader.resume(now)
    while len(reader.outbox):
        reader.take(now, -1)
        now = (reader.outbox.due(now) or now) + 1e-6
    assert set(reader.read) == set(range(1, history.seq + 1))

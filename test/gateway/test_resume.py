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
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.gateway.outbox import Delivery
from oht50_bridge.gateway.resume import Ring


@given(st.integers(1, 20), st.integers(0, 60), st.integers(0, 70))
def test_a_ring_gives_all_that_was_missed_or_says_that_it_cannot(event, capacity, count, after):
    ring = Ring('here', capacity)
    for _ in range(count):
        ring.append(Delivery(event('safety.estop'), lambda e: b'{}', ring.next_seq()))
    missed = ring.after('here', after)
    if after > count or count - after > capacity:
        assert missed is None
    else:
        assert [delivery.seq for delivery in missed] == list(range(after + 1, count + 1))
    assert ring.after('elsewhere', after) is None

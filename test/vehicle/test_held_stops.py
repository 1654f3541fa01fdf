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
"""Requested stops are held until the latch reports them, and never again after that."""

from types import SimpleNamespace

from oht50_bridge.vehicle.held_stops import HELD
from oht50_bridge.vehicle.held_stops import HeldStops


def requests(*names):
    return [SimpleNamespace(request_id=name) for name in names]


def held(stops):
    return [request.request_id for request in stops.requests]


def test_only_the_latch_releases_a_request():
    stops = HeldStops()
    assert stops.request(requests('a', 'b'))
    assert not stops.request(requests('a'))
    assert not stops.request([])  # its sender was restarted, and knows of nothing
    assert held(stops) == ['a', 'b']
    assert not stops.latched(['other'])
    assert stops.latched(['b'])
    assert held(stops) == ['a']
    assert stops.latched(['a', 'b'])
    assert held(stops) == []


def test_a_request_that_was_latched_before_it_came_is_not_held():
    stops = HeldStops()
    stops.latched(['a'])
    assert not stops.request(requests('a'))
    assert held(stops) == []
    # Neither after a restart of the owner of the latch, which then has latched nothing.
    stops.latched([])
    assert not stops.request(requests('a'))


def test_many_requests_take_a_bounded_memory_and_each_is_new():
    stops = HeldStops()
    assert all(stops.request(requests(str(number))) for number in range(3 * HELD))
    assert len(held(stops)) == HELD
    stops.latched(str(number) for number in range(10_000))
    assert held(stops) == []
    assert len(stops._latched) < 1000

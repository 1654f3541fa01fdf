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
from oht50_bridge.client.requests import Requests


def test_an_id_is_used_once_and_a_request_ends_once():
    requests = Requests()
    first, second = requests.add('ping', 1.0, 0.0), requests.add('ping', 2.0, 0.0, is_own=True)
    assert first != second and requests.next_deadline() == 1.0
    assert requests.take(second).is_own and requests.take(second) is None
    assert requests.take(None) is None and requests.take(5) is None and requests.take([]) is None
    third = requests.add('ping', 0.5, 1.0)
    assert third not in (first, second)
    assert [request_id for request_id, _ in requests.due(1.0)] == [first]
    assert [request_id for request_id, _ in requests.clear()] == [third]
    assert requests.next_deadline() is None and list(requests.due(9.0)) == []

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
"""The newest message of a topic."""

from oht50_bridge.nodes.newest import Newest


def test_a_message_is_there_until_it_is_too_old(monkeypatch):
    now = 100.0
    monkeypatch.setattr('time.monotonic', lambda: now)
    newest = Newest(0.5)
    assert newest.get() is None
    newest.put('first')
    newest.put('second')
    now = 100.5
    assert newest.get() == 'second'
    now = 100.51
    assert newest.get() is None
    newest.put('third')
    assert newest.get() == 'third'

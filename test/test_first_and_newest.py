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
"""A long list is shortened between its first and its newest items."""

import pytest

from oht50_bridge.first_and_newest import first_and_newest


@pytest.mark.parametrize(
    ('items', 'left'), [('', ''), ('a', 'a'), ('abc', 'abc'), ('abcd', 'acd'), ('abcdefg', 'afg')]
)
def test_the_first_and_the_newest_are_left(items, left):
    assert first_and_newest(items, 3) == list(left)

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
"""Links that sign a browser in; the commands that print them have tests of their own."""

import pytest

from oht50_bridge.cli.link import link
from oht50_bridge.cli.link import origin_of
from oht50_bridge.gateway.auth.claims import TokenPair


def test_what_is_in_a_token_cannot_end_the_fragment():
    pair = TokenPair('a&b=#c', 'd e', 0.0, 'x')
    assert link('http://x', pair, refreshing=True) == 'http://x/#token=a%26b%3D%23c&refresh=d+e'
    assert link('http://x', pair, refreshing=False) == 'http://x/#token=a%26b%3D%23c'


@pytest.mark.parametrize(
    ('host', 'origin'),
    [
        ('127.0.0.1', 'http://127.0.0.1:8000'),
        ('vehicle', 'http://vehicle:8000'),
        ('::1', 'http://[::1]:8000'),
        ('0.0.0.0', 'http://127.0.0.1:8000'),
        ('::', 'http://[::1]:8000'),
    ],
)
def test_a_browser_reaches_what_a_bridge_listens_on(host, origin):
    assert origin_of(host, 8000, encrypted=False) == origin
    assert origin_of(host, 8000, encrypted=True) == origin.replace('http:', 'https:')

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

from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.redact import redact

TOKEN = (
    TokenAuthority([Key('HS256', b'0123456789abcdef0123456789abcdef')])
    .issue('ann', 'viewer')
    .access
)


@pytest.mark.parametrize(
    'length',
    [11, 20, TOKEN.index('.') + 1, TOKEN.rindex('.'), len(TOKEN)],
    # Fixed: the length of a token varies, and pytest-xdist needs the same names in each process.
    ids=['11', '20', 'header', 'payload', 'complete'],
)
def test_a_token_is_replaced_even_if_it_is_cut_off(length):
    text = f'Unknown command: {TOKEN[:length]} at 1'
    assert redact(text) == 'Unknown command: (token) at 1'


def test_keys_and_values_at_every_depth_are_replaced():
    value = {TOKEN: [1, None, {'a': (TOKEN, 2.5)}], 'b': True}
    assert redact(value) == {'(token)': [1, None, {'a': ['(token)', 2.5]}], 'b': True}


@pytest.mark.parametrize('text', ['', 'eyJ is no token', 'they J', 'emergency_stop'])
def test_other_text_stays(text):
    assert redact(text) == text

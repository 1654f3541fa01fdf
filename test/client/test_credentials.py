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

from oht50_bridge.client.credentials import Credentials
from oht50_bridge.client.reports import Tokens


def test_what_is_needed_before_connecting():
    assert Credentials(None, True, 'client').needed(0.0) == 'first'
    made = Credentials(Tokens('t'), True, 'client')
    assert made.needed(0.0) is None
    message = {
        'timestamp': '2026-11-23T10:30:00.000Z',
        'data': {'expires_at': '2026-11-23T10:45:00.000Z'},
    }
    made.lasts(message, 100.0)
    assert made.needed(999.9) is None and made.needed(1000.0) == 'expiring'
    made.adopt(Tokens('t2'), 'expiring')
    assert made.needed(2000.0) is None


@pytest.mark.parametrize('data', [{}, {'expires_at': 'soon'}, {'expires_at': 5}])
def test_an_end_that_cannot_be_read_is_none(data):
    made = Credentials(Tokens('t'), True, 'client')
    made.lasts({'timestamp': '2026-11-23T10:30:00.000Z', 'data': data}, 0.0)
    assert made.needed(1e9) is None


def test_a_refresh_token_is_never_sent_twice_even_if_it_is_given_again():
    made = Credentials(Tokens('t', 'r'), True, 'client')
    made.auth()
    assert made.extension() == {'type': 'refresh_token', 'refresh_token': 'r'}
    made.adopt(Tokens('t', 'r'), 'expiring')
    assert made.extension() is None
    made.adopt(Tokens('t', 'r2'), 'expiring')
    assert made.extension() == {'type': 'refresh_token', 'refresh_token': 'r2'}


def test_another_access_token_comes_before_a_refresh_token():
    made = Credentials(Tokens('t', 'r'), True, 'client')
    made.auth()
    made.adopt(Tokens('t2', 'r2'), 'expiring')
    assert made.extension() == {'type': 'auth', 'token': 't2'}
    assert made.extension() == {'type': 'refresh_token', 'refresh_token': 'r2'}


def test_the_bridge_is_given_the_refresh_token_only_if_it_refreshes():
    assert Credentials(Tokens('t', 'r'), False, 'client').auth() == {'token': 't'}
    server = Credentials(Tokens('t', 'r'), False, 'server')
    assert server.auth() == {'token': 't', 'refresh_token': 'r'}
    assert server.renewed({'token': 't2', 'refresh_token': 'r2'}) == Tokens('t2', 'r2')
    assert server.auth() == {'token': 't2', 'refresh_token': 'r2'}
    assert server.renewed({'token': None, 'refresh_token': None}) is None
    assert server.current == Tokens('t2', 'r2')

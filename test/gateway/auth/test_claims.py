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
from oht50_bridge.gateway.auth.claims import LEEWAY
from oht50_bridge.gateway.auth.claims import MAX_ACCESS_LIFE
from oht50_bridge.gateway.auth.claims import MAX_REFRESH_LIFE
from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.gateway.auth.claims import TokenPair
from oht50_bridge.gateway.auth.claims import TokenType
from oht50_bridge.gateway.auth.keys import Key

SECRET = b'0123456789abcdef0123456789abcdef'


def test_nothing_secret_is_in_a_representation():
    claims = Claims('ann', 'viewer', 2.0, TokenType.ACCESS, 1.0, key=Key('HS256', SECRET))
    pair = TokenPair('eyJaccess', 'eyJrefresh', 2.0, 'id')
    assert "subject='ann'" in repr(claims)
    assert 'HS256' not in repr(claims) and SECRET.decode() not in repr(claims)
    assert 'eyJ' not in repr(pair)


def test_the_type_of_a_token_is_the_text_of_its_claim():
    assert [kind.value for kind in TokenType] == ['access', 'refresh']
    assert TokenType.REFRESH == 'refresh'  # so that a plain claim compares equal


def test_an_access_token_expires_before_its_refresh_token():
    assert 0 < LEEWAY < MAX_ACCESS_LIFE < MAX_REFRESH_LIFE

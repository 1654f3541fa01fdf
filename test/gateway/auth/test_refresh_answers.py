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
"""A lost answer to a refresh is given again for a short while, and no memory is bought with it."""

import pytest

from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.gateway.auth.claims import TokenError
from oht50_bridge.gateway.auth.claims import TokenPair
from oht50_bridge.gateway.auth.claims import TokenType
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.refresh_answers import GRACE
from oht50_bridge.gateway.auth.refresh_answers import MAX_ANSWERS
from oht50_bridge.gateway.auth.refresh_answers import Answer
from oht50_bridge.gateway.auth.refresh_answers import RefreshAnswers
from oht50_bridge.gateway.auth.refresh_store import RefreshStore
from oht50_bridge.gateway.auth.revocations import Revocations
from oht50_bridge.gateway.auth.tokens import TokenAuthority

SECRET = b'0123456789abcdef0123456789abcdef'


class World:
    """An authority with clocks that stand until moved."""

    def __init__(self, **settings):
        self.wall, self.steady = 1_000_000.0, 50.0
        self.authority = TokenAuthority(
            [Key('HS256', SECRET)], wall=lambda: self.wall, steady=lambda: self.steady, **settings
        )
        self.first = self.authority.issue('ann', 'operator')

    def refresh(self, pair):
        return self.authority.refresh(pair.refresh)[1]

    def let_pass(self, seconds):
        self.wall += seconds
        self.steady += seconds


def tokens(pair):
    return pair.access, pair.refresh


def test_a_used_token_gets_the_same_pair_for_ten_seconds():
    world = World()
    second = world.refresh(world.first)
    assert not second.repeated
    for _ in range(3):
        world.let_pass(GRACE / 3 - 0.01)
        again = world.refresh(world.first)
        assert tokens(again) == tokens(second)
        assert again.repeated
    assert not world.refresh(second).repeated, 'its successor works'


def test_afterwards_a_replay_revokes_the_family():
    world = World()
    second = world.refresh(world.first)
    world.let_pass(GRACE)
    with pytest.raises(TokenError, match='family is revoked'):
        world.refresh(world.first)
    with pytest.raises(TokenError, match='revoked'):
        world.refresh(second)


@pytest.mark.parametrize('use', ['refresh', 'verify_refresh'])
def test_a_replay_after_the_successor_was_used_revokes_the_family(use):
    world = World()
    second = world.refresh(world.first)
    getattr(world.authority, use)(second.refresh)
    with pytest.raises(TokenError, match='family is revoked'):
        world.refresh(world.first)
    with pytest.raises(TokenError, match='revoked'):
        world.refresh(second)


def test_the_older_ancestors_have_no_grace():
    world = World()
    second = world.refresh(world.first)
    third = world.refresh(second)
    assert tokens(world.refresh(second)) == tokens(third)
    with pytest.raises(TokenError, match='family is revoked'):
        world.refresh(world.first)


def test_a_change_of_the_date_prolongs_nothing():
    world = World()
    world.refresh(world.first)
    world.let_pass(GRACE)
    world.wall -= 5.0 + GRACE
    with pytest.raises(TokenError, match='family is revoked'):
        world.refresh(world.first)


def test_a_pair_that_was_revoked_or_expired_since_is_not_given():
    world = World(access_life=4.0)
    second = world.refresh(world.first)
    world.authority.use_revocations(Revocations({}, {second.refresh_id: 9e9}))
    with pytest.raises(TokenError, match='revoked'):
        world.refresh(world.first)
    world.authority.use_revocations(Revocations({'ann': world.wall + 1.0}))
    with pytest.raises(TokenError, match='revoked'):
        world.refresh(world.first)
    world.authority.use_revocations(Revocations())
    world.let_pass(GRACE - 0.5)
    with pytest.raises(TokenError, match='expired'):
        world.refresh(world.first)


def test_a_pair_of_a_key_that_was_removed_is_not_given():
    world = World()
    world.refresh(world.first)
    world.authority.use_keys([Key('HS256', SECRET[::-1])])
    with pytest.raises(TokenError):
        world.refresh(world.first)


def test_a_restart_ends_the_grace():
    store = RefreshStore()
    world = World(store=store)
    world.refresh(world.first)
    restarted = TokenAuthority([Key('HS256', SECRET)], store=store, wall=lambda: world.wall)
    with pytest.raises(TokenError, match='family is revoked'):
        restarted.refresh(world.first.refresh)


def test_answers_are_bounded_and_forgotten():
    answers = RefreshAnswers()
    claims = Claims('ann', 'viewer', 0.0, TokenType.ACCESS, 0.0)
    pair = TokenPair('a', 'r', 0.0, 'id')

    def keep(family, now):
        answers.keep(family, Answer('used', claims, pair, now + GRACE), now)

    for index in range(MAX_ANSWERS + 1):
        keep(f'f{index}', 0.0)
    assert len(answers) == MAX_ANSWERS
    assert answers.find('f0', 'used', 0.0) is None, 'the oldest made room'
    assert answers.find('f1', 'used', 0.0) is not None
    keep('f1', 1.0)
    keep('new', 1.0)
    assert answers.find('f1', 'used', 1.0) is not None, 'it was renewed'
    assert answers.find('f2', 'used', 1.0) is None
    keep('later', GRACE)
    assert len(answers) == 3, 'those whose time was over are gone'

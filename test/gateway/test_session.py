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
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.gateway.actions import Authenticated
from oht50_bridge.gateway.actions import CloseConnection
from oht50_bridge.gateway.actions import ReplayEvents
from oht50_bridge.gateway.actions import RunCommand
from oht50_bridge.gateway.actions import SendError
from oht50_bridge.gateway.actions import SendMessage
from oht50_bridge.gateway.actions import SendPing
from oht50_bridge.gateway.actions import Subscribed
from oht50_bridge.gateway.auth.claims import LEEWAY
from oht50_bridge.gateway.auth.claims import TokenError
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.revocations import Revocations
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.clock import Clock
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.session import IllegalTransitionError
from oht50_bridge.gateway.session import Session
from oht50_bridge.gateway.session import SessionState
from oht50_bridge.protocol.errors import ErrorCode

ROLES = load_roles(Path(__file__).resolve().parents[2] / 'config' / 'roles.yaml')


class World:
    """A session with clocks that stand until moved."""

    def __init__(self, **settings):
        self.now = 1000.0
        self.authority = TokenAuthority(
            [Key('HS256', b'0123456789abcdef0123456789abcdef')],
            wall=lambda: self.now,
            steady=lambda: self.now,
        )
        self.session = Session(
            GatewayConfig(**settings),
            self.authority,
            ROLES,
            'epoch',
            Clock(lambda: self.now, lambda: self.now),
        )
        self.session.open()

    def say(self, kind, **fields):
        return self.session.receive(json.dumps({'type': kind, **fields}))

    def enter(self, role='operator', **fields):
        return self.say('auth', token=self.authority.issue('ann', role).access, **fields)


def test_the_life_has_one_way():
    world = World()
    with pytest.raises(IllegalTransitionError):
        world.session.open()
    world.enter()
    assert world.session.state is SessionState.ACTIVE
    world.session.close()
    world.session.close()
    with pytest.raises(IllegalTransitionError):
        world.say('ping')
    assert world.session.tick() == []
    assert not world.session.may_read('safety.estop')


def test_a_session_not_opened_takes_nothing():
    world = World()
    session = Session(GatewayConfig(), world.authority, ROLES, 'e', Clock())
    with pytest.raises(IllegalTransitionError):
        session.receive('{}')


def test_patience_before_auth_is_ten_seconds_whatever_is_said():
    world = World()
    world.now += 9.9
    world.say('ping')
    assert world.session.tick() == []
    assert world.session.next_tick() == pytest.approx(0.1)
    world.now += 0.2
    (failure,) = world.session.tick()
    assert (failure.error, failure.close) == (ErrorCode.AUTHENTICATION_FAILED, 4401)
    assert world.session.state is SessionState.CLOSED


def test_pings_every_thirty_seconds_and_patience_of_three_hundred():
    world = World()
    world.enter()
    pings = 0
    while world.session.state is SessionState.ACTIVE:
        assert world.session.next_tick() <= 30
        world.now += world.session.next_tick() + 1e-6
        actions = world.session.tick()
        pings += sum(isinstance(action, SendPing) for action in actions)
    assert actions == [CloseConnection(4408, 'nothing received for 300 s')]
    assert pings in (9, 10)
    assert world.now == pytest.approx(1300, abs=0.1)


def test_a_sign_of_life_keeps_it_open_until_the_token_ends():
    world = World()
    world.enter()
    reported = []
    while world.session.state is SessionState.ACTIVE:
        world.session.heard()
        world.now += world.session.next_tick() + 1e-6
        reported += [
            (round(world.now - 1000), action)
            for action in world.session.tick()
            if not isinstance(action, SendPing)
        ]
    (first, notice), (last, failure) = reported
    assert (first, notice.message.type) == (840, 'auth.expiring')
    assert (last, failure.error) == (905, ErrorCode.AUTHENTICATION_FAILED)


def test_a_kept_refresh_token_keeps_the_session_for_hours():
    world = World()
    pair = world.authority.issue('ann', 'operator')
    world.say('auth', token=pair.access, refresh_token=pair.refresh)
    while world.now < 1000 + 5 * 3600:
        world.session.heard()
        world.now += world.session.next_tick() + 1e-6
        world.session.tick()
        assert world.session.state is SessionState.ACTIVE


def test_a_refresh_token_of_another_subject_is_refused_unspent():
    world = World()
    world.enter()
    pair = world.authority.issue('bob', 'operator')
    (failure,) = world.say('refresh_token', refresh_token=pair.refresh)
    assert 'the session belongs to another subject' in failure.description
    world.now += 60.0
    assert world.authority.refresh(pair.refresh)[0].subject == 'bob'


def test_a_kept_refresh_token_does_not_bring_back_the_role_of_before():
    world = World()
    pair = world.authority.issue('ann', 'admin')
    world.say('auth', token=pair.access, refresh_token=pair.refresh)
    world.enter('viewer')
    world.now += 840.0
    world.session.heard()
    messages = [each.message for each in world.session.tick() if isinstance(each, SendMessage)]
    assert [message.type for message in messages] == ['auth.expiring']
    assert world.session.role == 'viewer'


def test_a_client_that_refreshes_by_itself_goes_on_to_do_so():
    world = World()
    pair = world.authority.issue('ann', 'operator')
    world.say('auth', token=pair.access)
    newest = pair.refresh
    for _ in range(2):
        world.now += 840.0
        world.session.heard()
        messages = [each.message for each in world.session.tick() if isinstance(each, SendMessage)]
        assert [message.type for message in messages] == ['auth.expiring']
        _, answer = world.say('refresh_token', refresh_token=newest)
        newest = answer.message.data.refresh_token


def test_a_replayed_refresh_token_ends_the_sessions_of_its_family():
    world = World()
    pair = world.authority.issue('ann', 'operator')
    world.say('auth', token=pair.access)
    world.authority.refresh(pair.refresh)
    world.now += 10.0
    assert world.session.tick() == []
    with pytest.raises(TokenError):
        world.authority.refresh(pair.refresh)
    (failure,) = world.session.tick()
    assert (failure.error, failure.close) == (ErrorCode.AUTHENTICATION_FAILED, 4401)
    assert world.session.state is SessionState.CLOSED


def test_a_lost_answer_to_a_refresh_is_sent_again():
    world = World()
    pair = world.authority.issue('ann', 'operator')
    world.say('auth', token=pair.access)
    first = world.say('refresh_token', refresh_token=pair.refresh)
    world.now += 9.0
    again = world.say('refresh_token', refresh_token=pair.refresh)
    assert [(actions[0].again, actions[0].repeated) for actions in (first, again)] == [
        (True, False),
        (True, True),
    ]
    assert first[1].message.data == again[1].message.data
    assert again[1].when_saved


def test_a_lost_answer_to_a_refresh_follows_the_auth_of_a_new_connection():
    world = World()
    pair = world.authority.issue('ann', 'operator')
    fresh = world.authority.refresh(pair.refresh)[1]
    auth = {'token': pair.access, 'refresh_token': pair.refresh, 'subscription': ['safety.*']}
    actions = world.say('auth', **auth)
    kinds = [type(action) for action in actions]
    assert kinds == [Authenticated, SendMessage] * 2 + [SendMessage, Subscribed]
    assert (actions[2].again, actions[2].repeated) == (True, True)
    assert actions[3].message.data.refresh_token == fresh.refresh
    # And the server keeps the new one, not the used one that the client gave.
    world.now += 840.0
    world.session.heard()
    refreshed = [action for action in world.session.tick() if isinstance(action, SendMessage)]
    assert refreshed[0].message.type == 'auth.refreshed'


def test_the_order_of_what_an_auth_with_subscription_brings():
    world = World()
    kinds = [type(action) for action in world.enter(subscription=['safety.*', 'bad'])]
    assert kinds == [Authenticated, SendMessage, SendError, SendMessage, Subscribed]


def test_rates_are_clamped_to_the_table():
    world = World()
    world.enter()
    confirmed = world.say('subscribe', events=['telemetry.*', 'safety.estop'], rate=4)[0].message
    assert confirmed.data.rates == {
        'telemetry.realtime': 4,
        'telemetry.status': 1,
        'safety.estop': 1,
    }
    confirmed = world.say('subscribe', events=['telemetry.realtime'], rate=500)[0].message
    assert confirmed.data.rates == {'telemetry.realtime': 10}


@pytest.mark.parametrize('role', ['operator', 'admin', 'system'])
@pytest.mark.parametrize(
    'rest', ['"reason":null', '"request_id":5', '"extra":{}', '"type":"ping"', '"reason":NaN', '!']
)
def test_a_stop_is_judged_by_its_sender_and_type(role, rest):
    world = World()
    world.enter(role)
    (action,) = world.session.receive(f'{{"type":"emergency_stop",{rest}}}')
    assert isinstance(action, RunCommand) and action.command.type == 'emergency_stop'
    assert len(action.ignored) == 1


def test_a_stop_larger_than_a_message_may_be_is_carried_out():
    world = World()
    world.enter()
    (action,) = world.say('emergency_stop', reason='x' * 20_000)
    assert action.command.reason == 'x' * 512 and len(action.ignored) == 2


@pytest.mark.parametrize(
    ('cause', 'counts'), [('closed', True), ('expired', False), ('revoked', False)]
)
def test_a_stop_counts_for_a_session_that_was_closed_while_its_token_is_valid(cause, counts):
    world = World()
    world.enter()
    if cause == 'expired':
        world.now += world.session.claims.expires_at - world.now + LEEWAY
    elif cause == 'revoked':
        world.authority.use_revocations(Revocations(subjects={'ann': world.now + 1.0}))
    world.session.close()
    assert bool(world.session.stop('{"type": "emergency_stop"}')) == counts
    assert world.session.stop('{"type": "start_mission"}') == []


def test_who_may_not_stop_cannot_by_a_wrong_message():
    world = World()
    (refused,) = world.say('emergency_stop', reason=None)
    assert refused.error is ErrorCode.AUTHENTICATION_REQUIRED
    world.enter('viewer')
    assert world.say('emergency_stop')[0].error is ErrorCode.PERMISSION_DENIED
    assert world.say('emergency_stop', reason=None)[0].error is ErrorCode.INVALID_MESSAGE


MESSAGES = st.sampled_from(
    [
        'auth',
        'bad auth',
        'ping',
        'subscribe',
        'unsubscribe',
        'resume',
        'emergency_stop',
        'clear_estop',
        'set_maintenance',
        'junk',
        'binary',
        'tick',
        'wait',
        'close',
    ]
)


@given(st.lists(MESSAGES, max_size=40), st.sampled_from([*ROLES.names, 'unknown']))
def test_no_order_of_messages_gets_past_the_rules(steps, role):
    world = World()
    session, entered = world.session, False
    for step in steps:
        if session.state is SessionState.CLOSED:
            with pytest.raises(IllegalTransitionError):
                world.say('ping')
            return
        if step == 'tick':
            actions = session.tick()
        elif step == 'wait':
            world.now += 7
            actions = []
        elif step == 'close':
            session.close()
            actions = []
        elif step == 'auth':
            actions = world.enter(role)
            entered = entered or session.state is SessionState.ACTIVE
        elif step == 'junk':
            actions = session.receive('{"type":')
        elif step == 'binary':
            actions = session.receive(b'{}')
        else:
            actions = world.say(
                *{'bad auth': ['auth']}.get(step, [step]),
                **{
                    'bad auth': {'token': 'x'},
                    'subscribe': {'events': ['*']},
                    'unsubscribe': {'events': ['mission.*']},
                    'resume': {'epoch': 'e', 'after': 0},
                }.get(step, {}),
            )
        for action in actions:
            if isinstance(action, RunCommand):
                assert entered and action.command.type in ROLES[role].commands
            if isinstance(action, Subscribed | ReplayEvents):
                assert entered
            if isinstance(action, SendError) and action.close is not None:
                assert session.state is SessionState.CLOSED and action is actions[-1]
        assert entered or not session.subscriptions
        assert set(session.subscriptions) <= ROLES[role].events

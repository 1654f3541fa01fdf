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
"""The state machine of a client, with time as an argument."""

import math

import pytest
from client.bridge_side import Core
from client.bridge_side import stop_event

from oht50_bridge.client.actions import Answered
from oht50_bridge.client.actions import AskForToken
from oht50_bridge.client.actions import CloseLink
from oht50_bridge.client.actions import ErrorOccurred
from oht50_bridge.client.actions import Failed
from oht50_bridge.client.actions import OpenLink
from oht50_bridge.client.actions import RoleChanged
from oht50_bridge.client.actions import TokensIssued
from oht50_bridge.client.core import ANSWER_TIMEOUT
from oht50_bridge.client.errors import BadFrameError
from oht50_bridge.client.errors import LostAfterSendingError
from oht50_bridge.client.errors import NoReplyError
from oht50_bridge.client.errors import NotSent
from oht50_bridge.client.options import Subscription
from oht50_bridge.client.reports import Tokens


def reasons(core):
    return [action.reason for action in core.taken(AskForToken)]


def supply(core, tokens):
    """Give a token to the newest question."""
    (question,) = core.taken(AskForToken)
    core.do('token_given', question.ticket, tokens)
    return question.reason


def test_the_way_to_live_and_to_the_end():
    core = Core()
    assert core.state == 'idle' and core.core.next_tick() == math.inf
    core.go_live()
    assert core.states() == ['connecting', 'authenticating', 'restoring', 'live']
    core.do('close', timed=False)
    assert [(action.code) for action in core.taken(CloseLink)] == [1000]
    assert core.states() == ['closed'] and core.core.next_tick() == math.inf
    core.do('close', timed=False)
    assert core.states() == []


def test_all_is_sent_in_one_go_and_a_number_is_asked_for_before_an_event_can_come():
    core = Core(client_id='panel-1', subscriptions=(Subscription(('safety.*',), 2.0),))
    first = core.go_live(epoch='a', seq=7)
    assert [each['type'] for each in first] == ['auth', 'resume', 'subscribe']
    assert first[0] == {'type': 'auth', 'token': 't1', 'client_id': 'panel-1', 'resume': True}
    assert (first[1]['epoch'], first[1]['after']) == ('', 0)
    assert (first[2]['events'], first[2]['rate']) == (['safety.*'], 2.0)
    core.lose()
    again = core.go_live()
    assert [each['type'] for each in again] == ['auth', 'subscribe', 'resume']
    assert (again[2]['epoch'], again[2]['after']) == ('a', 7)


def test_connect_is_idempotent():
    core = Core()
    core.do('connect')
    core.do('connect')
    assert len(core.taken(OpenLink)) == 1
    core.open()
    core.do('connect')
    assert core.taken(OpenLink) == []


def test_what_belongs_to_an_older_connection_is_ignored():
    core = Core()
    core.go_live()
    old = core.generation
    core.lose()
    core.do('received', old, '{"type": "pong"}')
    core.do('lost', old, 4401, 'late')
    core.do('opened', old)
    assert core.state == 'waiting'
    core.go_live()
    core.do('lost', old, 4401, 'late')
    core.do('received', old, 'no message')
    assert core.state == 'live' and core.taken(ErrorOccurred) == []


@pytest.mark.parametrize(
    ('code', 'delay'),
    [(None, 1.0), (1001, 1.0), (1009, 1.0), (1013, 5.0), (4408, 0.0), (4429, 5.0), (4503, 1.0)],
)
def test_the_close_code_determines_the_first_delay(code, delay):
    core = Core()
    core.go_live()
    core.lose(code)
    state = core.core.state
    assert (state.name, state.delay, state.code) == ('waiting', delay, code or 1006)
    core.taken(OpenLink)
    if delay:
        core.pass_time(delay - 0.001)
        assert core.taken(OpenLink) == []
    core.pass_time(0.001)
    assert len(core.taken(OpenLink)) == 1 and core.state == 'connecting'


def test_delays_grow_and_begin_anew_only_after_10_s_live():
    core = Core(random=1.0)
    core.do('connect')
    delays = []
    for _ in range(7):
        core.lose()
        delays.append(core.core.state.delay)
        core.pass_time(delays[-1])
    assert delays == [1.5, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    core.lose()
    core.go_live()
    for _ in range(9):
        core.pass_time(1.0)
        core.receive('pong')
    core.lose()
    assert core.core.state.delay == 30.0  # to be open is not to be stable
    core.go_live()
    for _ in range(11):
        core.pass_time(1.0)
        core.receive('pong')
    core.lose()
    assert core.core.state.delay == 1.5


def test_an_attempt_that_is_not_answered_is_given_up():
    core = Core(connect_timeout=5.0)
    core.do('connect')
    core.pass_time(4.9)
    assert core.state == 'connecting'
    core.pass_time(0.1)
    assert core.state == 'waiting' and len(core.taken(CloseLink)) == 1
    core.pass_time(1.0)
    core.open()
    core.pass_time(ANSWER_TIMEOUT - 0.1)
    assert core.state == 'authenticating'  # the bridge may delay its refusal
    core.pass_time(0.1)
    assert core.state == 'waiting'


def test_silence_is_probed_and_a_pong_or_any_message_ends_the_doubt():
    core = Core(probe_after=2.0, pong_timeout=2.0)
    core.go_live()
    core.sent()
    core.pass_time(1.9)
    assert core.sent() == []
    core.pass_time(0.1)
    (ping,) = core.sent()
    assert ping['type'] == 'ping'
    core.pass_time(1.9)
    core.receive('pong', ping['request_id'], data={})
    core.pass_time(1.9)
    assert core.state == 'live' and core.sent() == []
    core.pass_time(0.1)
    assert len(core.sent()) == 1
    core.give(stop_event(1))
    core.pass_time(3.9)
    assert core.state == 'live'
    core.pass_time(0.1)
    assert core.state == 'waiting' and core.core.state.code == 1006
    assert [action.code for action in core.taken(CloseLink)] == [1000]


def test_a_frame_that_is_no_message_is_reported_and_ends_the_connection():
    core = Core()
    core.go_live()
    core.do('received', core.generation, '{"type": "safety.estop"')
    (report,) = core.taken(ErrorOccurred)
    assert isinstance(report.error, BadFrameError)
    assert [action.code for action in core.taken(CloseLink)] == [4000]
    assert (core.state, core.core.state.code) == ('waiting', 4000)


def test_a_call_needs_a_live_connection():
    core = Core()
    for _ in range(2):
        with pytest.raises(NotSent):
            core.do('call', 'pause_mission', {}, 5.0)
        core.do('connect')
    core.open()
    with pytest.raises(NotSent, match='authenticating'):
        core.do('call', 'pause_mission', {}, 5.0)


def test_a_call_ends_with_a_reply_or_without_one_or_with_the_connection():
    core = Core()
    core.go_live()
    core.sent()
    answered, late, lost = (core.do('call', 'ping', {}, 0.5) for _ in range(3))
    assert [each['request_id'] for each in core.sent()] == [answered, late, lost]
    core.receive('pong', answered, data={'x': 1})
    assert core.taken(Answered) == [Answered(answered, {'x': 1})]
    core.core.dialogue.abort(lost)
    core.pass_time(0.5)
    (failed,) = core.taken(Failed)
    assert failed.request_id == late and isinstance(failed.error, NoReplyError)
    core.receive('pong', late, data={})
    assert core.taken(Answered) == []
    again = core.do('call', 'ping', {}, 5.0)
    core.lose()
    (failed,) = core.taken(Failed)
    assert failed.request_id == again and isinstance(failed.error, LostAfterSendingError)
    assert failed.error.outcome == 'unknown'
    core.sent()
    core.go_live()
    assert 'ping' not in [each['type'] for each in core.sent()]


def test_retry_does_not_wait_but_at_most_once_a_second():
    core = Core(random=1.0)
    core.go_live()
    core.lose()
    core.taken(OpenLink)
    core.do('retry')
    assert core.state == 'connecting' and len(core.taken(OpenLink)) == 1
    core.lose()
    core.do('retry')
    assert core.state == 'waiting'
    core.pass_time(1.0)
    core.do('retry')
    assert core.state == 'connecting'


# Tokens


def test_a_token_is_asked_for_before_the_first_connection_only():
    core = Core(tokens=None, has_source=True)
    core.do('connect')
    assert core.taken(OpenLink) == [] and core.core.next_tick() == math.inf
    assert supply(core, Tokens('t2')) == 'first'
    assert core.open()[0]['token'] == 't2'
    core.lose()
    core.pass_time(1.0)
    assert reasons(core) == [] and core.open()[0]['token'] == 't2'


def test_no_token_is_denied():
    core = Core(tokens=None, has_source=True)
    core.do('connect')
    supply(core, None)
    assert core.state == 'denied' and core.core.next_tick() == math.inf
    core.do('connect')
    assert reasons(core) == ['first']
    assert Core(tokens=None).core.connect(0.0)[-1].state.name == 'denied'


def test_a_refused_token_is_replaced_once():
    core = Core(has_source=True)
    core.do('connect')
    core.open()
    core.fail('WS-001')
    core.lose(4401)
    assert core.state == 'connecting'
    assert supply(core, Tokens('t2')) == 'refused'
    assert core.open()[0]['token'] == 't2'
    core.fail('WS-001')
    core.lose(4401)
    assert core.state == 'denied' and reasons(core) == []
    assert core.core.state.reason == 'WS-001 Name: why'


def test_a_refused_token_without_another_is_denied():
    core = Core()
    core.go_live()
    core.lose(4401)
    assert core.state == 'denied'


def test_a_session_that_ends_often_is_not_begun_anew_without_a_pause():
    core = Core(has_source=True)
    core.go_live()
    core.lose(4401)
    supply(core, Tokens('t2'))
    core.go_live()
    core.lose(4401)
    assert core.state == 'waiting' and reasons(core) == []
    core.pass_time(core.core.state.delay)
    assert reasons(core) == ['refused']


def test_a_function_that_fails_is_asked_again_in_5_to_10_s():
    core = Core(tokens=None, has_source=True, random=1.0)
    core.do('connect')
    (question,) = core.taken(AskForToken)
    error = OSError('issuer')
    core.do('token_failed', question.ticket, error)
    assert core.taken(ErrorOccurred) == [ErrorOccurred(error)]
    assert (core.state, core.core.state.delay) == ('waiting', 10.0)
    core.pass_time(10.0)
    assert reasons(core) == ['first']


def test_a_token_that_comes_after_a_change_is_dropped():
    core = Core(has_source=True)
    core.go_live()
    core.receive('auth.expiring', data={})
    (question,) = core.taken(AskForToken)
    core.lose()
    core.do('token_given', question.ticket, None)
    core.do('token_failed', question.ticket, OSError())
    assert core.state == 'waiting'
    core.pass_time(core.core.state.delay)
    assert supply(core, Tokens('t2')) == 'expiring'
    core.do('close', timed=False)
    core.do('token_given', question.ticket, Tokens('t3'))
    assert core.state == 'closed'


def test_another_token_extends_the_session():
    core = Core(has_source=True)
    core.go_live()
    core.sent()
    core.receive('auth.expiring', data={})
    supply(core, Tokens('t2'))
    (auth,) = core.sent()
    assert (auth['type'], auth['token']) == ('auth', 't2')
    core.receive('auth.refreshed', auth['request_id'], data={'role': 'viewer', 'token': None})
    assert core.taken(RoleChanged)[-1] == RoleChanged('viewer')
    assert core.taken(TokensIssued) == []
    # What patterns mean depends on the role.
    assert [each['type'] for each in core.sent()] == ['subscribe']
    core.receive('auth.expiring', data={})
    supply(core, Tokens('t2'))
    assert core.sent() == []  # nothing to extend it with


def test_a_function_that_fails_in_a_session_is_asked_again_in_it():
    core = Core(has_source=True)
    core.go_live()
    core.receive('auth.expiring', data={})
    (question,) = core.taken(AskForToken)
    core.do('token_failed', question.ticket, OSError())
    for _ in range(5):
        assert core.state == 'live' and reasons(core) == []
        core.pass_time(1.0)
        core.receive('pong')
    assert reasons(core) == ['expiring']


def test_a_refresh_token_is_sent_once():
    core = Core(tokens=Tokens('t1', 'r1'))
    core.go_live()
    core.sent()
    core.receive('auth.expiring', data={})
    (refresh,) = core.sent()
    assert (refresh['type'], refresh['refresh_token']) == ('refresh_token', 'r1')
    core.receive('auth.expiring', data={})
    assert core.sent() == []
    data = {'role': 'operator', 'token': 't2', 'refresh_token': 'r2'}
    core.receive('auth.refreshed', refresh['request_id'], data=data)
    assert core.taken(TokensIssued) == [TokensIssued(Tokens('t2', 'r2'))]
    core.lose()
    assert core.go_live()[0]['token'] == 't2'
    core.sent()
    core.receive('auth.expiring', data={})
    assert core.sent()[0]['refresh_token'] == 'r2'


def test_a_refresh_that_is_not_answered_is_reported_and_not_repeated():
    core = Core(tokens=Tokens('t1', 'r1'), command_timeout=1.0)
    core.go_live()
    core.sent()
    core.receive('auth.expiring', data={})
    core.sent()
    core.pass_time(1.0)
    (report,) = core.taken(ErrorOccurred)
    assert 'refresh_token' in str(report.error)
    core.receive('auth.expiring', data={})
    assert core.sent() == []


@pytest.mark.parametrize(('refresh', 'sent'), [('server', 'r1'), ('none', None), ('client', None)])
def test_who_refreshes(refresh, sent):
    core = Core(tokens=Tokens('t1', 'r1'), refresh=refresh)
    assert core.go_live()[0].get('refresh_token') == sent
    core.sent()
    core.receive('auth.expiring', data={})
    assert len(core.sent()) == (refresh == 'client')


def test_a_token_whose_time_is_over_is_replaced_before_it_is_sent():
    core = Core(has_source=True)
    core.go_live()  # it lasts 15 min
    core.lose()
    core.now += 890.0
    core.do('tick')
    core.open()
    assert reasons(core) == []
    core.lose()
    core.now += 20.0
    core.do('tick')
    assert reasons(core) == ['expiring']

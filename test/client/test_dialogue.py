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
"""What is said on a connection: restoring, events, gaps, errors."""

from client.bridge_side import STAMP
from client.bridge_side import Core
from client.bridge_side import stop_event

from oht50_bridge.client.actions import Answered
from oht50_bridge.client.actions import ErrorOccurred
from oht50_bridge.client.actions import EventReceived
from oht50_bridge.client.actions import Failed
from oht50_bridge.client.actions import GapFound
from oht50_bridge.client.actions import RoleChanged
from oht50_bridge.client.errors import BridgeError
from oht50_bridge.client.options import Subscription
from oht50_bridge.client.reports import Gap

STATUS = {'type': 'system.status', 'timestamp': STAMP, 'data': {'status': 'idle'}}


def test_it_is_live_when_everything_is_answered():
    core = Core(subscriptions=(Subscription(('a.*',), 1.0), Subscription(('b.*',), 2.0)))
    core.do('connect')
    _, resume, *subscribes = core.open()
    assert len(subscribes) == 2
    core.establish()
    core.answer([resume, subscribes[0]])
    assert core.state == 'restoring'
    # Of a pattern that the bridge does not know it says so; the rest goes on.
    core.fail('WS-002', subscribes[1]['request_id'])
    assert core.state == 'live'
    (report,) = core.taken(ErrorOccurred)
    assert report.error.code == 'WS-002'


def test_without_resume_and_subscriptions_it_is_live_when_it_is_established():
    core = Core(subscriptions=(), resume=False)
    core.do('connect')
    assert [message['type'] for message in core.open()] == ['auth']
    core.establish()
    assert core.state == 'live'


def test_changed_subscriptions_are_restored():
    core = Core(subscriptions=(Subscription(('safety.*',), 10.0),))
    assert core.do('unsubscribe', ['safety.clear'], 5.0) is None
    assert core.do('subscribe', ['mission.*'], 1.0, 5.0) is None
    core.go_live()
    core.sent()
    confirmed = core.do('subscribe', ['config.*', 'no.such'], None, 5.0)
    (message,) = core.sent()
    assert 'rate' not in message
    core.fail('WS-002', confirmed)
    core.receive('subscription.confirmed', confirmed, data={'events': ['config.*'], 'denied': []})
    (failed,) = core.taken(Failed)
    assert failed.error.code == 'WS-002'
    removed = core.do('unsubscribe', ['mission.*'], 5.0)
    core.receive('subscription.removed', removed, data={'events': ['mission.*']})
    assert core.taken(Answered) == [Answered(removed, {'events': ['mission.*']})]
    unconfirmed = core.do('subscribe', ['module.*'], None, 5.0)
    core.lose()
    assert [action.request_id for action in core.taken(Failed)] == [unconfirmed]
    core.sent()
    restored = [each for each in core.go_live() if each['type'] == 'subscribe']
    assert [(each['events'], each.get('rate')) for each in restored] == [
        (['safety.estop', 'safety.state', 'safety.zone_entered'], 10.0),
        (['config.*'], None),
    ]


def test_events_come_once_and_in_order_over_a_loss():
    core = Core()
    core.go_live(seq=3)
    for seq in (4, 5):
        core.give(stop_event(seq, seq))
    core.give(stop_event(7))  # it overtook 6, so it has no number
    core.lose()
    core.pass_time(1.0)
    _, subscribe, resume = core.open()
    assert resume['after'] == 5
    core.establish()
    core.give(stop_event(7))  # the last value of a latched type
    core.answer([subscribe])
    core.give(stop_event(9, 9))  # it came while the bridge prepared what was missed
    for seq in (6, 7, 8, 9):
        core.give(stop_event(seq, seq))
    core.answer([resume], seq=9)
    core.give(stop_event(10, 10))
    core.give(stop_event(10, 10))
    assert core.events() == ['e4', 'e5', 'e7', 'e9', 'e6', 'e8', 'e10']
    assert core.taken(GapFound) == []


def test_a_loss_while_events_are_replayed_begins_at_the_old_number():
    core = Core()
    core.go_live(seq=3)
    core.lose()
    core.pass_time(1.0)
    _, subscribe, _ = core.open()
    core.establish()
    core.answer([subscribe])
    core.give(stop_event(4, 4))
    core.lose()
    core.pass_time(2.0)
    _, subscribe, resume = core.open()
    assert resume['after'] == 3
    core.establish()
    core.answer([subscribe])
    for seq in (4, 5):
        core.give(stop_event(seq, seq))
    core.answer([resume], seq=5)
    assert core.events() == ['e4', 'e5']


def test_what_is_subscribed_to_while_a_connection_is_restored_is_a_part_of_it():
    core = Core(subscriptions=(Subscription(('system.*',)),), resume=False)
    core.do('connect')
    _, first = core.open()
    assert core.do('subscribe', ['safety.*'], 2.0, 5.0) is None
    core.establish()
    assert core.do('unsubscribe', ['system.status'], 5.0) is None
    second, third = core.sent()
    assert (second['type'], second['events'], second['rate']) == ('subscribe', ['safety.*'], 2.0)
    assert (third['type'], third['events']) == ('unsubscribe', ['system.status'])
    core.answer([first, second])
    assert core.state == 'restoring'
    core.receive('subscription.removed', third['request_id'], data={'events': third['events']})
    assert core.state == 'live'
    core.lose()
    assert core.do('subscribe', ['mission.*'], None, 5.0) is None and not core.sent()
    restored = [each['events'] for each in core.go_live() if each['type'] == 'subscribe']
    assert [pattern for events in restored for pattern in events if '*' in pattern] == [
        'safety.*',
        'mission.*',
    ]


def test_a_loss_after_a_gap_was_reported_and_before_it_is_live_is_another_gap():
    core = Core(resume=False)
    core.go_live()
    core.lose()
    core.pass_time(1.0)
    core.open()
    core.establish()
    (first,) = core.taken(GapFound)
    core.lose()
    core.go_live()
    (second,) = core.taken(GapFound)
    assert second.gap.since == first.gap.until


def test_another_epoch_is_a_gap_before_its_events():
    core = Core()
    core.go_live(epoch='a', seq=3)
    core.give({**stop_event(4, 4), 'timestamp': '2026-11-23T10:31:00.000Z'})
    core.lose()
    core.pass_time(1.0)
    sent = core.open()
    core.establish(epoch='b')
    core.give(stop_event(1, 1))
    core.answer(sent, epoch='b', seq=1, recovered=False)
    kinds = [
        type(action) for action in core.actions if isinstance(action, (GapFound, EventReceived))
    ]
    assert kinds == [EventReceived, GapFound, EventReceived]
    assert core.taken(GapFound) == [GapFound(Gap('2026-11-23T10:31:00.000Z', STAMP))]
    core.lose()
    assert core.go_live(epoch='b', seq=1)[2]['epoch'] == 'b'
    assert core.taken(GapFound) == []


def test_events_that_the_bridge_does_not_keep_any_more_are_a_gap():
    core = Core()
    core.go_live(seq=3)
    core.lose()
    core.go_live(seq=30_000, recovered=False)
    assert len(core.taken(GapFound)) == 1


def test_without_resume_each_loss_is_a_gap_but_a_failed_attempt_is_none():
    core = Core(resume=False)
    core.do('connect')
    core.lose()
    core.go_live()
    assert core.taken(GapFound) == []
    for _ in range(2):
        core.lose()
    core.go_live()
    assert len(core.taken(GapFound)) == 1


def test_the_reply_that_is_an_event_is_a_reply():
    core = Core()
    core.go_live()
    request_id = core.do('call', 'get_system_status', {}, 5.0)
    core.give({**STATUS, 'request_id': request_id})
    assert core.taken(Answered) == [Answered(request_id, {'status': 'idle'})]
    assert core.taken(EventReceived) == []
    core.give(STATUS)
    core.give(STATUS)  # the newest value of a state is reported each time
    assert len(core.taken(EventReceived)) == 2


def test_what_is_not_known_is_ignored():
    core = Core()
    core.go_live()
    core.actions.clear()
    core.receive('future.thing', data={'x': 1})
    core.receive('error', code=5)
    core.receive('command.result', 'of somebody else', data={})
    core.receive('subscription.confirmed', ['no id'], data={})
    assert core.actions == [] and core.state == 'live'


def test_an_event_without_what_each_event_has_is_no_message():
    core = Core()
    core.go_live()
    core.do('received', core.generation, '{"type": "safety.estop", "data": {}}')
    assert core.state == 'waiting' and core.core.state.code == 4000


def test_an_error_belongs_to_its_command_or_to_the_connection():
    core = Core()
    core.go_live()
    request_id = core.do('call', 'pause_mission', {}, 5.0)
    core.fail('WS-009', request_id, temporary=True)
    (failed,) = core.taken(Failed)
    assert isinstance(failed.error, BridgeError)
    assert (failed.error.code, failed.error.temporary) == ('WS-009', True)
    core.fail('WS-003')
    assert [report.error.code for report in core.taken(ErrorOccurred)] == ['WS-003']
    core.fail('WS-010', temporary=True)
    core.lose(4503, 'close reason')
    assert core.taken(ErrorOccurred) == []
    assert core.core.state.reason == 'WS-010 Name: why'


def test_the_role_is_reported_when_it_changes():
    core = Core()
    core.go_live(role='operator')
    assert core.taken(RoleChanged) == [RoleChanged('operator')]
    core.lose()
    core.go_live(role='operator')
    assert core.taken(RoleChanged) == []
    core.lose()
    core.go_live(role='viewer')
    assert core.taken(RoleChanged) == [RoleChanged('viewer')]

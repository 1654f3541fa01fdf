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
"""The fan-out."""

from types import SimpleNamespace

import pytest

from oht50_bridge.gateway.history import EventHistory
from oht50_bridge.gateway.hub import KEPT_PER_TYPE
from oht50_bridge.gateway.hub import Hub
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.state_fanout import StateFanout
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.rates import TokenBucket


async def test_every_latched_stop_is_sent_on_subscribing_until_a_clear(serving, event):
    async with serving() as server:
        publish = server.gateway.publish
        for estop_id in ('a', 'b', 'a', 'c'):
            publish(event('safety.estop', estop_id=estop_id))
        peer = await server.enter('safety.estop')
        seen = await peer.barrier()
        assert [message['data']['estop_id'] for message in seen] == ['b', 'a', 'c']
        publish(event('safety.clear'))
        publish(event('safety.estop', estop_id='d'))
        other = await server.enter('safety.*')
        assert [m['data'].get('estop_id') for m in await other.barrier()] == ['d']
        for number in range(100):
            publish(event('safety.estop', estop_id=f'{number}'))
        third = await server.enter('safety.*')
        kept = [m['data']['estop_id'] for m in await third.barrier()]
        assert (kept[0], kept[-1], len(kept)) == ('d', '99', KEPT_PER_TYPE)


async def test_last_values_and_the_latched_stop_are_sent_once_on_subscribing(serving, event):
    async with serving() as server:
        publish = server.gateway.publish
        for mission in ('m-1', 'm-2'):
            publish(event('mission.progress', mission_id=mission))
        publish(event('mission.completed', mission_id='m-1'))
        publish(event('telemetry.realtime'))
        publish(event('safety.clear'))
        publish(event('safety.estop', estop_id='e9'))
        publish(event('module.discovered'))
        peer = await server.enter('*')
        seen = await peer.barrier()
        await server.until(lambda: server.gateway.stats().waiting == 0)
        seen += await peer.barrier()
        assert sorted(message['type'] for message in seen) == [
            'mission.progress',
            'safety.estop',
            'telemetry.realtime',
        ]
        await peer.send('subscribe', events=['*'], rate=5)
        assert [m['type'] for m in await peer.barrier()] == ['subscription.confirmed']
        publish(event('safety.clear'))
        other = await server.enter('safety.*')
        assert [m['type'] for m in await other.barrier()] == ['safety.clear']


class Recorder:
    """A subscriber that keeps what it is sent."""

    def __init__(self, readable=('safety.estop', 'mission.progress'), fails=False):
        self.readable = readable
        self.fails = fails
        self.events = []
        self.dropped = False

    def may_read(self, kind):
        return kind in self.readable

    def offer(self, event):
        if self.fails:
            raise RuntimeError('broken')
        self.events.append(event)

    def write_state(self, event):
        self.offer(event)
        return True

    def drop(self):
        self.dropped = True


def make_hub(encode=None, history=None):
    loop = SimpleNamespace(time=lambda: 100.0, call_at=lambda when, callback: None)
    states = StateFanout(loop, TokenBucket(0, 1), lambda kind: EVENTS[kind].rate, Counts())
    return Hub(encode or Encoder().encode, history or EventHistory('epoch', 10), states)


@pytest.fixture
def hub():
    return make_hub()


def rates(*kinds):
    return {kind: EVENTS[kind].rate for kind in kinds}


def test_only_subscribers_that_may_read_an_event_get_it(hub, event):
    reader, other_role, unsubscribed = Recorder(), Recorder(readable=()), Recorder()
    for subscriber in (reader, other_role, unsubscribed):
        hub.subscribe(subscriber, rates('safety.estop', 'mission.progress'))
    hub.unsubscribe(unsubscribed, ['safety.estop', 'mission.progress'])
    published = [hub.publish(event(kind)) for kind in ('safety.estop', 'mission.progress')]
    assert reader.events == published
    assert other_role.events == unsubscribed.events == []


def test_a_forgotten_subscriber_gets_nothing(hub, event):
    reader = Recorder()
    hub.subscribe(reader, rates('safety.estop', 'mission.progress'))
    hub.forget(reader)
    hub.publish(event('safety.estop'))
    hub.publish(event('mission.progress'))
    assert reader.events == []


def test_a_subscriber_that_fails_is_dropped_and_the_next_gets_the_event(hub, event, caplog):
    broken, reader = Recorder(fails=True), Recorder()
    hub.subscribe(broken, rates('safety.estop'))
    hub.subscribe(reader, rates('safety.estop'))
    hub.publish(event('safety.estop'))
    assert broken.dropped and not reader.dropped
    assert len(reader.events) == 1
    assert 'safety.estop could not be sent' in caplog.text


def test_event_class_events_are_numbered_and_state_class_events_are_not(event):
    history = EventHistory('epoch', 10)
    hub = make_hub(history=history)
    kinds = ['safety.estop', 'telemetry.realtime', 'safety.clear']
    assert [hub.publish(event(kind)).seq for kind in kinds] == [1, None, 2]
    assert [kept.kind.name for kept in history.after('epoch', 0)] == [
        'safety.estop',
        'safety.clear',
    ]


def test_the_end_of_a_mission_removes_its_last_progress(hub, event):
    for mission in ('m-1', 'm-2'):
        hub.publish(event('mission.progress', mission_id=mission))
    hub.publish(event('mission.completed', mission_id='m-1'))
    (left,) = hub.last_values(['mission.progress'])
    assert left.event.data.mission_id == 'm-2'


def test_the_oldest_last_value_of_a_type_is_dropped_beyond_the_limit(hub, event):
    for number in range(KEPT_PER_TYPE + 1):
        hub.publish(event('mission.progress', mission_id=f'm-{number}'))
    kept = [value.event.data.mission_id for value in hub.last_values(['mission.progress'])]
    assert kept == [f'm-{number}' for number in range(1, KEPT_PER_TYPE + 1)]


def test_an_event_that_cannot_be_encoded_reaches_no_subscriber(event):
    def encode(message):
        raise ValueError('not encodable')

    hub, reader = make_hub(encode), Recorder()
    hub.subscribe(reader, rates('safety.estop', 'mission.progress'))
    for kind in ('safety.estop', 'mission.progress'):
        with pytest.raises(ValueError, match='not encodable'):
            hub.publish(event(kind))
    assert reader.events == [] and not reader.dropped

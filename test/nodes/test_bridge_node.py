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
"""bridge_node: its settings, and the events from before its start."""

import asyncio

import pytest

from oht50_bridge.gateway.commands import Caller
from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.bridge_node import BridgeNode
from oht50_bridge.nodes.bridge_settings import BridgeNodeSettings
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.stamps import to_stamp
from oht50_bridge.protocol.commands import ClearEstop
from oht50_bridge.protocol.commands import EmergencyStop
from oht50_bridge.protocol.commands import GetVehicle

pytestmark = pytest.mark.cover_processes


@pytest.fixture
def published(monkeypatch):
    """What the node hands to its gateway."""
    events = []
    monkeypatch.setattr(
        'oht50_bridge.gateway.server.Gateway.publish_threadsafe',
        lambda self, event: events.append(event),
    )
    return events


def estop(counter, seconds=0):
    message = SafetyEstop(
        counter=counter,
        estop_id=f'estop-{counter}',
        trigger_type='remote',
        emergency_level='critical',
    )
    message.header.stamp = to_stamp(seconds * 1_000_000_000)
    return message


def clear(counter, seconds=0, **fields):
    message = SafetyClear(
        counter=counter, **{'cleared_by': 'operator', 'next_action': 'resume', **fields}
    )
    message.header.stamp = to_stamp(seconds * 1_000_000_000)
    return message


def test_the_stops_before_the_start_are_published_by_their_counter_not_by_the_clock(
    ros, published
):
    graph = ros.graph(BridgeNode)
    # The clock was set back by a minute between the clear and the stop that came after it.
    graph.publish(topics.SAFETY_CLEAR, clear(2, seconds=3600))
    for message in (estop(4, seconds=3541), estop(1, seconds=3500), estop(3, seconds=3540)):
        graph.publish(topics.SAFETY_ESTOP, message)
    graph.until(lambda: published)
    assert [event.data.estop_id for event in published] == ['estop-3', 'estop-4']
    graph.publish(topics.SAFETY_ESTOP, estop(5))
    graph.until(lambda: len(published) == 3)


def test_the_state_of_the_latch_tells_when_the_events_before_the_start_are_complete(
    ros, published, monkeypatch
):
    monkeypatch.setattr('oht50_bridge.nodes.bridge_node.SETTLING', 60.0)
    graph = ros.graph(BridgeNode)
    graph.publish(topics.ESTOP_STATE, EstopState(counter=3, latched=True))
    graph.publish(topics.SAFETY_ESTOP, estop(3))
    graph.until(lambda: published)
    graph.publish(topics.SAFETY_CLEAR, clear(4))
    graph.until(lambda: len(published) == 2)
    assert [event.type for event in published] == ['safety.estop', 'safety.clear']


def test_a_message_that_breaks_the_specification_does_not_stop_the_others(ros, published):
    graph = ros.graph(BridgeNode)
    graph.spin(1.2)
    graph.publish(topics.SAFETY_CLEAR, clear(2, cleared_by='nobody'))
    graph.publish(topics.SAFETY_ESTOP, estop(3))
    graph.until(lambda: published)
    assert [event.type for event in published] == ['safety.estop']


def test_it_gives_signs_of_life(ros):
    graph = ros.graph(BridgeNode)
    graph.record(topics.PRESENCE)
    graph.until(lambda: graph.last(topics.PRESENCE))
    assert graph.last(topics.PRESENCE).node == 'bridge_node'


def test_nothing_is_cleared_while_a_stop_is_on_its_way(ros, monkeypatch):
    node = ros.graph(BridgeNode).node
    caller = Caller('panel', 's', 'ann', 'admin')

    async def work():
        with pytest.raises(CommandFailedError, match='NOT LATCHED'):
            await node.command(EmergencyStop(type='emergency_stop'), caller)
        with pytest.raises(CommandFailedError, match='is on its way'):
            await node.command(ClearEstop(type='clear_estop'), caller)

    asyncio.run(work())


@pytest.mark.parametrize('ros', [['-p', 'replay:=true']], indirect=True)
def test_a_replay_has_no_service_clients(ros):
    node = ros.graph(BridgeNode).node
    assert list(node.clients) == []
    caller = Caller('panel', 's', 'ann', 'viewer')
    described = asyncio.run(node.command(GetVehicle(type='get_vehicle'), caller)).data
    assert described['mode'] == 'replay'
    assert described['stations'] is described['rail_length'] is None
    assert 'emergency_stop' not in described['may']['order']


@pytest.mark.parametrize(
    ('ros', 'reason'),
    [
        (['-p', 'tls_key:=/nowhere'], 'TLS needs both tls_certificate and tls_key'),
        (['-p', 'trusted_proxies:=[nonsense]'], 'trusted_proxies: .*give addresses or networks'),
        (['-p', 'origins:=[panel.example]'], "origins: 'panel.example' is not an origin"),
    ],
    indirect=['ros'],
)
def test_wrong_parameters_end_the_start_with_the_remedy(ros, reason):
    with pytest.raises(StartError, match=reason):
        BridgeNode()


@pytest.mark.parametrize('ros', [['-p', 'keys:=/nowhere']], indirect=True)
def test_keys_that_cannot_be_read_end_nothing_and_verify_no_token(ros, caplog):
    BridgeNode().destroy_node()
    assert '/nowhere: no key can be used, so no token is accepted' in caplog.text


def test_tls_files_are_named_by_the_settings():
    assert BridgeNodeSettings().tls_files() is None
    files = BridgeNodeSettings(tls_certificate='c', tls_key='k', tls_client_ca='a').tls_files()
    assert [str(path) for path in files.paths] == ['c', 'k', 'a']

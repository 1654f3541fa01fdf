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

import pytest

from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.bridge_node import BridgeNode
from oht50_bridge.nodes.bridge_settings import BridgeNodeSettings
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.stamps import to_stamp

FUTURE = 2_000_000_000  # s since 1970-01-01 UTC


@pytest.fixture
def published(monkeypatch):
    """What the node hands to its gateway."""
    events = []
    monkeypatch.setattr(
        'oht50_bridge.gateway.server.Gateway.publish_threadsafe',
        lambda self, event: events.append(event),
    )
    return events


def estop(seconds):
    message = SafetyEstop(
        estop_id=f'estop-{seconds}', trigger_type='remote', emergency_level='critical'
    )
    message.header.stamp = to_stamp(seconds * 1_000_000_000)
    return message


def test_of_the_stops_and_clears_before_the_start_the_last_is_published(ros, published):
    graph = ros.graph(BridgeNode)
    for message in (estop(3), estop(1), estop(2)):
        graph.publish(topics.SAFETY_ESTOP, message)
    graph.until(lambda: published)
    assert [event.data.estop_id for event in published] == ['estop-3']
    graph.publish(topics.SAFETY_ESTOP, estop(FUTURE))
    graph.until(lambda: len(published) == 2)


def test_a_message_that_breaks_the_specification_does_not_stop_the_others(ros, published):
    graph = ros.graph(BridgeNode)
    graph.spin(1.2)
    clear = SafetyClear(cleared_by='nobody', next_action='resume')
    clear.header.stamp = to_stamp(FUTURE * 1_000_000_000)
    graph.publish(topics.SAFETY_CLEAR, clear)
    graph.publish(topics.SAFETY_ESTOP, estop(FUTURE))
    graph.until(lambda: published)
    assert [event.type for event in published] == ['safety.estop']


@pytest.mark.parametrize('ros', [['-p', 'replay:=true']], indirect=True)
def test_a_replay_has_no_service_clients(ros):
    node = ros.graph(BridgeNode).node
    assert list(node.clients) == []


@pytest.mark.parametrize(
    ('ros', 'reason'),
    [
        (['-p', 'tls_key:=/nowhere'], 'TLS needs both tls_certificate and tls_key'),
        (['-p', 'trusted_proxies:=[nonsense]'], 'trusted_proxies: .*give addresses or networks'),
        (['-p', 'keys:=/nowhere'], '/nowhere'),
    ],
    indirect=['ros'],
)
def test_wrong_parameters_end_the_start_with_the_remedy(ros, reason):
    with pytest.raises(StartError, match=reason):
        BridgeNode()


def test_tls_files_are_named_by_the_settings():
    assert BridgeNodeSettings().tls_files() is None
    files = BridgeNodeSettings(tls_certificate='c', tls_key='k', tls_client_ca='a').tls_files()
    assert [str(path) for path in files.paths] == ['c', 'k', 'a']

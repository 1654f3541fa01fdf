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
"""What the bridge received before it knew whether it continues, and from whom."""

import logging

import pytest
from rclpy.node import Node

from oht50_bridge.gateway.journal import Past
from oht50_bridge.identity import VEHICLE
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import NodePresence
from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.msg import SystemError
from oht50_bridge.msg import TelemetryStatus
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.event_publisher import published_events
from oht50_bridge.nodes.received_events import ReceivedEvents
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import to_stamp

ERROR = topics.SYSTEM_ERROR.name


class Gateway:
    """What is used of a gateway."""

    def __init__(self, past):
        self.past = past
        self.events, self.noted, self.skipped, self.stops = [], {}, [], []

    def publish_threadsafe(self, event, origin=None):
        self.events.append((event.type, origin and origin.number))
        if event.type == 'safety.estop':
            self.stops.append(event.data.estop_id)

    def skip_threadsafe(self, origin):
        self.skipped.append(origin)

    def note_threadsafe(self, node, publisher):
        self.noted[node] = publisher


@pytest.fixture
def make(ros, monkeypatch):
    """Return a receiving node, beside the probe, which stands for system_node."""
    monkeypatch.setenv(VEHICLE, '0f lab:/a')

    def make(seen=None):
        def receiving():
            node = Node('bridge_node')
            known = None if seen is None else Past('epoch', [], {}, {'system_node': seen})
            node.gateway = Gateway(known)
            node.events = ReceivedEvents(node, node.gateway, is_replay=False)
            return node

        graph = ros.graph(receiving)
        graph.publisher = published_events(graph.probe).publisher
        return graph

    return make


def error(graph):
    message = SystemError(
        header=header(graph.probe),
        error_code='SYS-002',
        error_name='a',
        severity='P2',
        description='b',
    )
    graph.publish(topics.SYSTEM_ERROR, message)


def presence(graph, vehicle='0f', node='system_node', instance=None):
    last = published_events(graph.probe).last
    graph.publish(
        topics.PRESENCE,
        NodePresence(
            vehicle=vehicle,
            node=node,
            instance=graph.publisher if instance is None else instance,
            event_topics=list(last),
            last_numbers=list(last.values()),
        ),
    )


def test_without_anything_to_continue_events_pass_at_once(make):
    graph = make()
    assert not graph.node.events.waiting
    error(graph)
    graph.until(lambda: graph.node.gateway.events)
    assert graph.node.gateway.events == [('system.error', 1)]
    presence(graph)
    graph.until(lambda: graph.node.gateway.noted)
    assert graph.node.gateway.noted == {'system_node': graph.publisher}


def test_what_arrives_before_the_decision_is_passed_on_after_it(make, caplog):
    caplog.set_level(logging.INFO)
    graph = make(seen='another')
    graph.node.gateway.past.nodes['system_node'] = graph.publisher
    assert graph.node.events.waiting
    error(graph)
    graph.publish(topics.TELEMETRY_STATUS, TelemetryStatus(header=header(graph.probe), rate=5.0))
    presence(graph, vehicle='1e', instance='of another vehicle')
    presence(graph)
    graph.until(lambda: not graph.node.events.waiting)
    graph.until(lambda: graph.node.events._held)
    graph.node.events.decide()
    assert graph.node.gateway.events == []
    graph.node.events.release()
    assert graph.node.gateway.past is not None
    assert graph.node.gateway.events == [('telemetry.status', None), ('system.error', 1)]
    assert graph.node.gateway.noted == {'system_node': graph.publisher}


def test_a_node_that_was_started_again_ends_what_was_before(make):
    graph = make(seen='another')
    error(graph)
    presence(graph)
    graph.until(lambda: not graph.node.events.waiting)
    graph.node.events.decide()
    assert graph.node.gateway.past is None
    graph.node.events.release()
    graph.until(lambda: graph.node.gateway.events)  # a sign of life may overtake it
    assert graph.node.gateway.events == [('system.error', 1)]


def test_a_stop_from_before_the_start_that_is_over_is_not_missed_by_the_next_bridge(make):
    graph = make()

    def publish(topic, message):
        message.header.stamp = to_stamp(message.counter)
        graph.publish(topic, message)

    for counter in (1, 3):
        stop = SafetyEstop(counter=counter, estop_id='a', trigger_type='remote')
        stop.emergency_level = 'critical'
        publish(topics.SAFETY_ESTOP, stop)
        if counter == 1:
            publish(topics.SAFETY_CLEAR, SafetyClear(counter=2, cleared_by='operator'))
    graph.until(lambda: len(graph.node.gateway.skipped) == 2)
    assert graph.node.gateway.events == [('safety.estop', 2)]
    skipped = {(origin.topic, origin.number) for origin in graph.node.gateway.skipped}
    assert skipped == {(topics.SAFETY_ESTOP.name, 1), (topics.SAFETY_CLEAR.name, 1)}


def test_stops_of_another_vehicle_hide_none_of_this_one(make):
    graph = make()

    def publish(counter, vehicle):
        stop = SafetyEstop(counter=counter, vehicle=vehicle, estop_id=f'{vehicle}-{counter}')
        stop.trigger_type, stop.emergency_level = 'remote', 'critical'
        stop.header.stamp = to_stamp(counter)
        graph.publish(topics.SAFETY_ESTOP, stop)
        graph.publish(
            topics.ESTOP_STATE,
            EstopState(vehicle=vehicle, counter=counter, latched=True, estop_id=stop.estop_id),
        )

    def reported():
        return graph.node.gateway.stops

    publish(1, '0f')
    graph.until(lambda: reported() == ['0f-1'])
    publish(40, '1e')
    publish(2, '0f')
    publish(3, '')  # of a safety_node that was started by hand
    graph.until(lambda: len(reported()) == 3)
    assert reported() == ['0f-1', '0f-2', '-3']

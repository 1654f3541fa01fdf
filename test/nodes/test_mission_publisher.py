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
"""Reports of missions as messages."""

import math

import pytest
import rclpy

from oht50_bridge.msg import HoistState
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.mission_publisher import MissionPublisher
from oht50_bridge.nodes.mission_publisher import point
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.vehicle.journal import MissionRecord
from oht50_bridge.vehicle.mission import MissionPhase
from oht50_bridge.vehicle.mission_reports import ProgressReport
from oht50_bridge.vehicle.mission_reports import StartedReport
from oht50_bridge.vehicle.mission_reports import StateReport


@pytest.fixture
def graph(ros):
    graph = ros.graph(lambda: rclpy.create_node('publisher'))
    graph.output = MissionPublisher(graph.node, 'map')
    return graph


def published(graph, topic):
    """Return the message that the next call publishes."""
    graph.record(topic)

    def last():
        graph.until(lambda: graph.last(topic))
        return graph.last(topic)

    return last


def test_a_start(graph):
    last = published(graph, topics.MISSION_STARTED)
    graph.output.started(StartedReport('m', 'transport', 5.0, 7.0, 8.5, 1_500_000_000))
    message = last()
    assert (message.mission_id, message.start_position.x, message.target_position.x) == (
        'm',
        5.0,
        7.0,
    )
    assert (message.estimated_duration, from_stamp(message.header.stamp)) == (8.5, 1_500_000_000)


@pytest.mark.parametrize('remaining', [4.0, math.nan])
def test_progress_has_the_time_of_completion_if_it_is_known(graph, remaining):
    last = published(graph, topics.MISSION_PROGRESS)
    graph.output.progress(ProgressReport('m', 0.5, 6.0, 1.0, remaining))
    message = last()
    assert (message.progress, message.remaining_distance) == (0.5, 1.0)
    completion = from_stamp(message.estimated_completion)
    if math.isnan(remaining):
        assert completion == 0
    else:
        ahead = (completion - from_stamp(message.header.stamp)) / 1e9
        assert ahead == pytest.approx(4.0, abs=0.05)


def test_an_end_and_the_state(graph):
    completed = published(graph, topics.MISSION_COMPLETED)
    graph.output.completed(MissionRecord('m', 'transport', 7.0, 2.0, 3.0, 1, 'success', 9.0))
    message = completed()
    assert (message.status, message.final_position.x, message.errors_encountered) == (
        'success',
        7.0,
        1,
    )
    assert (message.completion_time, message.energy_consumed) == (9.0, 3.0)
    state = published(graph, topics.MISSION_STATE)
    graph.output.state(StateReport(MissionPhase.HELD, 'm', 'transport', 7.0, 'obstacle', True, -1))
    message = state()
    assert (message.at_dock, message.dock_direction) == (True, -1)
    assert (message.phase, message.reason, message.target_position.x) == ('held', 'obstacle', 7.0)
    assert graph.output.subscribed


def test_a_point_that_is_not_known_is_nan_in_every_coordinate():
    assert (point(1.0).x, point(1.0).y, point(1.0).z) == (1.0, 0.0, 0.0)
    assert all(map(math.isnan, (point(math.nan).x, point(math.nan).y, point(math.nan).z)))


@pytest.mark.parametrize('length', [0.0, 0.055, 0.1])
def test_the_vehicle_hangs_at_the_rope_and_a_target_does_not(graph, length):
    output, messages = graph.output, []
    for name in ('_mission_started', '_mission_progress', '_mission_completed'):
        getattr(output, name).publish = messages.append
    output.rope.put(HoistState(referenced=True, rope_length=length))
    output.started(StartedReport('m', 'transport', 5.0, 7.0, 8.5, 1))
    output.progress(ProgressReport('m', 50.0, 6.0, 1.0, math.nan))
    output.completed(MissionRecord('m', 'transport', 7.0, 2.0, 3.0, 0))
    output.completed(MissionRecord('m', 'transport', math.nan, 2.0, 3.0, 0))
    started, progress, completed, lost = messages
    assert started.target_position.z == 0.0
    places = (started.start_position, progress.current_position, completed.final_position)
    assert [place.z for place in places] == [-length] * 3
    assert math.isnan(lost.final_position.z)

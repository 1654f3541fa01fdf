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
"""telemetry_node: the estimate from what the boards report."""

import math

import pytest
from geometry_msgs.msg import Point

from oht50_bridge.msg import DriveState
from oht50_bridge.msg import Location
from oht50_bridge.msg import PowerState
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.telemetry_node import TelemetryNode
from oht50_bridge.srv import SetTelemetryRate

NAN = math.nan


def location(graph, x, **more):
    values = {
        'position': Point(x=x, y=0.0, z=0.0),
        'position_resolution': 0.001,
        'linear_velocity': 0.2,
        'angular_velocity': 0.0,
        **more,
    }
    return Location(header=header(graph.probe), **values)


def drive(graph, x):
    return DriveState(
        header=header(graph.probe), position=x, position_resolution=0.01, velocity=0.3
    )


@pytest.fixture
def graph(ros):
    graph = ros.graph(TelemetryNode)
    graph.record(topics.TELEMETRY, topics.ODOMETRY, topics.TELEMETRY_STATUS)
    return graph


def test_without_a_report_every_value_is_nan(graph):
    graph.until(lambda: graph.last(topics.TELEMETRY))
    telemetry = graph.last(topics.TELEMETRY)
    assert all(
        math.isnan(value)
        for value in (
            telemetry.position.x,
            telemetry.linear_velocity,
            telemetry.battery_percentage,
            telemetry.temperature,
        )
    )
    assert graph.received[topics.ODOMETRY.name] == []


def test_the_location_board_is_preferred_to_the_motor_board(graph):
    def both():
        graph.publish(topics.DRIVE_STATE, drive(graph, 7.0))
        graph.publish(topics.LOCATION, location(graph, 5.0))
        return graph.last(topics.TELEMETRY) and graph.last(topics.TELEMETRY).position.x == 5.0

    graph.until(both)
    assert graph.last(topics.TELEMETRY).linear_velocity == 0.2
    graph.until(lambda: graph.last(topics.ODOMETRY))
    assert graph.last(topics.ODOMETRY).pose.pose.position.x == 5.0

    def drive_alone():
        graph.publish(topics.DRIVE_STATE, drive(graph, 7.0))
        return graph.last(topics.TELEMETRY).position.x == 7.0

    graph.until(drive_alone)
    assert graph.last(topics.TELEMETRY).linear_velocity == 0.3
    graph.until(lambda: math.isnan(graph.last(topics.TELEMETRY).position.x))


def test_a_location_without_a_position_leaves_the_motor_board(graph):
    def both():
        graph.publish(topics.DRIVE_STATE, drive(graph, 7.0))
        graph.publish(topics.LOCATION, location(graph, NAN, linear_velocity=NAN, yaw=0.1))
        return graph.last(topics.TELEMETRY) and graph.last(topics.TELEMETRY).yaw == 0.1

    graph.until(both)
    telemetry = graph.last(topics.TELEMETRY)
    assert (telemetry.position.x, telemetry.linear_velocity) == (7.0, 0.3)


def test_the_battery_is_reported(graph):
    graph.record(topics.BATTERY_STATE)
    graph.until(lambda: graph.last(topics.TELEMETRY))
    graph.publish(topics.POWER, PowerState(percentage=0.85, temperature=25.0))
    graph.until(lambda: graph.last(topics.TELEMETRY).battery_percentage == 0.85)
    graph.until(lambda: graph.last(topics.BATTERY_STATE))


@pytest.mark.parametrize(('rate', 'accepted'), [(2.0, True), (10.5, False), (NAN, False)])
def test_the_rate_can_be_set_within_its_range(graph, rate, accepted):
    response = graph.call(
        SetTelemetryRate, 'set_telemetry_rate', SetTelemetryRate.Request(rate=rate)
    )
    assert response.accepted is accepted
    assert response.rate == (rate if accepted else 10.0)
    if accepted:
        graph.until(lambda: graph.last(topics.TELEMETRY_STATUS).rate == 2.0)
    else:
        assert 'must be within 0.1 and 10 Hz' in response.message

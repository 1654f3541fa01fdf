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
import rclpy
from geometry_msgs.msg import Point

from oht50_bridge.msg import HoistState
from oht50_bridge.msg import Location
from oht50_bridge.msg import Position
from oht50_bridge.msg import PowerState
from oht50_bridge.nodes import telemetry_node
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


def position(graph, x, **more):
    values = {'state': 'valid', 'resolution': 0.001, 'velocity': 0.3, 'age': 0.01, **more}
    return Position(header=header(graph.probe), position=x, **values)


@pytest.fixture
def graph(ros):
    graph = ros.graph(TelemetryNode)
    graph.record(topics.TELEMETRY, topics.ODOMETRY, topics.TELEMETRY_STATUS)
    return graph


def test_a_charge_that_was_reported_before_the_start_is_not_known(ros):
    def starts_after_a_report():
        board = rclpy.create_node('board')
        publisher = topics.POWER.publisher(board)
        publisher.publish(PowerState(percentage=0.85, temperature=25.0))
        node = TelemetryNode()
        destroy = node.destroy_node
        node.destroy_node = lambda: (destroy(), board.destroy_node())
        node.matched = lambda: publisher.get_subscription_count() > 0
        return node

    graph = ros.graph(starts_after_a_report)
    graph.record(topics.TELEMETRY)
    graph.until(graph.node.matched)
    graph.until(lambda: len(graph.received[topics.TELEMETRY.name]) > 5)
    reported = [each.battery_percentage for each in graph.received[topics.TELEMETRY.name]]
    assert all(math.isnan(charge) for charge in reported)
    graph.publish(topics.POWER, PowerState(percentage=0.5))
    graph.until(lambda: graph.last(topics.TELEMETRY).battery_percentage == 0.5)


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


def test_the_position_is_that_of_safety_node(graph):
    def both():
        graph.publish(topics.POSITION, position(graph, 7.0))
        graph.publish(topics.LOCATION, location(graph, 5.0, yaw=0.1))
        telemetry = graph.last(topics.TELEMETRY)
        return telemetry and telemetry.position.x == 7.0 and telemetry.yaw == 0.1

    graph.until(both)
    assert graph.last(topics.TELEMETRY).linear_velocity == 0.3
    graph.until(lambda: graph.last(topics.ODOMETRY))
    assert graph.last(topics.ODOMETRY).pose.pose.position.x == 7.0
    graph.until(lambda: math.isnan(graph.last(topics.TELEMETRY).position.x))


@pytest.mark.parametrize('ros', [['-p', 'rate:=0.1']], indirect=True)
def test_a_new_position_does_not_wait_for_the_timer(graph):
    # At 0.1 Hz the first tick comes after 10 s.
    def known():
        graph.publish(topics.POSITION, position(graph, 7.0))
        return graph.last(topics.TELEMETRY)

    graph.until(known, timeout=5.0)
    assert graph.last(topics.TELEMETRY).position.x == 7.0
    for x in (8.0, 9.0, 10.0):
        graph.publish(topics.POSITION, position(graph, x))

    def arrived():
        odometry = graph.last(topics.ODOMETRY)
        return odometry and odometry.pose.pose.position.x == 10.0

    graph.until(arrived)
    assert len(graph.received[topics.TELEMETRY.name]) == 1


def test_odometry_is_made_only_while_somebody_receives_it(ros, monkeypatch):
    made, make = [], telemetry_node.odometry
    monkeypatch.setattr(
        telemetry_node, 'odometry', lambda *given: made.append(given) or make(*given)
    )
    graph = ros.graph(TelemetryNode)
    graph.record(topics.TELEMETRY)

    def known():
        graph.publish(topics.POSITION, position(graph, 7.0))
        return graph.last(topics.TELEMETRY) and graph.last(topics.TELEMETRY).position.x == 7.0

    graph.until(known)
    graph.node._publish_odometry()
    assert made == []
    graph.record(topics.ODOMETRY)
    graph.until(lambda: known() and graph.last(topics.ODOMETRY))


@pytest.mark.parametrize('fault', [{'state': 'lost'}, {'state': 'unknown'}, {'age': 0.6}])
def test_a_position_that_is_not_valid_or_too_old_is_none(graph, fault):
    graph.until(lambda: graph.last(topics.TELEMETRY))
    graph.publish(topics.POSITION, position(graph, 7.0))
    graph.until(lambda: graph.last(topics.TELEMETRY).position.x == 7.0)

    def unknown():
        graph.publish(topics.POSITION, position(graph, 7.0, **fault))
        return math.isnan(graph.last(topics.TELEMETRY).position.x)

    graph.until(unknown)


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


def test_z_is_below_the_rail_by_the_rope_and_the_vehicle_stays_on_it(graph):
    def known(rope):
        def published():
            graph.publish(topics.POSITION, position(graph, 7.0))
            graph.publish(topics.LOCATION, location(graph, 7.0))
            graph.publish(topics.HOIST_STATE, rope)
            telemetry = graph.last(topics.TELEMETRY)
            return telemetry and telemetry.position.x == 7.0 and telemetry.position.z

        return published

    graph.until(known(HoistState(referenced=True, rope_length=1.25)))
    assert graph.last(topics.TELEMETRY).position.z == -1.25
    graph.until(lambda: graph.last(topics.ODOMETRY))
    assert graph.last(topics.ODOMETRY).pose.pose.position.z == 0.0


def test_z_is_unknown_while_the_hoist_is_not_referenced_or_silent(graph):
    def reported(z, rope):
        def published():
            graph.publish(topics.POSITION, position(graph, 7.0))
            graph.publish(topics.LOCATION, location(graph, 7.0))
            if rope is not None:
                graph.publish(topics.HOIST_STATE, rope)
            telemetry = graph.last(topics.TELEMETRY)
            return (
                telemetry
                and telemetry.position.x == 7.0
                and str(telemetry.position.z) == str(float(z))  # nan equals nan
            )

        return published

    graph.until(reported(0.0, None))
    graph.until(reported(-0.5, HoistState(referenced=True, rope_length=0.5)))
    graph.until(reported(NAN, HoistState(referenced=False, rope_length=NAN)))
    graph.until(reported(-0.5, HoistState(referenced=True, rope_length=0.5)))
    graph.until(reported(NAN, None))


def test_the_angular_acceleration_is_that_of_the_board_and_ends_with_it(graph):
    def known():
        graph.publish(topics.LOCATION, location(graph, 5.0, angular_acceleration=0.3))
        return graph.last(topics.TELEMETRY) and (
            graph.last(topics.TELEMETRY).angular_acceleration == 0.3
        )

    graph.until(known)
    graph.until(lambda: math.isnan(graph.last(topics.TELEMETRY).angular_acceleration))

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

import math
from pathlib import Path
from xml.etree import ElementTree

import pytest
from geometry_msgs.msg import Point
from sensor_msgs.msg import BatteryState
from std_msgs.msg import Header

from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.msg import Telemetry
from oht50_bridge.nodes.to_standard import UNKNOWN_VARIANCE
from oht50_bridge.nodes.to_standard import battery_state
from oht50_bridge.nodes.to_standard import odometry
from oht50_bridge.nodes.to_standard import quaternion
from oht50_bridge.nodes.to_standard import ranges
from oht50_bridge.nodes.to_standard import transform

NAN = math.nan
URDF = Path(__file__).resolve().parents[2] / 'urdf' / 'oht50.urdf'


def test_odometry_of_what_is_measured_and_nothing_invented():
    telemetry = Telemetry(
        header=Header(frame_id='map'),
        position=Point(x=1.25, y=NAN, z=NAN),
        linear_velocity=0.3,
        angular_velocity=NAN,
        roll=NAN,
        pitch=NAN,
        yaw=NAN,
    )
    message = odometry(telemetry, 'odom', 'base_link', 0.01)
    assert (message.header.frame_id, message.child_frame_id) == ('odom', 'base_link')
    position = message.pose.pose.position
    assert (position.x, position.y, position.z) == (1.25, 0.0, 0.0)
    assert message.twist.twist.linear.x == 0.3
    assert message.pose.covariance[0] == pytest.approx(0.01**2 / 12)
    assert message.twist.covariance[0] == 0.0
    assert message.pose.covariance[35] == message.twist.covariance[35] == UNKNOWN_VARIANCE
    moved = transform(message)
    assert moved.transform.translation.x == 1.25
    assert moved.transform.rotation.w == 1.0
    assert (moved.header.frame_id, moved.child_frame_id) == ('odom', 'base_link')


@pytest.mark.parametrize(
    ('angles', 'expected'),
    [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)),
        ((math.pi, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)),
        ((0.0, math.pi, 0.0), (0.0, 1.0, 0.0, 0.0)),
        ((0.0, 0.0, math.pi / 2), (0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5))),
        ((math.pi / 2, 0.0, math.pi / 2), (0.5, 0.5, 0.5, 0.5)),
    ],
)
def test_quaternion(angles, expected):
    rotation = quaternion(*angles)
    assert (rotation.x, rotation.y, rotation.z, rotation.w) == pytest.approx(expected)


@pytest.mark.parametrize(
    ('state', 'status', 'present'),
    [
        (PowerState.STATE_CHARGING, BatteryState.POWER_SUPPLY_STATUS_CHARGING, True),
        (PowerState.STATE_DISCHARGING, BatteryState.POWER_SUPPLY_STATUS_DISCHARGING, True),
        (PowerState.STATE_OFFLINE, BatteryState.POWER_SUPPLY_STATUS_UNKNOWN, False),
    ],
)
def test_battery_state(state, status, present):
    battery = battery_state(
        PowerState(
            voltage=24.0,
            current=-1.5,
            percentage=0.5,
            temperature=25.0,
            cell_voltages=[4.0] * 6,
            state=state,
            battery_fault=True,
        )
    )
    assert (battery.power_supply_status, battery.present) == (status, present)
    assert battery.power_supply_health == BatteryState.POWER_SUPPLY_HEALTH_UNSPEC_FAILURE
    assert (battery.voltage, battery.current, battery.percentage) == (24.0, -1.5, 0.5)
    assert list(battery.cell_voltage) == [4.0] * 6
    assert math.isnan(battery.capacity)


def test_ranges_of_the_inputs_in_use():
    near, far, none = ranges(
        SafetyInputs(distances=[0.5, 0.6, math.inf, NAN]),
        ['forward', '', 'backward', 'forward'],
        0.1,
        0.95,
    )
    assert (near.header.frame_id, near.range) == ('range_1_link', 0.5)
    assert (far.header.frame_id, far.range) == ('range_3_link', math.inf)
    assert math.isnan(none.range)
    assert near.min_range == pytest.approx(0.1)
    assert near.max_range == pytest.approx(0.95)


def test_urdf_is_one_tree_that_has_the_frame_of_each_range():
    robot = ElementTree.parse(URDF).getroot()
    links = {link.get('name') for link in robot.iter('link')}
    parents = {
        joint.find('child').get('link'): joint.find('parent').get('link')
        for joint in robot.iter('joint')
    }
    assert set(parents) == links - {'base_link'}
    assert set(parents.values()) <= links
    inputs = SafetyInputs(distances=[0.5] * 4)
    assert {found.header.frame_id for found in ranges(inputs, ['forward'] * 4, 0.1, 0.95)} <= links

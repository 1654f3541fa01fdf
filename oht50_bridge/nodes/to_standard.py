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
"""What the boards report, as the standard messages of ROS: for rviz, rosbag and their like."""

from __future__ import annotations

import math
from collections.abc import Sequence

from geometry_msgs.msg import Point
from geometry_msgs.msg import Pose
from geometry_msgs.msg import Quaternion
from geometry_msgs.msg import Transform
from geometry_msgs.msg import TransformStamped
from geometry_msgs.msg import Vector3
from nav_msgs.msg import Odometry
from sensor_msgs.msg import BatteryState
from sensor_msgs.msg import Range
from std_msgs.msg import Header

from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.msg import Telemetry

SUPPLY_STATUSES = {
    PowerState.STATE_IDLE: BatteryState.POWER_SUPPLY_STATUS_NOT_CHARGING,
    PowerState.STATE_CHARGING: BatteryState.POWER_SUPPLY_STATUS_CHARGING,
    PowerState.STATE_DISCHARGING: BatteryState.POWER_SUPPLY_STATUS_DISCHARGING,
}
UNKNOWN_VARIANCE = 1e6  # of what no board measures


def odometry(
    telemetry: Telemetry, odom_frame: str, base_frame: str, resolution: float
) -> Odometry:
    """Return the odometry of an estimate whose position is known.

    The rail holds the vehicle: of the other axes, what no board measures is 0.

    Args:
        telemetry: the estimate.
        odom_frame: frame of the pose.
        base_frame: frame of the vehicle.
        resolution: m, smallest step of the position.

    """
    message = Odometry(
        header=Header(stamp=telemetry.header.stamp, frame_id=odom_frame), child_frame_id=base_frame
    )
    message.pose.pose = Pose(
        position=Point(
            x=telemetry.position.x,
            y=_or_zero(telemetry.position.y),
            z=_or_zero(telemetry.position.z),
        ),
        orientation=quaternion(
            _or_zero(telemetry.roll), _or_zero(telemetry.pitch), _or_zero(telemetry.yaw)
        ),
    )
    message.twist.twist.linear.x = _or_zero(telemetry.linear_velocity)
    message.twist.twist.angular.z = _or_zero(telemetry.angular_velocity)
    # The x of both, and the turning about z: rows of 6.
    message.pose.covariance[0] = resolution * resolution / 12.0
    if math.isnan(telemetry.yaw):
        message.pose.covariance[35] = UNKNOWN_VARIANCE
    if math.isnan(telemetry.linear_velocity):
        message.twist.covariance[0] = UNKNOWN_VARIANCE
    if math.isnan(telemetry.angular_velocity):
        message.twist.covariance[35] = UNKNOWN_VARIANCE
    return message


def transform(message: Odometry) -> TransformStamped:
    """Return the transform that an odometry says."""
    position = message.pose.pose.position
    return TransformStamped(
        header=message.header,
        child_frame_id=message.child_frame_id,
        transform=Transform(
            translation=Vector3(x=position.x, y=position.y, z=position.z),
            rotation=message.pose.pose.orientation,
        ),
    )


def battery_state(power: PowerState) -> BatteryState:
    """Return the state of the battery."""
    nan = math.nan
    return BatteryState(
        header=power.header,
        voltage=power.voltage,
        temperature=power.temperature,
        current=power.current,
        charge=nan,
        capacity=nan,
        design_capacity=nan,
        percentage=power.percentage,
        power_supply_status=SUPPLY_STATUSES.get(
            power.state, BatteryState.POWER_SUPPLY_STATUS_UNKNOWN
        ),
        power_supply_health=(
            BatteryState.POWER_SUPPLY_HEALTH_UNSPEC_FAILURE
            if power.battery_fault
            else BatteryState.POWER_SUPPLY_HEALTH_UNKNOWN
            if power.state == PowerState.STATE_OFFLINE
            else BatteryState.POWER_SUPPLY_HEALTH_GOOD
        ),
        power_supply_technology=BatteryState.POWER_SUPPLY_TECHNOLOGY_UNKNOWN,
        present=power.state != PowerState.STATE_OFFLINE,
        cell_voltage=list(power.cell_voltages),
        location='vehicle',
    )


def ranges(
    inputs: SafetyInputs, directions: Sequence[str], minimum: float, maximum: float
) -> list[Range]:
    """Return a range for each distance input in use; infinity for nothing in range, NaN for none.

    Args:
        inputs: the report of the safety board.
        directions: where each input looks; empty when not in use.
        minimum: m, least distance that the inputs measure.
        maximum: m, greatest one.

    """
    return [
        Range(
            header=Header(stamp=inputs.header.stamp, frame_id=f'range_{channel}_link'),
            radiation_type=Range.INFRARED,
            field_of_view=0.1,
            min_range=minimum,
            max_range=maximum,
            range=distance,
        )
        for channel, (distance, direction) in enumerate(
            zip(inputs.distances, directions, strict=False), 1
        )
        if direction
    ]


def quaternion(roll: float, pitch: float, yaw: float) -> Quaternion:
    """Return the rotation by roll about x, then pitch about y, then yaw about z, rad."""
    (cr, sr), (cp, sp), (cy, sy) = (
        (math.cos(angle / 2.0), math.sin(angle / 2.0)) for angle in (roll, pitch, yaw)
    )
    return Quaternion(
        x=sr * cp * cy - cr * sp * sy,
        y=cr * sp * cy + sr * cp * sy,
        z=cr * cp * sy - sr * sp * cy,
        w=cr * cp * cy + sr * sp * sy,
    )


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value

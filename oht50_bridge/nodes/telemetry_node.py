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
"""Publishes the estimate of the vehicle's state from what the boards report."""

from __future__ import annotations

import math
import time
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.parameter import Parameter
from tf2_msgs.msg import TFMessage

from oht50_bridge.msg import BridgeStatus
from oht50_bridge.msg import Location
from oht50_bridge.msg import Position
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.msg import Telemetry
from oht50_bridge.msg import TelemetryStatus
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.deadline import create_command_service
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.newest import Newest
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.places import Rope
from oht50_bridge.nodes.places import place_on_rail
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.nodes.telemetry_settings import MAXIMUM_RATE
from oht50_bridge.nodes.telemetry_settings import MINIMUM_RATE
from oht50_bridge.nodes.telemetry_settings import TelemetrySettings
from oht50_bridge.nodes.to_standard import battery_state
from oht50_bridge.nodes.to_standard import odometry
from oht50_bridge.nodes.to_standard import ranges
from oht50_bridge.nodes.to_standard import transform
from oht50_bridge.protocol.rates import Slot
from oht50_bridge.srv import SetTelemetryRate
from oht50_bridge.vehicle.obstacles import DistanceSettings

ODOMETRY_PERIOD = 0.05  # s
STATUS_LIFETIME = 3.0  # s, of the status of the bridge


class TelemetryNode(Node):
    """The estimate of the vehicle's state, at a settable rate, and the same for rviz and rosbag.

    A value that no board reports, or that is too old, is NaN.
    """

    def __init__(self) -> None:
        super().__init__('telemetry_node')
        declarer = NodeDeclarer(self)
        settings = declare_settings(declarer, TelemetrySettings)
        self._settings = settings
        self._distance_directions = declare_settings(
            declarer, DistanceSettings
        ).distance_directions
        self._rate = settings.rate
        self._slot = Slot(settings.rate)
        self._location: Newest[Location] = Newest(settings.position_lifetime)
        self._position: Newest[Position] = Newest(settings.position_lifetime)
        self._rope = Rope()
        self._power: Newest[PowerState] = Newest(settings.power_lifetime)
        self._bridge: Newest[BridgeStatus] = Newest(STATUS_LIFETIME)
        self._last_update: Time | None = None
        self._streaming = False
        self._odometry_stamp: Time | None = None
        self._position_stamp: Time | None = None
        self._position_at = -math.inf  # s, monotonic, when that position came
        self._position_waits = False  # for its turn to be published

        self._telemetry = topics.TELEMETRY.publisher(self)
        self._status = topics.TELEMETRY_STATUS.publisher(self)
        self._odometry = topics.ODOMETRY.publisher(self)
        self._battery = topics.BATTERY_STATE.publisher(self)
        self._range = topics.RANGE.publisher(self)
        self._tf = topics.TF.publisher(self)
        self._tf_static = topics.TF_STATIC.publisher(self)
        topics.LOCATION.subscribe(self, self._location.put)
        topics.POSITION.subscribe(self, self._on_position)
        topics.HOIST_STATE.subscribe(self, self._rope.put)
        topics.POWER.subscribe(self, self._on_power, fresh=True)
        topics.SAFETY_INPUTS.subscribe(self, self._on_inputs)
        topics.BRIDGE_STATUS.subscribe(self, self._bridge.put)
        create_command_service(self, SetTelemetryRate, 'set_telemetry_rate', self._on_set_rate)
        self._timer = steady_timer(self, 1.0 / self._rate, self._on_time)
        steady_timer(self, 1.0, self._publish_status)
        steady_timer(self, ODOMETRY_PERIOD, self._publish_odometry)
        configurable(self, self._take_parameters)
        # The position is absolute, so the two frames never drift apart.
        self._tf_static.publish(
            TFMessage(
                transforms=[
                    TransformStamped(
                        header=header(self, settings.map_frame), child_frame_id=settings.odom_frame
                    )
                ]
            )
        )

    def _on_power(self, power: PowerState) -> None:
        self._power.put(power)
        self._battery.publish(battery_state(power))

    def _on_inputs(self, inputs: SafetyInputs) -> None:
        for distance in ranges(
            inputs,
            self._distance_directions,
            self._settings.range_minimum,
            self._settings.range_maximum,
        ):
            self._range.publish(distance)

    def _publish_odometry(self) -> None:
        """Publish odometry and tf of each new position, while anybody receives them."""
        if not self._odometry.get_subscription_count() and not self._tf.get_subscription_count():
            return
        position = self._known_position()
        telemetry = self._estimate()
        if position is None or telemetry.header.stamp == self._odometry_stamp:
            return
        self._odometry_stamp = telemetry.header.stamp
        message = odometry(
            telemetry, self._settings.odom_frame, self._settings.base_frame, position.resolution
        )
        self._odometry.publish(message)
        self._tf.publish(TFMessage(transforms=[transform(message)]))

    def _on_position(self, position: Position) -> None:
        """Publish the estimate when its position is new: it must not wait for a timer."""
        self._position.put(position)
        if position.header.stamp == self._position_stamp:
            return
        self._position_stamp = position.header.stamp
        self._position_at = time.monotonic()
        self._position_waits = True
        if self._slot.take(self._position_at):
            self._publish()

    def _on_time(self) -> None:
        """Publish the estimate although no position comes."""
        now = time.monotonic()
        longest = self._slot.period if self._position_waits else self._settings.position_lifetime
        if now - self._position_at > longest and self._slot.take(now):
            self._publish()

    def _publish(self) -> None:
        self._position_waits = False
        telemetry = self._estimate()
        # Where the load hangs; the vehicle itself, in odometry and tf, stays on the rail.
        telemetry.position = self._rope.hang(telemetry.position)
        self._streaming = not math.isnan(telemetry.position.x)
        self._last_update = telemetry.header.stamp
        self._telemetry.publish(telemetry)

    def _known_position(self) -> Position | None:
        """Return the position as safety_node judges it, None unless it is valid and recent."""
        position = self._position.get()
        if position is None or position.state != Position.STATE_VALID:
            return None
        return position if position.age <= self._settings.position_lifetime else None

    def _estimate(self) -> Telemetry:
        """Return the estimate from the reports that are recent enough."""
        nan = math.nan
        telemetry = Telemetry(
            header=header(self, self._settings.map_frame),
            position=Point(x=nan, y=nan, z=nan),
            linear_velocity=nan,
            angular_velocity=nan,
            linear_acceleration=nan,
            angular_acceleration=nan,
            roll=nan,
            pitch=nan,
            yaw=nan,
            battery_percentage=nan,
            temperature=nan,
            humidity=nan,
        )
        position, location = self._known_position(), self._location.get()
        power = self._power.get()
        if position is not None:
            telemetry.header.stamp = position.header.stamp
            telemetry.position = Point(x=position.position, y=0.0, z=0.0)
            telemetry.linear_velocity = position.velocity
        if location is not None:
            if position is not None:
                telemetry.position = place_on_rail(position.position, location.position)
            telemetry.angular_velocity = location.angular_velocity
            telemetry.angular_acceleration = location.angular_acceleration
            telemetry.linear_acceleration = location.linear_acceleration
            telemetry.roll = location.roll
            telemetry.pitch = location.pitch
            telemetry.yaw = location.yaw
        if power is not None:
            telemetry.battery_percentage = power.percentage
            telemetry.temperature = power.temperature
        return telemetry

    def _publish_status(self) -> None:
        bridge = self._bridge.get()
        status = TelemetryStatus(
            header=header(self),
            streaming=self._streaming,
            rate=self._rate,
            connected_clients=bridge.connected_clients if bridge is not None else 0,
        )
        if self._last_update is not None:
            status.last_update = self._last_update
        self._status.publish(status)

    def _take_parameters(self, values: dict[str, Any]) -> None:
        if 'rate' in values:
            self._rate = values['rate']
            self._slot.change(self._rate)
            self.destroy_timer(self._timer)
            self._timer = steady_timer(self, 1.0 / self._rate, self._on_time)
            self._publish_status()

    def _on_set_rate(
        self, request: SetTelemetryRate.Request, response: SetTelemetryRate.Response
    ) -> SetTelemetryRate.Response:
        if MINIMUM_RATE <= request.rate <= MAXIMUM_RATE:
            self.set_parameters([Parameter('rate', value=request.rate)])
            response.accepted = True
            response.message = f'telemetry at {self._rate:g} Hz'
        else:
            response.message = (
                f'rate {request.rate:g}: must be within {MINIMUM_RATE:g} and {MAXIMUM_RATE:g} Hz'
            )
        response.rate = self._rate
        return response


def main() -> None:
    """Run the node."""
    run(TelemetryNode)


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
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
"""Owns the latch of the emergency stop and gives the heartbeat without which the motor stops."""

from __future__ import annotations

import math
import time

from geometry_msgs.msg import Point
from rclpy.node import Node

from oht50_bridge.msg import EstopState
from oht50_bridge.msg import Location
from oht50_bridge.msg import ModuleDiscovered
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import SafetyClear
from oht50_bridge.msg import SafetyEstop
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.common import declare
from oht50_bridge.nodes.common import from_stamp
from oht50_bridge.nodes.common import header
from oht50_bridge.nodes.common import run
from oht50_bridge.nodes.common import state_directory
from oht50_bridge.nodes.common import to_stamp
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.vehicle.estop import HARDWARE
from oht50_bridge.vehicle.estop import REMOTE
from oht50_bridge.vehicle.estop import SOFTWARE
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch

# Boards without which the vehicle must not move: their loss is an emergency stop.
VITAL_KINDS = ('safety', 'travel_motor')
# The safety board reports that it tripped before it reports why.
CAUSE_DELAY = 200_000_000  # ns
# A position older than this is not given as the place of a stop.
LOCATION_AGE = 1.0  # s


class SafetyNode(Node):
    """The latch of the emergency stop, the interlocks and the safety heartbeat.

    Fails closed: no fresh report of the safety board, no permission to move.
    """

    def __init__(self):
        super().__init__('safety_node')
        rate = declare(
            self, 'heartbeat_rate', 20.0, 'Rate of the safety heartbeat, Hz',
            minimum=10.0, maximum=100.0)
        self._speed_limit = declare(
            self, 'speed_limit', 0.5, 'No motion is faster than this, m/s',
            minimum=0.0, maximum=2.0)
        self._inputs_age = declare(
            self, 'safety_timeout', 0.3,
            "Age of the safety board's report beyond which motion is forbidden, s",
            minimum=0.1, maximum=2.0)
        self._frame = declare(self, 'map_frame', 'map', 'Frame of positions')
        self._latch = EstopLatch(state_directory(self) / 'estop.json')
        self._saved = True
        self._inputs: SafetyInputs | None = None
        self._inputs_at = -math.inf  # s, monotonic
        self._board_latched = False
        self._location: Location | None = None
        self._location_at = -math.inf  # s, monotonic

        self._heartbeat = topics.SAFETY_HEARTBEAT.publisher(self)
        self._state = topics.ESTOP_STATE.publisher(self)
        self._estop = topics.SAFETY_ESTOP.publisher(self)
        self._clear = topics.SAFETY_CLEAR.publisher(self)
        topics.SAFETY_INPUTS.subscribe(self, self._on_inputs)
        topics.MODULE_STATES.subscribe(self, self._on_modules)
        topics.LOCATION.subscribe(self, self._on_location)
        self.create_service(EmergencyStop, 'emergency_stop', self._on_emergency_stop)
        self.create_service(ClearEstop, 'clear_estop', self._on_clear_estop)
        self.create_timer(1.0 / rate, self._beat)

        if self._latch.estop is not None:
            # Those who ask for the last stop must find it although this node is a new one.
            self._publish_estop(self._latch.estop)
            self.get_logger().warning(
                f'the emergency stop is still latched: {self._latch.estop.reason}; '
                'clear it with clear_estop')
        else:
            self._publish_state()

    def _beat(self) -> None:
        """Give permission to move, or the reason why not."""
        reason = self._why_not()
        self._heartbeat.publish(SafetyHeartbeat(
            header=header(self),
            motion_permitted=not reason,
            speed_limit=0.0 if reason else self._speed_limit,
            reason=reason,
        ))
        # The disk comes after the stop: see EstopLatch.
        if not self._saved:
            try:
                self._latch.save()
                self._saved = True
            except OSError as error:
                self.get_logger().error(
                    f'the latched emergency stop cannot be written ({error}); a restart of this '
                    'node would lose it', throttle_duration_sec=5.0)

    def _why_not(self) -> str:
        if self._latch.estop is not None:
            return f'emergency stop: {self._latch.estop.reason}'
        if self._inputs is None or time.monotonic() - self._inputs_at > self._inputs_age:
            return 'no fresh report of the safety board'
        if not self._inputs.configured:
            return 'the inputs of the safety board are not enabled'
        if self._inputs.latched:
            return 'the safety board holds its relay'
        return ''

    def _on_inputs(self, inputs: SafetyInputs) -> None:
        self._inputs = inputs
        self._inputs_at = time.monotonic()
        if inputs.estop_pressed:
            self._set_cause('estop_button', HARDWARE, 'the emergency stop button is pressed')
        else:
            self._drop_cause('estop_button')
        # On the edge only: after a clear the board holds its relay until it is released.
        if inputs.latched and not self._board_latched:
            self._trigger(HARDWARE, 'the safety board tripped', 'safety_board')
        self._board_latched = inputs.latched

    def _on_modules(self, states: ModuleStates) -> None:
        for module in states.modules:
            if module.kind not in VITAL_KINDS:
                continue
            if module.status == ModuleDiscovered.STATUS_ONLINE:
                self._drop_cause(module.module_id)
            elif module.error_code:  # else it has not been asked yet since the start
                self._set_cause(
                    module.module_id, SOFTWARE,
                    f'{module.module_id} is {module.status}: {module.error_description}')

    def _on_location(self, location: Location) -> None:
        self._location = location
        self._location_at = time.monotonic()

    def _on_emergency_stop(
        self, request: EmergencyStop.Request, response: EmergencyStop.Response,
    ) -> EmergencyStop.Response:
        # An unknown trigger type must not keep a stop from happening.
        trigger_type = request.trigger_type
        if trigger_type not in (HARDWARE, SOFTWARE, REMOTE):
            trigger_type = REMOTE
        reason = request.reason or 'manual_trigger'
        if self._trigger(trigger_type, reason, request.source):
            response.message = 'emergency stop latched'
        else:
            self._publish_estop(self._latch.estop)
            response.message = 'emergency stop was latched already'
        response.accepted = True
        response.estop_id = self._latch.estop.estop_id
        return response

    def _on_clear_estop(
        self, request: ClearEstop.Request, response: ClearEstop.Response,
    ) -> ClearEstop.Response:
        next_action = request.next_action or SafetyClear.NEXT_MANUAL_CONTROL
        if next_action not in (
                SafetyClear.NEXT_RESUME, SafetyClear.NEXT_RETURN_HOME,
                SafetyClear.NEXT_MANUAL_CONTROL):
            response.message = (
                f'next_action {next_action!r}: must be resume, return_home or manual_control')
            return response
        if self._latch.estop is None:
            response.accepted = True
            response.message = 'no emergency stop is latched'
            return response
        if self._inputs is not None and (
                from_stamp(self._inputs.header.stamp) < self._latch.estop.stamp + CAUSE_DELAY):
            response.message = 'the safety board was not read since the stop; try again'
            return response
        try:
            cleared = self._latch.clear()
        except OSError as error:
            response.message = f'the latch cannot be opened on disk: {error}'
            return response
        if not cleared:
            response.message = 'still present: ' + '; '.join(self._latch.causes)
            return response
        self._saved = True
        self._publish_state()
        self._clear.publish(SafetyClear(
            header=header(self, self._frame),
            cleared_by=SafetyClear.CLEARED_BY_OPERATOR,
            position=self._position(),
            next_action=next_action,
        ))
        self.get_logger().warning(f'emergency stop cleared by {request.source!r}')
        response.accepted = True
        response.message = 'emergency stop cleared; nothing moves without a new command'
        return response

    def _set_cause(self, name: str, trigger_type: str, reason: str) -> None:
        before = self._latch.causes
        self._announce(self._latch.set_cause(name, trigger_type, reason))
        if self._latch.causes != before:
            self._publish_state()

    def _drop_cause(self, name: str) -> None:
        before = self._latch.causes
        self._latch.drop_cause(name)
        if self._latch.causes != before:
            self._publish_state()

    def _trigger(self, trigger_type: str, reason: str, source: str) -> bool:
        return self._announce(self._latch.trigger(trigger_type, reason, source))

    def _announce(self, estop: Estop | None) -> bool:
        if estop is None:
            return False
        self._saved = False
        self._publish_estop(estop)
        self._beat()
        self.get_logger().error(
            f'EMERGENCY STOP {estop.estop_id} ({estop.trigger_type}) by {estop.source!r}: '
            f'{estop.reason}')
        return True

    def _publish_estop(self, estop: Estop) -> None:
        # The motor hears of it first.
        self._publish_state()
        event = SafetyEstop(
            header=header(self, self._frame),
            estop_id=estop.estop_id,
            trigger_type=estop.trigger_type,
            position=self._position(),
            emergency_level=SafetyEstop.LEVEL_CRITICAL,
            auto_recovery=False,
        )
        event.header.stamp = to_stamp(estop.stamp)
        self._estop.publish(event)

    def _publish_state(self) -> None:
        estop = self._latch.estop
        state = EstopState(header=header(self), active_causes=self._latch.causes)
        if estop is not None:
            state.latched = True
            state.estop_id = estop.estop_id
            state.trigger_type = estop.trigger_type
            state.reason = estop.reason
        self._state.publish(state)

    def _position(self) -> Point:
        if self._location is None or time.monotonic() - self._location_at > LOCATION_AGE:
            return Point(x=math.nan, y=math.nan, z=math.nan)
        return self._location.position


def main() -> None:
    """Run the node."""
    run(SafetyNode)


if __name__ == '__main__':
    main()

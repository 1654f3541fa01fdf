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
"""Owns the serial lines: publishes what the boards report and drives the travel motor.

The motion guard decides in the thread of the motor's line whether the motor may turn, not the
executor: a callback that hangs cannot keep the motor running.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rclpy.node import Node

from oht50_bridge.hardware.drivers.dock import DockSample
from oht50_bridge.hardware.drivers.hoist import HoistSample
from oht50_bridge.hardware.drivers.motor_registers import MotorSample
from oht50_bridge.hardware.drivers.power import PowerSample
from oht50_bridge.hardware.drivers.safety import SafetySample
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.hardware import Hardware
from oht50_bridge.hardware.module import ModuleInfo
from oht50_bridge.hardware.motion_guard import Heartbeat
from oht50_bridge.identity import own_identity
from oht50_bridge.msg import ChargeRequest
from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import ModuleDiscovered
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import ModuleStatusChange
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import StopRequest
from oht50_bridge.msg import StopRequests
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.deadline import create_command_service
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.from_hardware import discovered
from oht50_bridge.nodes.from_hardware import drive_state
from oht50_bridge.nodes.from_hardware import hoist_state
from oht50_bridge.nodes.from_hardware import location
from oht50_bridge.nodes.from_hardware import module_state
from oht50_bridge.nodes.from_hardware import power_state
from oht50_bridge.nodes.from_hardware import safety_inputs
from oht50_bridge.nodes.from_hardware import unknown_board
from oht50_bridge.nodes.hardware_settings import FrameSettings
from oht50_bridge.nodes.hardware_settings import check_inputs
from oht50_bridge.nodes.hardware_settings import check_position_source
from oht50_bridge.nodes.hardware_settings import hardware_config
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.presence import NeighbourWatch
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import NS
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import now_of
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.srv import ListModules
from oht50_bridge.srv import ScanModules
from oht50_bridge.vehicle.estop_follower import EstopFollower
from oht50_bridge.vehicle.held_stops import HeldStops
from oht50_bridge.vehicle.neighbours import are_two

SCAN_ADDRESSES = range(1, 17)
REPLY_LEAD = 0.1  # s, for the reply to reach the client


class HardwareNode(Node):
    """Serial lines and boards of the vehicle."""

    def __init__(self) -> None:
        super().__init__('hardware_node')
        declarer = NodeDeclarer(self)
        self._frame = declare_settings(declarer, FrameSettings).map_frame
        config = hardware_config(declarer)
        check_inputs(declarer, config)
        try:
            self._hardware = Hardware(
                config, self._on_sample, self._on_discovered, self._on_status_change
            )
        except HardwareConfigError as error:
            raise StartError(f'hardware_node: {error}') from error
        check_position_source(declarer, config)
        self._work = ThreadPoolExecutor(max_workers=2, thread_name_prefix='work')
        self._scan: Future[None] | None = None
        self._latched = False
        self._estop = EstopFollower()
        self._held = HeldStops[StopRequest]()
        self._dangers_received = 0  # of those of the safety board, by safety_node
        self._neighbours = NeighbourWatch(self)
        self._vehicle = own_identity().vehicle

        self._drive_state = topics.DRIVE_STATE.publisher(self)
        self._hoist_state = topics.HOIST_STATE.publisher(self)
        self._location = topics.LOCATION.publisher(self)
        self._power = topics.POWER.publisher(self)
        self._safety_inputs = topics.SAFETY_INPUTS.publisher(self)
        self._states = topics.MODULE_STATES.publisher(self)
        self._discovered = topics.MODULE_DISCOVERED.publisher(self)
        self._status_change = topics.MODULE_STATUS_CHANGE.publisher(self)
        topics.DRIVE_COMMAND.subscribe(self, self._on_drive)
        topics.SAFETY_HEARTBEAT.subscribe(self, self._on_heartbeat)
        self._held_stops = topics.HELD_STOPS.publisher(self)
        topics.STOP_REQUESTS.subscribe(self, self._on_stop_requests)
        topics.ESTOP_STATE.subscribe(self, self._on_estop)
        topics.CHARGE_REQUEST.subscribe(self, self._on_charge)
        self.create_service(ListModules, 'list_modules', self._on_list)
        create_command_service(self, ScanModules, 'scan_modules', self._on_scan)
        steady_timer(self, 1.0, self._publish_states)
        self._hardware.start()

    def destroy_node(self) -> None:
        """Stop the motor, verified, and close the ports before the node ends."""
        if not self._hardware.close():
            self.get_logger().error(
                'the stop of the motor could not be verified; the watchdog keeps trying'
            )
        self._work.shutdown(cancel_futures=True)
        super().destroy_node()

    # Callbacks of topics and services, in the executor's thread.

    def _on_drive(self, command: DriveCommand) -> None:
        reason = self._hardware.motor.drive(command.velocity, age=self._age(command))
        if reason != DriveState.STOP_NONE and command.velocity != 0.0:
            self.get_logger().warning(
                f'drive command refused: {reason}', throttle_duration_sec=1.0
            )

    def _on_heartbeat(self, beat: SafetyHeartbeat) -> None:
        if are_two(self._vehicle, beat.vehicle):
            # That of another vehicle would void those of this one, also when it is gone again.
            return
        taken = self._hardware.motor.heartbeat(
            Heartbeat(
                # Nobody knows whose heartbeat and whose command it is while others are there.
                permitted=beat.motion_permitted and self._neighbours.other() is None,
                forward=beat.speed_limit_forward,
                backward=beat.speed_limit_backward,
                started_at=beat.started_at,
                counter=beat.counter,
            ),
            age=self._age(beat),
        )
        if taken and beat.dangers >= 0:
            self._dangers_received = beat.dangers
        if not taken:
            self.get_logger().warning(
                f'safety heartbeat {beat.counter} of a node that started at {beat.started_at} is '
                'void: it is not newer than the one before; run one safety_node only',
                throttle_duration_sec=1.0,
            )

    def _on_charge(self, request: ChargeRequest) -> None:
        if request.charge and (self._latched or self._held.requests):
            return  # an emergency stop ends charging; only a new mission starts it again
        if not self._hardware.charge(request.charge, self._age(request)):
            self.get_logger().warning(
                'charging refused: the motor does not stand', throttle_duration_sec=5.0
            )

    def _age(self, message: Any) -> float:
        """Return the age of a message by its stamp, s: it may have waited to be read.

        It can only void the message. How long one counts is measured from its receipt, on a clock
        that does not follow the date. A message without a stamp counts as new.
        """
        stamp = from_stamp(message.header.stamp)
        age = now_of(self) - stamp if stamp else 0
        return max(0.0, age / NS)

    def _on_stop_requests(self, message: StopRequests) -> None:
        """Stop for a request, which need not wait for safety_node, until that has latched it."""
        if self._held.request(message.requests):
            self._hardware.motor.estop(True)
            self._hardware.charge(False)
            self._publish_held()

    def _publish_held(self) -> None:
        """Report the held stops, for a safety_node whose start the requester does not outlive."""
        self._held_stops.publish(
            StopRequests(header=header(self), requests=list(self._held.requests))
        )

    def _on_estop(self, state: EstopState) -> None:
        own = not are_two(self._vehicle, state.vehicle)  # another latch only stops, once
        stopped = own and self._estop.update(state.counter, latched=state.latched)
        if own and self._held.latched(state.requests):
            self._publish_held()
        if stopped or state.latched:  # also a stop that was cleared before its state came here
            self._hardware.motor.estop(True)
            self._hardware.charge(False)
        released = own and not state.latched and (stopped or self._latched)
        self._latched = state.latched if own else self._latched
        if not self._latched and not self._held.requests:
            self._hardware.motor.estop(False)
        if released:
            self._work.submit(self._release_latch)

    def _on_list(
        self, request: ListModules.Request, response: ListModules.Response
    ) -> ListModules.Response:
        response.modules = self._module_states()
        return response

    def _on_scan(
        self, request: ScanModules.Request, response: ScanModules.Response
    ) -> ScanModules.Response:
        # A safety board keeps requests to others in its buffer and stops answering
        # (docs/hardware.md).
        if self._scan is not None and not self._scan.done():
            response.message = 'a scan is running; wait for its end'
            return response
        if self._hardware.motor.state().enabled:
            response.message = 'the vehicle moves; scan while it stands'
            return response
        deaf = {module.line for module in self._hardware.modules() if module.kind == 'safety'}
        lines = [line.name for line in self._hardware.lines() if line.name not in deaf]
        self._hardware.motor.rest(True)
        self._scan = self._work.submit(self._scan_lines, lines)
        response.accepted = True
        response.message = (
            f'scanning addresses {SCAN_ADDRESSES[0]} to {SCAN_ADDRESSES[-1]} of the lines '
            f'{", ".join(lines) or "(none)"}, not of {", ".join(deaf) or "(none)"}, whose safety '
            'board would stop answering; module.discovered reports each board'
        )
        return response

    def _publish_states(self) -> None:
        self._publish(
            self._states, ModuleStates(header=header(self), modules=self._module_states())
        )

    # Work that waits for the bus, in worker threads.

    def _release_latch(self) -> None:
        try:
            if not self._hardware.release_safety_latch():
                self.get_logger().warning(
                    'the safety board latched again: its cause is still present'
                )
        except Exception as error:
            self.get_logger().error(f'the latch of the safety board was not released: {error}')

    def _scan_lines(self, lines: list[str]) -> None:
        try:
            # A client receives the reply to its command before the first result.
            time.sleep(REPLY_LEAD)
            self._report_boards(lines)
        finally:
            self._hardware.motor.rest(False)

    def _report_boards(self, lines: list[str]) -> None:
        """Report configured boards, and those that answer on the lines."""
        known: dict[tuple[str, int], ModuleInfo] = {}
        for module in self._hardware.modules():
            known[module.line, module.address] = module
            if module.line not in lines and module.status == ModuleDiscovered.STATUS_ONLINE:
                self._on_discovered(module)
        for line in lines:
            try:
                boards = self._hardware.scan(line, SCAN_ADDRESSES)
            except Exception as error:
                self.get_logger().error(f'scan of line {line}: {error}')
                continue
            for board in boards:
                configured = known.get((line, board.address))
                if configured is not None:
                    self._on_discovered(configured)
                else:
                    self._publish(self._discovered, unknown_board(board, header(self)))

    # Callbacks of the hardware, in its thread.

    def _publish(self, publisher: topics.TopicPublisher, message: Any) -> None:
        """Publish, unless ROS is down: the boards report until the stop is verified."""
        try:
            publisher.publish(message)
        except Exception:
            if self.context.ok():
                raise

    def _on_discovered(self, module: ModuleInfo) -> None:
        self._publish(self._discovered, discovered(module, header(self)))
        self._publish_states()

    def _on_status_change(
        self, module_id: str, old: str, new: str, code: str, description: str
    ) -> None:
        self._publish_states()
        self._publish(
            self._status_change,
            ModuleStatusChange(
                header=header(self),
                module_id=module_id,
                old_status=old,
                new_status=new,
                error_code=code,
                error_description=description,
            ),
        )
        text = f'{module_id}: {old} -> {new} {code} {description}'.rstrip()
        if code:
            self.get_logger().warning(text)
        else:
            self.get_logger().info(text)

    def _on_sample(self, module_id: str, sample: object) -> None:
        match sample:
            case MotorSample():
                self._publish(self._drive_state, drive_state(sample, self._frame))
            case HoistSample():
                self._publish(self._hoist_state, hoist_state(sample, self._frame))
            case DockSample():
                self._publish(self._location, location(sample, self._frame))
            case PowerSample():
                self._publish(self._power, power_state(sample, self._frame))
            case SafetySample():
                self._publish(
                    self._safety_inputs, safety_inputs(sample, self._dangers_received, self._frame)
                )

    def _module_states(self) -> list[ModuleState]:
        return [module_state(module) for module in self._hardware.modules()]


def main() -> None:
    """Run the node."""
    run(HardwareNode, priority=RealtimePriority.HARDWARE_NODE)


if __name__ == '__main__':
    main()

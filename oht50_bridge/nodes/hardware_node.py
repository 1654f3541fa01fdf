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

Whether the motor may turn is decided in the thread of its line (`hardware.guard`), not in the
executor: a callback that hangs cannot keep it running.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from geometry_msgs.msg import Point
from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import Header

from oht50_bridge.hardware.drivers.dock import DockSample
from oht50_bridge.hardware.drivers.motor import MotorSample
from oht50_bridge.hardware.drivers.power import PowerSample
from oht50_bridge.hardware.drivers.safety import SafetySample
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.hardware import FoundBoard
from oht50_bridge.hardware.hardware import Hardware
from oht50_bridge.hardware.module import ModuleInfo
from oht50_bridge.msg import ChargeRequest
from oht50_bridge.msg import DriveCommand
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import EstopState
from oht50_bridge.msg import Location
from oht50_bridge.msg import ModuleDiscovered
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import ModuleStatusChange
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import NS
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import to_stamp
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.srv import ListModules
from oht50_bridge.srv import ScanModules

SERIAL = 'serial'  # name of the line that serial_port makes
SCAN_ADDRESSES = range(1, 17)
REPLY_LEAD = 0.1  # s, for the reply to reach the client
MODULE_TYPES = {
    'travel_motor': ModuleDiscovered.TYPE_MOTOR,
    'power': ModuleDiscovered.TYPE_ACTUATOR,  # it switches the supply and the charger
    'safety': ModuleDiscovered.TYPE_SENSOR,
    'dock': ModuleDiscovered.TYPE_SENSOR,
}
POWER_STATES = {
    'idle': PowerState.STATE_IDLE,
    'charging': PowerState.STATE_CHARGING,
    'discharging': PowerState.STATE_DISCHARGING,
    'offline': PowerState.STATE_OFFLINE,
}
CHARGE_STATES = {
    'idle': PowerState.CHARGE_IDLE,
    'waiting': PowerState.CHARGE_WAITING,
    'charging': PowerState.CHARGE_CHARGING,
}
SAFETY_STATUSES = {
    'ok': SafetyInputs.STATUS_OK,
    'warning': SafetyInputs.STATUS_WARNING,
    'critical': SafetyInputs.STATUS_CRITICAL,
}


class HardwareNode(Node):
    """Serial lines and boards of the vehicle."""

    def __init__(self):
        super().__init__('hardware_node')
        self._frame = declare(self, 'map_frame', 'map', 'Frame of positions')
        try:
            self._hardware = Hardware(
                self._config(), self._on_sample, self._on_discovered, self._on_status_change
            )
        except HardwareConfigError as error:
            raise StartError(f'hardware_node: {error}') from error
        self._work = ThreadPoolExecutor(max_workers=2, thread_name_prefix='work')
        self._scan: Future[None] | None = None
        self._latched = False

        self._drive_state = topics.DRIVE_STATE.publisher(self)
        self._location = topics.LOCATION.publisher(self)
        self._power = topics.POWER.publisher(self)
        self._safety_inputs = topics.SAFETY_INPUTS.publisher(self)
        self._states = topics.MODULE_STATES.publisher(self)
        self._discovered = topics.MODULE_DISCOVERED.publisher(self)
        self._status_change = topics.MODULE_STATUS_CHANGE.publisher(self)
        self._publish_sample = {
            MotorSample: self._publish_motor,
            DockSample: self._publish_dock,
            PowerSample: self._publish_power,
            SafetySample: self._publish_safety,
        }
        topics.DRIVE_COMMAND.subscribe(self, self._on_drive)
        topics.SAFETY_HEARTBEAT.subscribe(self, self._on_heartbeat)
        topics.ESTOP_STATE.subscribe(self, self._on_estop)
        topics.CHARGE_REQUEST.subscribe(self, self._on_charge)
        self.create_service(ListModules, 'list_modules', self._on_list)
        self.create_service(ScanModules, 'scan_modules', self._on_scan)
        self.create_timer(1.0, self._publish_states)
        self._hardware.start()

    def destroy_node(self) -> None:
        """Stop the motor, verified, and give the ports back before the node goes."""
        if not self._hardware.close():
            self.get_logger().error(
                'the stop of the motor could not be verified; last_stop goes on trying'
            )
        self._work.shutdown(cancel_futures=True)
        super().destroy_node()

    def _config(self) -> dict[str, Any]:
        """Return the configuration of the hardware from the parameters."""
        port = declare(
            self, 'serial_port', '', 'One serial port that carries every module; empty: the lines'
        )
        names = declare(self, 'lines', ['drive', 'sense', 'safety'], 'Names of the serial lines')
        if port:
            lines = {SERIAL: {'device': port}}
        else:
            lines = {name: self._line(f'line.{name}') for name in names}
        modules = declare(
            self, 'modules', ['travel_motor', 'power', 'dock', 'safety'], 'Names of the modules'
        )
        line = SERIAL if port else None
        return {
            'lines': lines,
            'modules': [self._module(name, f'module.{name}', line) for name in modules],
        }

    def _line(self, prefix: str) -> dict[str, Any]:
        return {
            'device': declare(self, f'{prefix}.device', '', 'Path of the serial port'),
            'baudrate': declare(
                self, f'{prefix}.baudrate', 115200, 'Bit/s', minimum=9600, maximum=115200
            ),
            'parity': declare(self, f'{prefix}.parity', 'N', 'N, E or O'),
            'stop_bits': declare(
                self, f'{prefix}.stop_bits', 1, 'Stop bits', minimum=1, maximum=2
            ),
        }

    def _module(self, name: str, prefix: str, line: str | None) -> dict[str, Any]:
        kind = declare(self, f'{prefix}.kind', name, 'power, safety, travel_motor or dock')
        own_line = declare(self, f'{prefix}.line', '', 'Name of its serial line')
        module = {
            'id': name,
            'kind': kind,
            'profile': declare(
                self, f'{prefix}.profile', '', 'Register profile, a file of config/modules'
            ),
            'line': line or own_line,
            'address': declare(
                self, f'{prefix}.address', 1, 'Modbus unit address', minimum=1, maximum=247
            ),
        }
        timeout = declare(
            self,
            f'{prefix}.timeout',
            0.0,
            'Wait for a reply, s; 0: as the profile says',
            minimum=0.0,
            maximum=5.0,
        )
        retries = declare(
            self,
            f'{prefix}.retries',
            -1,
            'Further tries; -1: as the profile says',
            minimum=-1,
            maximum=10,
        )
        gap = declare(
            self,
            f'{prefix}.gap',
            -1.0,
            'Silence before a request, s; -1: as the profile says',
            minimum=-1.0,
            maximum=1.0,
        )
        if timeout > 0.0:
            module['timeout'] = timeout
        if retries >= 0:
            module['retries'] = retries
        if gap >= 0.0:
            module['gap'] = gap
        options = {'travel_motor': self._motor_options, 'safety': self._safety_options}.get(kind)
        if options is not None:
            module['options'] = options(prefix)
        return module

    def _motor_options(self, prefix: str) -> dict[str, Any]:
        return {
            'max_speed': declare(
                self,
                f'{prefix}.max_speed',
                1.0,
                'Speed of the vehicle at full speed of the motor, m/s',
                minimum=0.01,
                maximum=10.0,
            ),
            'accel': declare(
                self,
                f'{prefix}.accel',
                1.0,
                'Ramp up of the board, m/s^2',
                minimum=0.01,
                maximum=10.0,
            ),
            'decel': declare(
                self,
                f'{prefix}.decel',
                2.0,
                'Ramp down of the board, m/s^2',
                minimum=0.01,
                maximum=10.0,
            ),
            'reverse': declare(
                self, f'{prefix}.reverse', False, "The board's forward is towards smaller x"
            ),
        }

    def _safety_options(self, prefix: str) -> dict[str, Any]:
        levels = declare(
            self,
            f'{prefix}.digital_inputs',
            ['low', '', '', ''],
            'Active level of each digital input: high, low, or empty when not in use',
        )
        distances = declare(
            self,
            f'{prefix}.distance_inputs',
            [False, False, False, False],
            'Distance inputs in use',
        )
        zones = declare(
            self,
            f'{prefix}.zone_thresholds',
            [0.0, 0.0, 0.0, 0.0],
            'Distances of zones 1 to 4 that the board judges by itself, m; all 0: as it has them',
        )
        options = {
            'digital_inputs': {channel: level for channel, level in enumerate(levels, 1) if level},
            'estop_input': declare(
                self,
                f'{prefix}.estop_input',
                1,
                'Digital input of the emergency stop chain',
                minimum=1,
                maximum=4,
            ),
            'distance_inputs': [channel for channel, used in enumerate(distances, 1) if used],
        }
        return options | {'zones': zones} if any(zones) else options

    # Callbacks of topics and services, in the executor's thread.

    def _on_drive(self, command: DriveCommand) -> None:
        reason = self._hardware.motor.drive(command.velocity, age=self._age(command))
        if reason != DriveState.STOP_NONE and command.velocity != 0.0:
            self.get_logger().warning(
                f'drive command refused: {reason}', throttle_duration_sec=1.0
            )

    def _on_heartbeat(self, beat: SafetyHeartbeat) -> None:
        self._hardware.motor.heartbeat(
            beat.motion_permitted, beat.speed_limit, age=self._age(beat)
        )

    def _on_charge(self, request: ChargeRequest) -> None:
        if request.charge and self._latched:
            return  # an emergency stop ends charging; only a new mission begins it again
        if not self._hardware.charge(request.charge, self._age(request)):
            self.get_logger().warning(
                'charging refused: the motor does not stand', throttle_duration_sec=5.0
            )

    def _age(self, message: Any) -> float:
        """Return how old a message is, s: one may have waited for an executor that hung.

        One without a stamp counts as new.
        """
        stamp = from_stamp(message.header.stamp)
        age = self.get_clock().now().nanoseconds - stamp if stamp else 0
        return max(0.0, age / NS)

    def _on_estop(self, state: EstopState) -> None:
        self._hardware.motor.estop(state.latched)
        if state.latched:
            self._hardware.charge(False)
        if self._latched and not state.latched:
            self._work.submit(self._release_latch)
        self._latched = state.latched

    def _on_list(
        self, request: ListModules.Request, response: ListModules.Response
    ) -> ListModules.Response:
        response.modules = self._module_states()
        return response

    def _on_scan(
        self, request: ScanModules.Request, response: ScanModules.Response
    ) -> ScanModules.Response:
        # A safety board takes requests to others into its buffer and goes deaf (docs/hardware.md).
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
            'board would go deaf; each board found is told by module.discovered'
        )
        return response

    def _publish_states(self) -> None:
        self._publish(
            self._states, ModuleStates(header=header(self), modules=self._module_states())
        )

    # Work that waits for the bus, in threads of its own.

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
            # A client is told that the scan begins before it is told what was found.
            time.sleep(REPLY_LEAD)
            self._tell_who_is_there(lines)
        finally:
            self._hardware.motor.rest(False)

    def _tell_who_is_there(self, lines: list[str]) -> None:
        known = {}
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
                module = known.get((line, board.address))
                if module is not None:
                    self._on_discovered(module)
                else:
                    self._publish_found(board)

    def _publish_found(self, board: FoundBoard) -> None:
        """Tell of a board that is not configured; its type code does not tell what it does."""
        self._publish(
            self._discovered,
            ModuleDiscovered(
                header=header(self),
                module_id=f'{board.line}-{board.address}',
                module_type=ModuleDiscovered.TYPE_SENSOR,
                address=f'{board.line}/{board.address}',
                firmware_version=board.firmware_version,
                status=ModuleDiscovered.STATUS_ONLINE,
            ),
        )

    # Callbacks of the hardware, in its thread.

    def _publish(self, publisher: Publisher, message: Any) -> None:
        """Publish, unless ROS is down: the boards report until the motor's stop is verified."""
        try:
            publisher.publish(message)
        except Exception:
            if self.context.ok():
                raise

    def _on_discovered(self, module: ModuleInfo) -> None:
        self._publish(
            self._discovered,
            ModuleDiscovered(
                header=header(self),
                module_id=module.id,
                module_type=MODULE_TYPES[module.kind],
                address=f'{module.line}/{module.address}',
                firmware_version=module.firmware_version,
                status=module.status,
            ),
        )
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

    def _on_sample(self, module_id: str, sample: Any) -> None:
        self._publish_sample[type(sample)](sample)

    def _publish_motor(self, sample: MotorSample) -> None:
        self._publish(
            self._drive_state,
            DriveState(
                header=self._sample_header(sample),
                position=sample.position,
                position_resolution=sample.position_resolution,
                velocity=sample.velocity,
                commanded_velocity=sample.commanded_velocity,
                enabled=sample.enabled,
                stop_reason=sample.stop_reason,
                stop_verified=sample.stop_verified,
            ),
        )

    def _publish_dock(self, sample: DockSample) -> None:
        x, y, z = sample.position
        self._publish(
            self._location,
            Location(
                header=self._sample_header(sample),
                position=Point(x=x, y=y, z=z),
                position_resolution=sample.position_resolution,
                linear_velocity=sample.velocity[0],
                angular_velocity=sample.angular_velocity[2],
                linear_acceleration=sample.acceleration[0],
                roll=sample.roll,
                pitch=sample.pitch,
                yaw=sample.yaw,
                dock_distance=sample.dock_distance,
                dock_aligned=sample.aligned,
            ),
        )

    def _publish_power(self, sample: PowerSample) -> None:
        self._publish(
            self._power,
            PowerState(
                header=self._sample_header(sample),
                voltage=sample.voltage,
                current=sample.current,
                percentage=sample.soc,
                temperature=sample.temperature,
                cell_voltages=sample.cell_voltages,
                state=POWER_STATES.get(sample.state, PowerState.STATE_UNKNOWN),
                charger_present=sample.charger_present,
                charge_requested=sample.charge_requested,
                charge_state=CHARGE_STATES.get(sample.charge_state, PowerState.CHARGE_UNKNOWN),
                fault_flags=sample.fault_flags,
            ),
        )

    def _publish_safety(self, sample: SafetySample) -> None:
        self._publish(
            self._safety_inputs,
            SafetyInputs(
                header=self._sample_header(sample),
                configured=sample.configured,
                status=SAFETY_STATUSES.get(sample.status, SafetyInputs.STATUS_ERROR),
                latched=sample.latched,
                estop_pressed=sample.estop_pressed,
                distances=sample.distances,
                digital_inputs=sample.digital_inputs,
            ),
        )

    def _sample_header(self, sample: Any) -> Header:
        return Header(stamp=to_stamp(sample.stamp), frame_id=self._frame)

    def _module_states(self) -> list[ModuleState]:
        return [
            ModuleState(
                module_id=module.id,
                kind=module.kind,
                profile=module.profile,
                line=module.line,
                unit_address=module.address,
                status=module.status,
                firmware_version=module.firmware_version,
                hardware_version=module.hardware_version,
                last_seen=to_stamp(module.last_seen),
                requests=module.statistics.requests,
                replies=module.statistics.replies,
                timeouts=module.statistics.timeouts,
                crc_errors=module.statistics.crc_errors,
                exceptions=module.statistics.exceptions,
                response_time_mean=module.statistics.response_time_mean,
                response_time_max=module.statistics.response_time_max,
                error_code=module.error_code,
                error_description=module.error_description,
            )
            for module in self._hardware.modules()
        ]


def main() -> None:
    """Run the node."""
    run(HardwareNode, priority=RealtimePriority.HARDWARE_NODE)


if __name__ == '__main__':
    main()

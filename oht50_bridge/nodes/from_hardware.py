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
"""What the hardware reports, as messages and from them."""

from __future__ import annotations

import math
import time

from geometry_msgs.msg import Point
from std_msgs.msg import Header

from oht50_bridge.hardware.drivers.dock import DockSample
from oht50_bridge.hardware.drivers.hoist import HoistSample
from oht50_bridge.hardware.drivers.motor_registers import MotorSample
from oht50_bridge.hardware.drivers.power import PowerSample
from oht50_bridge.hardware.drivers.safety import SafetySample
from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.hardware import FoundBoard
from oht50_bridge.hardware.module import ModuleInfo
from oht50_bridge.msg import DriveState
from oht50_bridge.msg import HoistState
from oht50_bridge.msg import Location
from oht50_bridge.msg import ModuleDiscovered
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.nodes.stamps import to_stamp
from oht50_bridge.vehicle.board_reports import BoardReport
from oht50_bridge.vehicle.board_starts import BoardStarts

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


def _age(read_at: float) -> float:
    """Return the s since a reading, on a steady clock."""
    return max(0.0, time.monotonic() - read_at)


def drive_state(sample: MotorSample, frame: str) -> DriveState:
    """Return the message of a sample of the travel motor."""
    return DriveState(
        header=Header(stamp=to_stamp(sample.stamp), frame_id=frame),
        age=_age(sample.read_at),
        velocity=sample.velocity,
        commanded_velocity=sample.commanded_velocity,
        enabled=sample.enabled,
        stop_reason=str(sample.stop_reason),
        stop_verified=sample.stop_verified,
    )


def hoist_state(sample: HoistSample, frame: str) -> HoistState:
    """Return the message of a reading of the hoist's rope."""
    return HoistState(
        header=Header(stamp=to_stamp(sample.stamp), frame_id=frame),
        age=_age(sample.read_at),
        referenced=not sample.unknown,
        at_reference=sample.at_reference,
        rope_length=sample.length,
        reason=sample.unknown,
    )


def location(sample: DockSample, frame: str) -> Location:
    """Return the message of a sample of the dock and location board."""
    x, y, z = sample.position
    return Location(
        header=Header(stamp=to_stamp(sample.stamp), frame_id=frame),
        position=Point(x=x, y=y, z=z),
        position_resolution=sample.position_resolution,
        position_reach=sample.position_reach,
        # A register of position is absolute in every layout that has one.
        position_referenced=not math.isnan(sample.position_reach),
        age=_age(sample.read_at),
        linear_velocity=sample.velocity[0],
        angular_velocity=sample.angular_velocity[2],
        angular_acceleration=sample.angular_acceleration,
        linear_acceleration=sample.acceleration[0],
        roll=sample.roll,
        pitch=sample.pitch,
        yaw=sample.yaw,
        dock_distance=sample.dock_distance,
        dock_aligned=sample.aligned,
    )


def power_state(sample: PowerSample, frame: str) -> PowerState:
    """Return the message of a sample of the power board."""
    return PowerState(
        header=Header(stamp=to_stamp(sample.stamp), frame_id=frame),
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
        battery_fault=sample.battery_fault,
    )


def safety_inputs(sample: SafetySample, dangers_received: int, frame: str) -> SafetyInputs:
    """Return the message of a sample of the safety board.

    Args:
        sample: the sample.
        dangers_received: by safety_node, as its newest heartbeat says.
        frame: of the header.

    """
    return SafetyInputs(
        header=Header(stamp=to_stamp(sample.stamp), frame_id=frame),
        age=_age(sample.read_at),
        configured=sample.configured,
        status=SAFETY_STATUSES.get(sample.status, SafetyInputs.STATUS_ERROR),
        latched=sample.latched,
        estop_pressed=sample.estop_pressed,
        distances=sample.distances,
        digital_inputs=sample.digital_inputs,
        dangers=sample.dangers,
        dangers_received=dangers_received,
    )


def module_state(module: ModuleInfo) -> ModuleState:
    """Return the message of the state of a board."""
    return ModuleState(
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
        boot_time=module.boot_time,
    )


def board_report(module: ModuleState) -> BoardReport:
    """Return the state of a board as the rules of the vehicle need it."""
    return BoardReport(
        module.module_id,
        module.kind,
        module.status == ModuleDiscovered.STATUS_ONLINE,
        module.status,
        module.error_description or module.error_code,
        module.boot_time,
    )


def withhold_errors(states: ModuleStates, starts: BoardStarts, now: float) -> bool:
    """Take the errors of boards that may be starting out of a report.

    Args:
        states: the report; changed.
        starts: which boards have answered.
        now: s, rising.

    Returns:
        Whether a board may be starting.

    """
    starting = [
        module
        for module in states.modules
        if starts.may_be_starting(board_report(module), now)
        and module.error_code in ('', CommunicationTimeoutError.code)  # not one without a port
    ]
    for module in starting:
        module.error_code = module.error_description = ''
    return bool(starting)


def discovered(module: ModuleInfo, header: Header) -> ModuleDiscovered:
    """Return the message of a configured board that answered."""
    return ModuleDiscovered(
        header=header,
        module_id=module.id,
        module_type=MODULE_TYPES[module.kind],
        address=f'{module.line}/{module.address}',
        firmware_version=module.firmware_version,
        status=module.status,
    )


def unknown_board(board: FoundBoard, header: Header) -> ModuleDiscovered:
    """Return the message of a board that is not configured; its type code names no function."""
    return ModuleDiscovered(
        header=header,
        module_id=f'{board.line}-{board.address}',
        module_type=ModuleDiscovered.TYPE_SENSOR,
        address=f'{board.line}/{board.address}',
        firmware_version=board.firmware_version,
        status=ModuleDiscovered.STATUS_ONLINE,
    )

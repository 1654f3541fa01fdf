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
"""Limits of different nodes that contradict one another.

Each node checks its own parameters. These are of two nodes, which only the files have together. A
configuration that clients have set since is not in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.hardware.drivers.motor_registers import ACCEL
from oht50_bridge.hardware.drivers.motor_registers import DECEL
from oht50_bridge.hardware.drivers.motor_registers import MotorRegisters
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.profile_reader import available
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.settings import settings_of
from oht50_bridge.vehicle.docking import DockingSettings
from oht50_bridge.vehicle.mission_limits import MissionLimitSettings
from oht50_bridge.vehicle.motion import LoopSettings
from oht50_bridge.vehicle.motion_supervisor import SupervisionSettings
from oht50_bridge.vehicle.obstacles import DOCK_CAPTURE
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.speed_limiter import SpeedLimitSettings
from oht50_bridge.vehicle.speed_limits import Braking

_ROUNDING = 1e-9
_SPEED, _ACCELERATION = 'm/s', 'm/s^2'


@dataclass(frozen=True)
class _Quantity:
    """A limit.

    Attributes:
        name: node and parameter.
        value: in `unit`.
        unit: SI.
        text: what it is, where that is not the value of the parameter itself.
        fixed: it is no parameter.

    """

    name: str
    value: float
    unit: str
    text: str = ''
    fixed: bool = False

    def __str__(self) -> str:
        text = f'{self.text}, ' if self.text else ''
        return f'{text}{self.value:g} {self.unit} ({self.name})'


@dataclass(frozen=True)
class _Motor:
    """What the travel motor can do."""

    slowest: _Quantity
    fastest: _Quantity
    accel: _Quantity
    decel: _Quantity


_DOCK_CAPTURE = _Quantity(
    'safety_node, fixed',
    DOCK_CAPTURE,
    'm',
    'how far behind its station the dock is no obstacle',
    fixed=True,
)


def check_limits(vehicle: VehicleParameters) -> None:
    """Refuse limits of different nodes that contradict one another.

    Args:
        vehicle: its parameters.

    Raises:
        BringUpError: naming both parameters and the remedy.

    """
    hardware, mission, safety = (
        vehicle.of(name) for name in ('hardware_node', 'mission_node', 'safety_node')
    )
    for name in hardware.get('modules', ()):
        module = hardware.get('module', {}).get(name, {})
        # What is wrong with the module itself, hardware_node refuses by name.
        if module.get('kind') != 'travel_motor' or module.get('profile') not in available():
            continue
        try:
            motor = _motor(name, module)
        except HardwareConfigError:
            continue
        for lesser, greater in _in_order(motor, mission, safety):
            if lesser.value > greater.value + _ROUNDING:
                other = '' if greater.fixed else f' or raise {greater.name}'
                raise BringUpError(f'{lesser} is above {greater}: lower {lesser.name}{other}')


def _motor(name: str, module: Mapping[str, Any]) -> _Motor:
    prefix = f'hardware_node module.{name}.'
    registers = MotorRegisters(
        load(module['profile']), module, lambda field, fault: HardwareConfigError(field + fault)
    )

    def ramp(option: str, default: float) -> _Quantity:
        return _Quantity(prefix + option, _number(module, option, default), _ACCELERATION)

    table = registers.table
    return _Motor(
        _Quantity(prefix + 'min_duty', table.slowest, _SPEED, 'the smallest speed of the motor'),
        _Quantity(prefix + 'max_speed', table.fastest, _SPEED, 'the highest speed of the motor'),
        ramp('accel', ACCEL),
        ramp('decel', DECEL),
    )


def _in_order(
    motor: _Motor, mission: Mapping[str, Any], safety: Mapping[str, Any]
) -> Iterator[tuple[_Quantity, _Quantity]]:
    """Yield pairs of limits of which the first must not be above the second."""
    limits = _read('mission_node', mission, MotionLimits)
    mission_limits = _read('mission_node', mission, MissionLimitSettings)
    dock = _read('mission_node', mission.get('dock', {}), DockingSettings, 'dock.', nested=True)
    braking = _read('safety_node', safety, Braking)
    supervision = _read('safety_node', safety, SupervisionSettings, 'supervision_')
    speed_limit = _read('safety_node', safety, SpeedLimitSettings)['speed_limit']
    position_speed = _read('safety_node', safety, PositionSettings)['position_speed']

    # Below its smallest speed the motor stands: the vehicle would never arrive, or not pass.
    needed = [
        limits['max_velocity'],
        _read('mission_node', mission, LoopSettings)['creep_speed'],
        dock['approach_speed'],
        dock['final_speed'],
        mission_limits['inspection_speed'],
        mission_limits['maintenance_speed'],
        *_zone_limits(safety),
    ]
    if any(safety.get('distance_directions', ())):
        obstacles = _read('safety_node', safety, ObstacleSettings, 'obstacle_')
        needed += [obstacles['speed'], obstacles['dock_speed']]
        # A dock that is found farther behind its station would be an obstacle on the way to it.
        yield dock['capture'], _DOCK_CAPTURE
    if speed_limit.value > 0.0:  # at 0 nothing is to move
        needed.append(speed_limit)
        yield limits['max_velocity'], speed_limit
    for speed in needed:
        yield motor.slowest, speed
    # What is planned or promised must be what the motor does.
    yield limits['max_velocity'], motor.fastest
    yield limits['max_acceleration'], motor.accel
    yield limits['max_acceleration'], motor.decel
    yield braking['deceleration'], motor.decel
    yield supervision['deceleration'], motor.decel
    # Permitted motion must not look like a position that jumps.
    yield min(speed_limit, motor.fastest, key=lambda speed: speed.value), position_speed


def _read(
    node: str, values: Mapping[str, Any], cls: type[Any], prefix: str = '', *, nested: bool = False
) -> dict[str, _Quantity]:
    """Return the numbers of a settings dataclass by the name of their field.

    Args:
        node: that has the parameters.
        values: of the files, by name; with the prefix unless `nested`.
        cls: the settings, for the defaults and units.
        prefix: of the names.
        nested: the values have their names without the prefix.

    """
    return {
        name: _Quantity(
            f'{node} {prefix}{name}',
            _number(values, name if nested else prefix + name, default),
            setting.unit,
        )
        for name, default, setting in settings_of(cls)
        if isinstance(default, float)
    }


def _number(values: Mapping[str, Any], name: str, default: float) -> float:
    """Return a number; NaN, which contradicts nothing, for what the node refuses by name."""
    value = values.get(name, default)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number else math.nan


def _zone_limits(safety: Mapping[str, Any]) -> Iterator[_Quantity]:
    names, limits = safety.get('zone_names', ()), safety.get('zone_limits', ())
    for name, limit in zip(names, limits, strict=False):
        if name and isinstance(limit, (int, float)):
            yield _Quantity(f'safety_node zone_limits of {name}', float(limit), _SPEED)

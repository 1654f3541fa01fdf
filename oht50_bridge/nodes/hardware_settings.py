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
"""Settings of hardware_node, and the configuration of the hardware made from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.nodes.declaring import Declarer
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.errors import StartError
from oht50_bridge.settings import setting
from oht50_bridge.vehicle.hoist import ChannelSettings
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.position_source import PositionOrigin
from oht50_bridge.vehicle.position_source import PositionOriginSettings
from oht50_bridge.vehicle.position_source import check_source
from oht50_bridge.vehicle.rail import TrackSettings

SERIAL = 'serial'  # name of the line that serial_port makes


@dataclass(frozen=True)
class FrameSettings:
    """The frame of positions."""

    map_frame: str = setting('map', 'Frame of positions')


@dataclass(frozen=True)
class HardwareSettings:
    """Which lines and modules there are."""

    serial_port: str = setting(
        '', 'One serial port that carries every module, where each can share it; empty: the lines'
    )
    lines: tuple[str, ...] = setting(('drive', 'sense', 'safety'), 'Names of the serial lines')
    modules: tuple[str, ...] = setting(
        ('travel_motor', 'power', 'dock', 'safety'), 'Names of the modules'
    )


@dataclass(frozen=True)
class LineSettings:
    """One serial line: `line.NAME.*`."""

    device: str = setting('', 'Path of the serial port')
    baudrate: int = setting(115200, 'Bit rate, bit/s', minimum=9600, maximum=115200)
    parity: str = setting('N', 'Parity: N, E or O')
    stop_bits: int = setting(1, 'Stop bits', minimum=1, maximum=2)


@dataclass(frozen=True)
class ModuleSettings:
    """One module: `module.NAME.*`."""

    kind: str = setting('', 'Kind of the module: power, safety, travel_motor or dock')
    line: str = setting('', 'Name of its serial line')
    profile: str = setting('', 'Register profile, a file of config/modules')
    address: int = setting(1, 'Modbus unit address', minimum=1, maximum=247)
    timeout: float = setting(
        0.0, 'Timeout of a reply; 0: that of the profile', unit='s', minimum=0.0, maximum=5.0
    )
    retries: int = setting(-1, 'Further tries; -1: those of the profile', minimum=-1, maximum=10)
    gap: float = setting(
        -1.0,
        'Silence before a request; -1: that of the profile',
        unit='s',
        minimum=-1.0,
        maximum=1.0,
    )


@dataclass(frozen=True)
class MotorSettings:
    """A travel motor, beside its `ModuleSettings`."""

    max_speed: float = setting(
        1.0,
        'Speed of the vehicle at full duty of the motor',
        unit='m/s',
        minimum=0.01,
        maximum=10.0,
    )
    min_duty: float = setting(
        0.0, 'Smallest duty that turns the wheel', unit='ratio 0..1', minimum=0.0, maximum=0.9
    )
    dead_band: float = setting(
        0.0,
        'Part of full duty that friction takes; speed is proportional to the duty above it',
        unit='ratio 0..1',
        minimum=0.0,
        maximum=0.9,
    )
    accel: float = setting(1.0, 'Ramp up of the motor', unit='m/s^2', minimum=0.01, maximum=10.0)
    decel: float = setting(2.0, 'Ramp down of the motor', unit='m/s^2', minimum=0.01, maximum=10.0)
    reversal_pause: float = setting(
        0.3,
        'Time at rest before the motor turns the other way',
        unit='s',
        minimum=0.05,
        maximum=10.0,
    )
    reverse: bool = setting(False, "Whether the board's forward is towards smaller x")


@dataclass(frozen=True)
class SafetySettings:
    """A safety board, beside its `ModuleSettings`."""

    digital_inputs: tuple[str, ...] = setting(
        ('low', '', '', ''),
        'Active level of each digital input: high, low, or empty when not in use',
    )
    distance_inputs: tuple[bool, ...] = setting(
        (False, False, False, False), 'Distance inputs in use, terminals AI1 to AI4'
    )
    zone_thresholds: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0, 0.0),
        'Distances of zones 1 to 4 at which the board trips by itself, with safety_module_fw '
        'each 0.01 to 1; all 0: as the board has them',
        unit='m',
    )
    estop_input: int = setting(
        1, 'Digital input of the emergency stop chain', minimum=1, maximum=4
    )

    def options(self) -> dict[str, Any]:
        """Return the options of the driver."""
        options = {
            'digital_inputs': {
                channel: level for channel, level in enumerate(self.digital_inputs, 1) if level
            },
            'estop_input': self.estop_input,
            'distance_inputs': [
                channel for channel, used in enumerate(self.distance_inputs, 1) if used
            ],
        }
        zones = list(self.zone_thresholds)
        return options | {'zones': zones} if any(zones) else options


@dataclass(frozen=True)
class GuardSettings:
    """The input of safety_node that hardware_node has to read for it."""

    guard_input: int = setting(
        0,
        'Digital input that is active while a guard is open, 1 to 4; 0: none',
        minimum=0,
        maximum=4,
    )


def check_inputs(declarer: Declarer, config: Mapping[str, Any]) -> None:
    """Refuse what the safety rules rely on and no board reads.

    Args:
        declarer: declares the parameters of those rules.
        config: what `hardware_config` returned.

    Raises:
        StartError: a distance input has a direction and is not in use, or the guard's input is
            not in use; the message names parameter and remedy.

    """
    directions = declare_settings(declarer, DistanceSettings).distance_directions
    guard = declare_settings(declarer, GuardSettings).guard_input
    for module in config['modules']:
        if module['kind'] != 'safety':
            continue
        name, options = module['id'], module['options']
        for channel, direction in enumerate(directions, 1):
            if direction and channel not in options['distance_inputs']:
                raise StartError(
                    f'{declarer.node}: distance_directions: input {channel} looks {direction}, '
                    f'but is not in use: set it in module.{name}.distance_inputs'
                )
        if guard and guard not in options['digital_inputs']:
            raise StartError(
                f'{declarer.node}: guard_input {guard} is not in use: give its active level in '
                f'module.{name}.digital_inputs'
            )


def check_position_source(declarer: Declarer, config: Mapping[str, Any]) -> None:
    """Check the location board against the rail, where it is the position source.

    Args:
        declarer: declares the parameters.
        config: what `hardware_config` returned.

    Raises:
        StartError: no configured board measures the position, or it does not reach the end of
            the rail; the message names the remedy.

    """
    origin = declare_settings(declarer, PositionOriginSettings).origin
    track_length = declare_settings(declarer, TrackSettings).track_length
    if origin is not PositionOrigin.LOCATION_BOARD:
        return
    fault = 'no module of kind dock is configured'
    for module in config['modules']:
        if module['kind'] != 'dock':
            continue
        try:
            position = load(module['profile']).registers.get('position_x')
            check_source(
                math.nan if position is None else position.scale,
                math.nan if position is None else position.greatest,
                track_length,
            )
        except ValueError as error:
            fault = f'module.{module["id"]}.profile {module["profile"]}: {error}'
        else:
            return
    raise StartError(
        f'{declarer.node}: position_source location_board: {fault}; choose another profile, or '
        'position_source topic or none'
    )


def hardware_config(declarer: Declarer) -> dict[str, Any]:
    """Declare the parameters of lines and modules; return the configuration of the hardware."""
    settings = declare_settings(declarer, HardwareSettings)
    # Declared even where one port carries all, so that a file may have both.
    lines: dict[str, Any] = {
        name: asdict(declare_settings(declarer, LineSettings, f'line.{name}.'))
        for name in settings.lines
    }
    if settings.serial_port:
        lines = {SERIAL: {'device': settings.serial_port}}
    line = SERIAL if settings.serial_port else None
    channels = asdict(declare_settings(declarer, ChannelSettings))
    modules = [_module(declarer, name, line, channels) for name in settings.modules]
    return {'lines': lines, 'modules': modules}


def _module(
    declarer: Declarer, name: str, line: str | None, channels: dict[str, Any]
) -> dict[str, Any]:
    prefix = f'module.{name}.'
    settings = declare_settings(declarer, ModuleSettings, prefix, kind=name)
    module: dict[str, Any] = {
        'id': name,
        'kind': settings.kind,
        'profile': settings.profile,
        'line': line or settings.line,
        'address': settings.address,
    }
    if settings.timeout > 0.0:
        module['timeout'] = settings.timeout
    if settings.retries >= 0:
        module['retries'] = settings.retries
    if settings.gap >= 0.0:
        module['gap'] = settings.gap
    if settings.kind == 'travel_motor':
        module['options'] = asdict(declare_settings(declarer, MotorSettings, prefix)) | channels
    elif settings.kind == 'safety':
        module['options'] = declare_settings(declarer, SafetySettings, prefix).options()
    return module

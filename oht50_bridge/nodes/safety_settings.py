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
"""Parameters of safety_node: its own, and those of the rules that it applies."""

from __future__ import annotations

from dataclasses import dataclass

from oht50_bridge.nodes.declaring import Declarer
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.settings import setting
from oht50_bridge.vehicle.hoist import ChannelSettings
from oht50_bridge.vehicle.hoist import HoistSettings
from oht50_bridge.vehicle.motion_supervisor import SupervisionSettings
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.position_source import PositionOriginSettings
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.speed_limiter import InterlockSettings
from oht50_bridge.vehicle.speed_limiter import LimiterSettings
from oht50_bridge.vehicle.speed_limiter import SpeedLimitSettings
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.zones import ZoneSettings


@dataclass(frozen=True)
class SafetyNodeSettings:
    """Settings of the node itself."""

    heartbeat_rate: float = setting(
        20.0, 'Rate of the safety heartbeat', unit='Hz', minimum=10.0, maximum=100.0
    )
    map_frame: str = setting('map', 'Frame of positions')
    latch_dir: str = setting(
        '',
        'Directory of the emergency-stop latch and the maintenance lock, which belong to the '
        'boards; empty: state_dir',
    )
    gpio_chip: str = setting(
        '', 'GPIO chip with an emergency stop line, such as /dev/gpiochip1; empty: none'
    )
    gpio_line: int = setting(27, 'Line of the chip', minimum=0, maximum=511)
    gpio_bias: str = setting(
        'pull_down',
        'Resistor of the line: pull_down, with contacts to the supply, or pull_up, with contacts '
        'to ground',
    )
    gpio_closed: str = setting(
        'high',
        'Level of the line while the chain is closed: high with pull_down, low with pull_up, so '
        'that a cut wire reads as open',
    )


@dataclass(frozen=True)
class SafetyParameters:
    """Everything that safety_node is configured with.

    Attributes:
        own: of the node itself.
        limiter: of the rules that limit the speed.
        speed_limit: the limit that clients can configure.
        zones: the zones that clients can configure.
        supervision: of the measured motion.

    """

    own: SafetyNodeSettings
    limiter: LimiterSettings
    speed_limit: SpeedLimitSettings
    zones: ZoneSettings
    supervision: SupervisionSettings


def safety_settings(declarer: Declarer) -> SafetyParameters:
    """Declare the parameters of the node and return them.

    Raises:
        StartError: a parameter is wrong, or they contradict one another.

    """
    return SafetyParameters(
        own=declare_settings(declarer, SafetyNodeSettings),
        limiter=LimiterSettings(
            interlocks=declare_settings(declarer, InterlockSettings),
            braking=declare_settings(declarer, Braking),
            obstacles=declare_settings(declarer, ObstacleSettings, 'obstacle_'),
            distances=declare_settings(declarer, DistanceSettings),
            track=declare_settings(declarer, TrackSettings),
            position=declare_settings(declarer, PositionSettings),
            origin=declare_settings(declarer, PositionOriginSettings),
            channels=declare_settings(declarer, ChannelSettings),
            hoist=declare_settings(declarer, HoistSettings),
        ),
        speed_limit=declare_settings(declarer, SpeedLimitSettings),
        zones=declare_settings(declarer, ZoneSettings),
        supervision=declare_settings(declarer, SupervisionSettings, 'supervision_'),
    )

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
"""Parameters of mission_node, and the settings of missions made from them."""

from __future__ import annotations

from dataclasses import dataclass

from oht50_bridge.nodes.declaring import Declarer
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.errors import StartError
from oht50_bridge.settings import setting
from oht50_bridge.vehicle.admission import MissionRules
from oht50_bridge.vehicle.docking import DockingSettings
from oht50_bridge.vehicle.hoist import ChannelSettings
from oht50_bridge.vehicle.mission import MissionTimeouts
from oht50_bridge.vehicle.mission_limits import MissionLimitSettings
from oht50_bridge.vehicle.mission_manager import ManagerSettings
from oht50_bridge.vehicle.motion import LoopSettings
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.rail import DockSettings
from oht50_bridge.vehicle.rail import StationSettings
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.rail import make_stations


@dataclass(frozen=True)
class MissionNodeSettings:
    """Rates and frame of the node."""

    control_rate: float = setting(
        50.0, 'Rate of drive commands', unit='Hz', minimum=20.0, maximum=100.0
    )
    progress_rate: float = setting(
        5.0, 'Rate of mission.progress', unit='Hz', minimum=0.5, maximum=5.0
    )
    map_frame: str = setting('map', 'Frame of positions')
    simulated: bool = setting(
        False, 'Whether the boards are simulated; set by what starts the vehicle, for clients'
    )


@dataclass(frozen=True)
class MissionParameters:
    """Everything that mission_node is configured with.

    Attributes:
        own: of the node itself.
        manager: of missions.
        has_hoist: whether a hoist is configured.

    """

    own: MissionNodeSettings
    manager: ManagerSettings
    has_hoist: bool


def mission_settings(declarer: Declarer) -> MissionParameters:
    """Declare the parameters of the node and return them.

    Raises:
        StartError: a parameter is wrong, or they contradict one another.

    """
    own = declare_settings(declarer, MissionNodeSettings)
    track = declare_settings(declarer, TrackSettings)
    stations = declare_settings(declarer, StationSettings)
    docks = declare_settings(declarer, DockSettings).station_docks
    channels = declare_settings(declarer, ChannelSettings)
    limits = declare_settings(declarer, MotionLimits)
    mission_limits = declare_settings(declarer, MissionLimitSettings)
    rules = declare_settings(declarer, MissionRules)
    loop = declare_settings(declarer, LoopSettings)
    docking = declare_settings(declarer, DockingSettings, 'dock.')
    timeouts = declare_settings(declarer, MissionTimeouts)
    try:
        by_name = make_stations(stations, docks, track)
        mission_limits.check(limits)
    except ValueError as error:
        raise StartError(f'{declarer.node}: {error}') from error
    manager = ManagerSettings(
        track=track,
        rules=rules,
        limits=limits,
        mission_limits=mission_limits,
        loop=loop,
        docking=docking,
        timeouts=timeouts,
        stations=by_name,
    )
    return MissionParameters(own, manager, has_hoist=channels.has_hoist)

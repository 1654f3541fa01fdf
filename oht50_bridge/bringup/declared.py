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
"""What each node declares, without ROS: the values of parameter files in place of a node's."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from oht50_bridge.bringup.parameter_reader import Given
from oht50_bridge.bringup.parameter_values import ValueFaultError
from oht50_bridge.bringup.parameter_values import converted
from oht50_bridge.gateway.config import GatewaySettings
from oht50_bridge.nodes import NODES
from oht50_bridge.nodes.bridge_settings import BridgeNodeSettings
from oht50_bridge.nodes.bridge_settings import gateway_config
from oht50_bridge.nodes.config_settings import config_table
from oht50_bridge.nodes.declaring import Declarer
from oht50_bridge.nodes.declaring import StateSettings
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.errors import StartError
from oht50_bridge.nodes.hardware_settings import FrameSettings
from oht50_bridge.nodes.hardware_settings import check_inputs
from oht50_bridge.nodes.hardware_settings import check_position_source
from oht50_bridge.nodes.hardware_settings import hardware_config
from oht50_bridge.nodes.mission_settings import mission_settings
from oht50_bridge.nodes.safety_settings import safety_settings
from oht50_bridge.nodes.system_settings import SystemNodeSettings
from oht50_bridge.nodes.telemetry_settings import TelemetrySettings
from oht50_bridge.settings import Setting
from oht50_bridge.settings import setting
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.rail import StationSettings
from oht50_bridge.vehicle.rail import TrackSettings


@dataclass(frozen=True)
class ClockSettings:
    """What ROS itself declares in each node."""

    use_sim_time: bool = setting(False, 'Take the time from /clock')


@dataclass
class DeclaredNode:
    """Declares the parameters of a node that does not run.

    Attributes:
        node: its name, without its namespace.
        given: the value of each parameter that a file has, by name.
        types: default and description of each parameter that was declared, by name.
        values: those of `given` that were declared, in the type of the parameter.
        faults: what is to be written instead of a wrong value, by name.
        contradictions: why the node would not start although each value by itself is right.

    """

    node: str
    given: Mapping[str, Given]
    types: dict[str, tuple[Any, Setting]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)

    def declare(self, name: str, default: Any, setting: Setting) -> Any:
        """Declare a parameter and return its value, its default where the value is wrong."""
        self.types[name] = default, setting
        if name not in self.given:
            return default
        try:
            value = converted(self.given[name].value, default, setting)
        except ValueFaultError as fault:
            self.faults[name] = str(fault)
            return default
        self.values[name] = value
        return value

    def refuse(self, error: ValueError) -> None:
        """Note values that contradict one another."""
        self.contradictions.append(f'{self.node}: {error}')


def declare_all(node: str, given: Mapping[str, Given]) -> DeclaredNode:
    """Declare what a node declares at its start.

    Args:
        node: its name, one of NODES.
        given: the value of each parameter that a file has, by name.

    """
    declared = DeclaredNode(node, given)
    declare_settings(declared, ClockSettings)
    declare_settings(declared, StateSettings)
    try:
        _NODES[node](declared)
    except StartError as error:
        # What follows from a fault that has been found is none of its own.
        if not declared.contradictions:
            declared.contradictions.append(str(error))
    return declared


def _hardware(declarer: Declarer) -> None:
    declare_settings(declarer, FrameSettings)
    config = hardware_config(declarer)
    refused: StartError | None = None
    # Both, since each declares parameters of its own.
    for check in (check_inputs, check_position_source):
        try:
            check(declarer, config)
        except StartError as error:
            refused = refused or error
    if refused is not None:
        raise refused


def _telemetry(declarer: Declarer) -> None:
    declare_settings(declarer, TelemetrySettings)
    declare_settings(declarer, DistanceSettings)


def _system(declarer: Declarer) -> None:
    declare_settings(declarer, SystemNodeSettings)
    declare_settings(declarer, TrackSettings)
    declare_settings(declarer, StationSettings)


def _bridge(declarer: Declarer) -> None:
    gateway = declare_settings(declarer, GatewaySettings)
    settings = declare_settings(declarer, BridgeNodeSettings)
    gateway_config(gateway, settings)
    settings.check_page()


_NODES: dict[str, Callable[[Declarer], object]] = {
    'hardware_node': _hardware,
    'safety_node': safety_settings,
    'telemetry_node': _telemetry,
    'system_node': _system,
    'mission_node': mission_settings,
    'config_node': config_table,
    'bridge_node': _bridge,
}
if set(_NODES) != set(NODES):
    raise AssertionError('each node of the vehicle has its declarations here')

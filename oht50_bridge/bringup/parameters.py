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
"""The parameters of a vehicle: what its boards are, and the files that its nodes are given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from oht50_bridge.atomic_file import replace_file
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.paths import config_dir
from oht50_bridge.paths import make_private
from oht50_bridge.regular_file import read_regular
from oht50_bridge.text import shown


def parameter_files(params: Path | None) -> list[Path]:
    """Return the parameter files of all nodes; a later one overrides the earlier ones."""
    return [config_dir() / 'vehicle.yaml', *([params] if params is not None else [])]


class VehicleParameters:
    """The parameters of all nodes, as far as the files give them, in the types of the nodes.

    Args:
        values: of each node by full name of the parameter.

    """

    def __init__(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        self._values = values

    def given(self, node: str) -> dict[str, Any]:
        """Return the parameters of a node by their full names, such as `dock.retries`."""
        return dict(self._values[node])

    def of(self, node: str) -> dict[str, Any]:
        """Return the parameters of a node, those with a dot in dictionaries."""
        nested: dict[str, Any] = {}
        for name, value in self._values[node].items():
            *parts, last = name.split('.')
            into = nested
            for part in parts:
                into = into.setdefault(part, {})
            into[last] = value
        return nested


def simulated_lines(vehicle: VehicleParameters) -> dict[str, Any]:
    """Return the serial lines of the simulator, by name: baud rate and boards of each.

    Raises:
        BringUpError: a module has no profile, address or line.

    """
    parameters = vehicle.of('hardware_node')
    lines: dict[str, Any] = {
        name: {'baudrate': parameters['line'][name].get('baudrate', 115200), 'boards': []}
        for name in parameters['lines']
    }
    for name in parameters['modules']:
        module = parameters['module'][name]
        try:
            lines[module['line']]['boards'].append(
                {'id': name, 'profile': module['profile'], 'address': module['address']}
            )
        except KeyError as error:
            raise BringUpError(f'parameter module.{name}: {error} is missing') from error
    return lines


def simulated_vehicle(vehicle: VehicleParameters) -> dict[str, Any]:
    """Return what the simulated vehicle is built of, as far as the parameters say it."""
    parameters = vehicle.of('hardware_node')
    names = ('travel_channel', 'hoist_channel')
    return {name: parameters[name] for name in names if name in parameters}


def check_lines(vehicle: VehicleParameters, serial_port: str) -> None:
    """Refuse lines on which a board would stop answering.

    Args:
        vehicle: its parameters.
        serial_port: port of all boards; empty: the serial lines of the parameters.

    Raises:
        BringUpError: naming the option or parameter, and the remedy.

    """
    # Not above: the supervisor of a vehicle needs no profiles.
    from oht50_bridge.hardware.own_line import crowded_board
    from oht50_bridge.hardware.profile_reader import available
    from oht50_bridge.hardware.profile_reader import load

    parameters = vehicle.of('hardware_node')
    serial_port = serial_port or parameters.get('serial_port', '')
    boards = []
    for name in parameters['modules']:
        module = parameters.get('module', {}).get(name, {})
        if module.get('profile') not in available():
            continue  # hardware_node refuses it, by name
        line = serial_port or module.get('line', '')
        boards.append((name, load(module['profile']), line))
    crowded = crowded_board(boards)
    if crowded is None:
        return
    name, fault = crowded
    if serial_port:
        raise BringUpError(
            f'serial_port {shown(serial_port)}: {fault}, in a parameter file '
            f'(line, module.{name}.line) instead of one serial port for all'
        )
    raise BringUpError(f'parameter module.{name}.line: {fault}')


def connections(vehicle: VehicleParameters) -> int:
    """Return how many WebSocket connections the bridge may have, with and without a token."""
    given = vehicle.given('bridge_node')
    return sum(int(given.get(name, 100)) for name in ('max_connections', 'max_unauthenticated'))


def serial_ports(vehicle: VehicleParameters) -> list[str]:
    """Return the serial ports of the lines, that of the travel motor first.

    Raises:
        BringUpError: there is none for the travel motor.

    """
    parameters = vehicle.of('hardware_node')
    if parameters.get('serial_port'):
        return [str(parameters['serial_port'])]
    try:
        modules = [parameters['module'][name] for name in parameters['modules']]
        motor = next(module['line'] for module in modules if module['kind'] == 'travel_motor')
        lines = [motor, *parameters['lines']]
        return list(dict.fromkeys(str(parameters['line'][line]['device']) for line in lines))
    except (KeyError, StopIteration, TypeError) as error:
        raise BringUpError(
            'hardware_node: modules, module and line must give the travel motor and the device of '
            'its line'
        ) from error


def parameters_path(directory: Path, node: str) -> Path:
    """Return the parameter file of one node of the vehicle whose own directory is given."""
    return directory / 'parameters' / f'{node}.yaml'


def write_parameters(directory: Path, namespace: str, node: str, values: dict[str, Any]) -> Path:
    """Write the parameter file of one node, unless it is there already, and return it.

    Raises:
        BringUpError: it cannot be written.

    """
    path = parameters_path(directory, node)
    document = {f'{namespace}/{node}': {'ros__parameters': values}}
    content = yaml.dump(document, Dumper=_Dumper, sort_keys=False).encode()
    try:
        make_private(path.parent)
        if not _is_there(path, content):
            replace_file(path, content, durable=False, mode=0o600)
    except OSError as error:
        raise BringUpError(
            f'{path}: {error.strerror}; make room for it, or choose another state directory'
        ) from error
    return path


def _is_there(path: Path, content: bytes) -> bool:
    """Return whether a file that nobody else can read has a content."""
    try:
        return read_regular(path) == content and not path.stat().st_mode & 0o077
    except (OSError, ValueError):
        return False


class _Dumper(yaml.SafeDumper):
    """Writes texts in quotes: without them ROS 2 takes `N` for false and `1e3` for a number."""


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar('tag:yaml.org,2002:str', text, style='"')
)

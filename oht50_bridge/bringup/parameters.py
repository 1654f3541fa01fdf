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
"""The ROS parameter files: read without a node, and written for the nodes to start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.hardware.own_line import crowded_board
from oht50_bridge.hardware.profile_reader import available
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.paths import config_dir
from oht50_bridge.paths import make_private


def parameter_files(params: Path | None) -> list[Path]:
    """Return the parameter files of all nodes; a later one overrides the earlier ones."""
    return [config_dir() / 'vehicle.yaml', *([params] if params is not None else [])]


def parameters_of(name: str, params: Path | None) -> dict[str, Any]:
    """Return the parameters of a node, nested as in the files.

    Raises:
        BringUpError: a file cannot be read, or is not a parameter file.

    """
    merged: dict[str, Any] = {}
    for path in parameter_files(params):
        try:
            content = yaml.safe_load(path.read_text())
            for node, section in ({} if content is None else content).items():
                values = section['ros__parameters']
                if node.split('/')[-1] in ('**', '*', name):
                    _merge(merged, values)
        except (OSError, yaml.YAMLError) as error:
            raise BringUpError(f'{path}: {error}') from error
        except (AttributeError, KeyError, TypeError) as error:
            raise BringUpError(
                f'{path}: not a ROS 2 parameter file (node name, ros__parameters, values)'
            ) from error
    return merged


def _merge(into: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            _merge(into.setdefault(name, {}), value)
        else:
            into[name] = value


def simulated_lines(params: Path | None) -> dict[str, Any]:
    """Return the serial lines of the simulator, by name: baud rate and boards of each.

    Raises:
        BringUpError: a module has no profile, address or line.

    """
    parameters = parameters_of('hardware_node', params)
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


def simulated_vehicle(params: Path | None) -> dict[str, Any]:
    """Return what the simulated vehicle is built of, as far as the parameters say it.

    Raises:
        BringUpError: a parameter file cannot be read.

    """
    parameters = parameters_of('hardware_node', params)
    names = ('travel_channel', 'hoist_channel')
    return {name: parameters[name] for name in names if name in parameters}


def check_lines(params: Path | None, serial_port: str) -> None:
    """Refuse lines on which a board would stop answering.

    Args:
        params: parameter file whose values override those of config/vehicle.yaml.
        serial_port: port of all boards; empty: the serial lines of the parameters.

    Raises:
        BringUpError: naming the option or parameter, and the remedy.

    """
    parameters = parameters_of('hardware_node', params)
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
            f'serial_port {serial_port}: {fault}, in a parameter file (line, module.{name}.line) '
            'instead of one serial port for all'
        )
    raise BringUpError(f'parameter module.{name}.line: {fault}')


def serial_ports(params: Path | None) -> list[str]:
    """Return the serial ports of the lines, that of the travel motor first.

    Raises:
        BringUpError: there is none for the travel motor.

    """
    parameters = parameters_of('hardware_node', params)
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


def write_parameters(directory: Path, namespace: str, node: str, values: dict[str, Any]) -> Path:
    """Write the parameter file of one node and return it."""
    path = directory / 'parameters' / f'{node}.yaml'
    make_private(path.parent)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump({f'{namespace}/{node}': {'ros__parameters': values}}))
    return path

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
"""What the parameter files say, read without starting a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from oht50_bridge.cli.options import CommandError
from oht50_bridge.paths import config_dir


def parameter_files(params: Path | None) -> list[Path]:
    """Return the parameter files, the later over the earlier."""
    return [config_dir() / 'vehicle.yaml', *([params] if params is not None else [])]


def parameters_of(name: str, params: Path | None) -> dict[str, Any]:
    """Return the parameters of a node, nested as in the files.

    Raises:
        CommandError: a file cannot be read, or is no parameter file.

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
            raise CommandError(f'{path}: {error}') from error
        except (AttributeError, KeyError, TypeError) as error:
            raise CommandError(
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
    """Return what the simulator needs to know of the lines: the boards on each.

    Raises:
        CommandError: a module has no profile, address or line.

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
            raise CommandError(f'parameter module.{name}: {error} is missing') from error
    return lines

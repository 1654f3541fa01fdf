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
"""ROS parameters of a node, declared from the fields of a settings dataclass."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import TypeVar

from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from oht50_bridge.nodes.process import StartError
from oht50_bridge.paths import default_state_dir
from oht50_bridge.paths import make_private
from oht50_bridge.settings import settings_of

SettingsT = TypeVar('SettingsT')

# config_node reads it to know which configuration a node has: a restarted node has none.
CONFIG_VERSION = 'config_version'


def declare(
    node: Node,
    name: str,
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    read_only: bool = True,
) -> Any:
    """Declare a parameter and return its value.

    Args:
        node: the node that owns it.
        name: its name.
        default: value without an override; its type is the parameter's type.
        description: meaning and unit.
        minimum: least value allowed, for numbers.
        maximum: greatest value allowed, for numbers.
        read_only: whether it can be set only at the start.

    Raises:
        StartError: the given value is of another type or out of range; the message names node,
            parameter and value.

    """
    descriptor = ParameterDescriptor(description=description, read_only=read_only)
    if minimum is not None and maximum is not None:
        if isinstance(default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(minimum), to_value=float(maximum))
            ]
        else:
            descriptor.integer_range = [
                IntegerRange(from_value=int(minimum), to_value=int(maximum), step=1)
            ]
    try:
        return node.declare_parameter(name, default, descriptor).value
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        raise StartError(
            f'{node.get_name()}: parameter {name}: {error}; correct its value'
        ) from error


def declare_settings(
    node: Node, cls: type[SettingsT], prefix: str = '', **defaults: Any
) -> SettingsT:
    """Declare each field of a settings dataclass as a parameter and return the values.

    Args:
        node: the node that owns the parameters.
        cls: a dataclass whose fields are made by `settings.setting`.
        prefix: comes before each field's name, such as `dock.`.
        defaults: replace the defaults of some fields.

    Raises:
        StartError: a value is of another type or out of range, or the values contradict one
            another; the message names node and parameter.

    """
    values: dict[str, Any] = {}
    for name, default, setting in settings_of(cls):
        default = defaults.get(name, default)
        value = declare(
            node,
            prefix + name,
            list(default) if isinstance(default, tuple) else default,
            setting.text,
            minimum=setting.minimum,
            maximum=setting.maximum,
            read_only=setting.read_only,
        )
        values[name] = tuple(value) if isinstance(default, tuple) else value
    try:
        return cls(**values)
    except ValueError as error:
        raise StartError(f'{node.get_name()}: {error}') from error


def configurable(node: Node, take: Callable[[dict[str, Any]], None]) -> None:
    """Let the parameters of a node that are not read-only be set while it runs.

    Call it after the declarations.

    Args:
        node: the node that owns them.
        take: is given the new values by name, all that are set together, types and ranges
            checked. It puts them in force, or changes nothing and raises ValueError with the
            parameter and the remedy, which refuses them all.

    """
    declare(
        node,
        CONFIG_VERSION,
        '',
        'Version of the configuration in force here; empty until '
        'config_node has confirmed it since the start',
        read_only=False,
    )

    def on_set(parameters: list[Parameter]) -> SetParametersResult:
        values = {
            parameter.name: parameter.value
            for parameter in parameters
            if parameter.name != CONFIG_VERSION
        }
        try:
            take(values)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(on_set)


def state_directory(node: Node) -> Path:
    """Declare the parameter state_dir and return the directory, made if it is not there.

    A directory that cannot be written to is logged but does not end the node: its disk may have
    turned read-only while the vehicle runs, and a node that was killed must come up again.

    Raises:
        StartError: it cannot be made.

    """
    path = Path(
        declare(
            node, 'state_dir', str(default_state_dir()), 'Directory of what must outlive a restart'
        )
    ).expanduser()
    try:
        make_private(path)
    except OSError as error:
        raise StartError(
            f'state_dir {path}: {error.strerror}; give a directory that can be written to'
        ) from error
    if not os.access(path, os.W_OK):
        node.get_logger().error(
            f'state_dir {path} cannot be written to: nothing outlives a restart; make it writable'
        )
    return path

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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from oht50_bridge.nodes.declaring import StateSettings
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.errors import StartError
from oht50_bridge.paths import NoStateDirError
from oht50_bridge.paths import default_state_dir
from oht50_bridge.paths import expanded
from oht50_bridge.paths import make_private
from oht50_bridge.settings import Setting

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
    except InvalidParameterTypeException as error:
        numbers = _as_doubles(_override(node, name), default)
        if numbers is None:
            raise _wrong(node, name, error) from error
    except InvalidParameterValueException as error:
        raise _wrong(node, name, error) from error
    try:
        return node.declare_parameter(name, numbers, descriptor, ignore_override=True).value
    except InvalidParameterValueException as error:
        raise _wrong(node, name, error) from error


def _wrong(node: Node, name: str, error: Exception) -> StartError:
    said = ' '.join(str(error).split())
    return StartError(f'{node.get_name()}: parameter {name}: {said}; correct its value')


def _override(node: Node, name: str) -> Any:
    """Return the value that the command line gives a parameter which is not declared."""
    descriptor = ParameterDescriptor(dynamic_typing=True)
    value = node.declare_parameter(name, None, descriptor).value
    node.undeclare_parameter(name)
    return value


def _as_doubles(value: Any, default: Any) -> Any:
    """Return integers that were given for doubles as doubles; None for anything else."""
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if isinstance(default, list) and isinstance(default[0], float):
        items = value if isinstance(value, Iterable) else ()
        numbers = [float(each) for each in items if type(each) is int]
        return numbers if numbers and len(numbers) == len(value) else None
    return None


class NodeDeclarer:
    """Declares the parameters of a running node.

    Args:
        node: the node that owns them.

    """

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def node(self) -> str:
        """Name of the node, without its namespace."""
        return str(self._node.get_name())

    def declare(self, name: str, default: Any, setting: Setting) -> Any:
        """Declare a parameter and return its value, see `Declarer`."""
        return declare(
            self._node,
            name,
            default,
            setting.text,
            minimum=setting.minimum,
            maximum=setting.maximum,
            read_only=setting.read_only,
        )

    def refuse(self, error: ValueError) -> None:
        """Refuse values that contradict one another, see `Declarer`."""
        raise StartError(f'{self.node}: {error}') from error


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
    given = declare_settings(NodeDeclarer(node), StateSettings).state_dir
    try:
        path = expanded(given) if given else default_state_dir()
    except NoStateDirError as error:
        raise StartError(f'state_dir: {error}') from error
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

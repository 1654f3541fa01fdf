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

"""What a node does with its parameters."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from math import isclose
from typing import Any

from rcl_interfaces.msg import ListParametersResult
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.msg import SetParametersResult

from rclpy._arguments import Arguments
from rclpy._node_entities import NodeEntities
from rclpy.context import Context
from rclpy.exceptions import InvalidParameterException
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.exceptions import InvalidParameterValueException
from rclpy.exceptions import ParameterAlreadyDeclaredException
from rclpy.exceptions import ParameterImmutableException
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.exceptions import ParameterUninitializedException
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_parameter_events
from rclpy.time import message_of

SetCallback = Callable[[list[Parameter]], SetParametersResult]
SUCCESS = SetParametersResult(successful=True)
RELATIVE_TOLERANCE = 1e-6


def refused(reason: str) -> SetParametersResult:
    """Return the result that refuses a value for a reason."""
    return SetParametersResult(successful=False, reason=reason)


class NodeParameters(NodeEntities):
    """The parameters part of `Node`."""

    def __init__(
        self,
        name: str,
        namespace: str,
        context: Context,
        arguments: list[Arguments],
        parameter_overrides: Iterable[Parameter],
    ) -> None:
        super().__init__(name, namespace, context, arguments)
        self.__parameters: dict[str, Parameter] = {}
        self.__descriptors: dict[str, ParameterDescriptor] = {}
        self.__callbacks: list[SetCallback] = []
        self.__overrides: dict[str, Any] = {}
        for each in reversed(arguments):
            self.__overrides.update(each.overrides(self.get_fully_qualified_name()))
        self.__overrides.update({p.name: p.value for p in parameter_overrides})
        self.__events = self.create_publisher(
            ParameterEvent, '/parameter_events', qos_profile_parameter_events
        )

    # --- declaring ------------------------------------------------------------------------------

    def declare_parameter(
        self,
        name: str,
        value: Any = None,
        descriptor: ParameterDescriptor | None = None,
        ignore_override: bool = False,
    ) -> Parameter:
        """Declare and initialize a parameter.

        Args:
            name: full name of the parameter.
            value: default value, or a Parameter.Type without one.
            descriptor: description, range, read_only, dynamic_typing.
            ignore_override: whether the command line is left out of account.

        Returns:
            the parameter with the value it got.

        Raises:
            ParameterAlreadyDeclaredException, InvalidParameterException,
            InvalidParameterTypeException, InvalidParameterValueException.

        """
        if not name:
            raise InvalidParameterException(name)
        if name in self.__parameters:
            raise ParameterAlreadyDeclaredException(name)
        descriptor = descriptor or ParameterDescriptor()
        descriptor.name = name
        if isinstance(value, Parameter.Type):
            type_, value = value, None
        else:
            type_ = Parameter.Type.from_parameter_value(value)
        if not descriptor.dynamic_typing:
            if type_ is Parameter.Type.NOT_SET:
                raise ValueError(
                    f'Cannot declare parameter {name} as statically typed of type '
                    'NOT_SET: give a value or a type'
                )
            descriptor.type = type_.value
        if not ignore_override:
            value = self.__overrides.get(name, value)
        parameter = Parameter(name, value=value)
        result = self.__check(parameter, descriptor)
        if not result.successful and result.reason.startswith('Wrong parameter type'):
            raise InvalidParameterTypeException(parameter, type_.name)
        if result.successful:
            result = self.__apply([parameter], {name: descriptor})
        if not result.successful:
            raise InvalidParameterValueException(name, value, result.reason)
        return parameter

    def undeclare_parameter(self, name: str) -> None:
        """Remove a declared parameter.

        Raises:
            ParameterNotDeclaredException, ParameterImmutableException.

        """
        if self.describe_parameter(name).read_only:
            raise ParameterImmutableException(name)
        del self.__parameters[name], self.__descriptors[name]

    # --- getting --------------------------------------------------------------------------------

    def has_parameter(self, name: str) -> bool:
        """Return True if parameter is declared; False otherwise."""
        return name in self.__parameters

    def get_parameter(self, name: str) -> Parameter:
        """Get a parameter by name.

        Raises:
            ParameterNotDeclaredException, ParameterUninitializedException.

        """
        descriptor = self.describe_parameter(name)
        parameter = self.__parameters[name]
        if parameter.type_ is Parameter.Type.NOT_SET and not descriptor.dynamic_typing:
            raise ParameterUninitializedException(name)
        return parameter

    def get_parameter_or(self, name: str, alternative_value: Parameter | None = None) -> Parameter:
        """Get a parameter or the alternative value."""
        parameter = self.__parameters.get(name)
        if parameter is None or parameter.type_ is Parameter.Type.NOT_SET:
            return alternative_value or Parameter(name, Parameter.Type.NOT_SET)
        return parameter

    def describe_parameter(self, name: str) -> ParameterDescriptor:
        """Get the descriptor of a parameter."""
        if name not in self.__descriptors:
            raise ParameterNotDeclaredException(name)
        return self.__descriptors[name]

    def list_parameters(self, prefixes: list[str], depth: int) -> ListParametersResult:
        """List names below any of the prefixes, `depth` levels deep (0: all)."""

        def wanted(name: str, prefix: str) -> bool:
            below = name.removeprefix(prefix and prefix + '.')
            return name == prefix or (
                (not prefix or below != name) and (depth == 0 or below.count('.') < depth)
            )

        names = [
            name
            for name in self.__parameters
            if any(wanted(name, prefix) for prefix in prefixes or [''])
        ]
        parents = dict.fromkeys(name.rpartition('.')[0] for name in names)
        return ListParametersResult(names=names, prefixes=[p for p in parents if p])

    # --- setting --------------------------------------------------------------------------------

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        """Set parameters one by one; return the result of each."""
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """Set all the parameters or none."""
        for parameter in parameter_list:
            descriptor = self.describe_parameter(parameter.name)
            if descriptor.read_only:
                return refused(f'Trying to set a read-only parameter: {parameter.name}.')
            result = self.__check(parameter, descriptor)
            if not result.successful:
                return result
        return self.__apply(parameter_list, {})

    def add_on_set_parameters_callback(self, callback: SetCallback) -> None:
        """Add a callback that may refuse values, in front of the others."""
        self.__callbacks.insert(0, callback)

    def __apply(
        self, parameters: list[Parameter], declared: dict[str, ParameterDescriptor]
    ) -> SetParametersResult:
        """Ask the callbacks, store and publish."""
        for callback in self.__callbacks:
            result = callback(parameters)
            if not result.successful:
                return result
        event = ParameterEvent(
            node=self.get_fully_qualified_name(), stamp=message_of(time.time_ns())
        )
        for parameter in parameters:
            message = parameter.to_parameter_msg()
            if parameter.type_ is Parameter.Type.NOT_SET and not declared:
                event.deleted_parameters.append(message)
                del self.__parameters[parameter.name], self.__descriptors[parameter.name]
                continue
            unset = self.get_parameter_or(parameter.name).type_ is Parameter.Type.NOT_SET
            (event.new_parameters if unset else event.changed_parameters).append(message)
            self.__parameters[parameter.name] = parameter
        self.__descriptors.update(declared)
        self.__events.publish(event)
        return SUCCESS

    def __check(
        self, parameter: Parameter, descriptor: ParameterDescriptor
    ) -> SetParametersResult:
        if descriptor.dynamic_typing:
            descriptor.type = parameter.type_.value
        elif parameter.type_ is Parameter.Type.NOT_SET:
            # Declared by its type alone: as yet without a value.
            return (
                refused('Static parameter cannot be undeclared')
                if self.has_parameter(parameter.name)
                else SUCCESS
            )
        elif parameter.type_.value != descriptor.type:
            return refused(
                f"Wrong parameter type, expected '{Parameter.Type(descriptor.type)}'"
                f" got '{parameter.type_}'"
            )
        if parameter.type_ is Parameter.Type.INTEGER and descriptor.integer_range:
            return _check_range(parameter, descriptor.integer_range[0], 0.0)
        if parameter.type_ is Parameter.Type.DOUBLE and descriptor.floating_point_range:
            return _check_range(parameter, descriptor.floating_point_range[0], RELATIVE_TOLERANCE)
        return SUCCESS


def _check_range(parameter: Parameter, limits: Any, tolerance: float) -> SetParametersResult:
    value = parameter.value
    low, high = sorted((limits.from_value, limits.to_value))
    if any(isclose(value, bound, rel_tol=tolerance) for bound in (low, high)):
        return SUCCESS
    if not low < value < high:
        return refused(
            f'Parameter {parameter.name} out of range. Min: {low}, Max: {high}, value: {value}'
        )
    if limits.step:
        steps = round((value - low) / limits.step)
        if not isclose(low + steps * limits.step, value, rel_tol=tolerance):
            return refused(
                f'The parameter value for {parameter.name} is not a valid step. '
                f'Min: {low}, max: {high}, value: {value}, step: {limits.step}'
            )
    return SUCCESS

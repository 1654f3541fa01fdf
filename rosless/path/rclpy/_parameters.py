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

from collections.abc import Callable
from collections.abc import Iterable
from math import isclose
from typing import Any

from rcl_interfaces.msg import ListParametersResult
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.msg import SetParametersResult

from rclpy.exceptions import InvalidParameterException
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.exceptions import InvalidParameterValueException
from rclpy.exceptions import ParameterAlreadyDeclaredException
from rclpy.exceptions import ParameterImmutableException
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.exceptions import ParameterUninitializedException
from rclpy.parameter import PARAMETER_SEPARATOR_STRING as SEPARATOR
from rclpy.parameter import Parameter
from rclpy.parameter import parameter_value_to_python

SetCallback = Callable[[list[Parameter]], SetParametersResult]
SUCCESS = SetParametersResult(successful=True)


def _refused(reason: str) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=reason)


class NodeParameters:
    """The parameters part of `Node`."""

    PARAM_REL_TOL = 1e-6
    _parameter_event_publisher: Any
    _clock: Any

    def _init_parameters(self, overrides: dict[str, Any], allow_undeclared: bool) -> None:
        self._parameters: dict[str, Parameter] = {}
        self._descriptors: dict[str, ParameterDescriptor] = {}
        self._on_set_parameters_callbacks: list[SetCallback] = []
        self._parameter_overrides = {name: Parameter(name, value=value)
                                     for name, value in overrides.items()}
        self._allow_undeclared_parameters = allow_undeclared

    def get_fully_qualified_name(self) -> str:
        raise NotImplementedError

    def declare_parameter(self, name: str, value: Any = None,
                          descriptor: ParameterDescriptor | None = None,
                          ignore_override: bool = False) -> Parameter:
        """
        Declare and initialize a parameter.

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
        return self.declare_parameters(
            '', [(name, value, descriptor or ParameterDescriptor())], ignore_override)[0]

    def declare_parameters(self, namespace: str, parameters: Iterable[tuple[Any, ...]],
                           ignore_override: bool = False) -> list[Parameter]:
        """Declare (name, value or type, descriptor) each; names are below `namespace.`."""
        declared: list[tuple[Parameter, ParameterDescriptor]] = []
        for index, entry in enumerate(parameters):
            if not 1 <= len(entry) <= 3:
                raise TypeError(f'Invalid parameter tuple length at index {index} in parameters '
                                f'list: {entry}; expecting length between 1 and 3')
            name = entry[0]
            if not isinstance(name, str):
                raise TypeError(f'First element {name} at index {index} in parameters list is '
                                'not a str.')
            name = f'{namespace}.{name}' if namespace else name
            if not name:
                raise InvalidParameterException(name)
            value = entry[1] if len(entry) > 1 else None
            descriptor = entry[2] if len(entry) > 2 else ParameterDescriptor()
            if not isinstance(descriptor, ParameterDescriptor):
                raise TypeError(f'Third element {descriptor} at index {index} in parameters list '
                                'is not a ParameterDescriptor.')
            value = self._typed(name, value, descriptor)
            if not ignore_override and name in self._parameter_overrides:
                value = self._parameter_overrides[name].value
            declared.append((Parameter(name, value=value), descriptor))
        again = [p.name for p, _ in declared if p.name in self._parameters]
        if again:
            raise ParameterAlreadyDeclaredException(again)
        for parameter, descriptor in declared:
            result = self._set([parameter], {parameter.name: descriptor})
            if result.successful:
                continue
            if result.reason.startswith('Wrong parameter type'):
                raise InvalidParameterTypeException(parameter,
                                                    Parameter.Type(descriptor.type).name)
            raise InvalidParameterValueException(parameter.name, parameter.value, result.reason)
        return [self._parameters[p.name] for p, _ in declared]

    @staticmethod
    def _typed(name: str, value: Any, descriptor: ParameterDescriptor) -> Any:
        """Set the descriptor's type from a value or a type; return the value, None for a type."""
        if isinstance(value, Parameter.Type):
            if value is Parameter.Type.NOT_SET:
                raise ValueError(
                    f'Cannot declare parameter {{{name}}} as statically typed of type NOT_SET')
            if descriptor.dynamic_typing:
                raise ValueError(f'When declaring parameter {{{name}}} passing a descriptor with '
                                 '`dynamic_typing=True` is not allowed when the parameter type '
                                 'is provided')
            descriptor.type = value.value
            return None
        if isinstance(value, ParameterValue):
            value = parameter_value_to_python(value)
        if not descriptor.dynamic_typing:
            descriptor.type = Parameter.Type.from_parameter_value(value).value
            if value is None:
                raise ValueError('Cannot declare a statically typed parameter with default value '
                                 'of type PARAMETER_NOT_SET')
        return value

    def undeclare_parameter(self, name: str) -> None:
        """Undeclare a previously declared parameter."""
        if not self.has_parameter(name):
            raise ParameterNotDeclaredException(name)
        if self._descriptors[name].read_only:
            raise ParameterImmutableException(name)
        del self._parameters[name], self._descriptors[name]

    def has_parameter(self, name: str) -> bool:
        """Return True if parameter is declared; False otherwise."""
        return name in self._parameters

    def get_parameter_types(self, names: list[str]) -> list[int]:
        """Get a list of parameter types."""
        return [self.get_parameter_type(name) for name in names]

    def get_parameter_type(self, name: str) -> int:
        """Get a parameter type (rcl_interfaces/msg/ParameterType) by name."""
        if self.has_parameter(name):
            return self._parameters[name].type_.value
        if self._allow_undeclared_parameters:
            return Parameter.Type.NOT_SET.value
        raise ParameterNotDeclaredException(name)

    def get_parameters(self, names: list[str]) -> list[Parameter]:
        """Get a list of parameters."""
        if not all(isinstance(name, str) for name in names):
            raise TypeError('All names must be instances of type str')
        return [self.get_parameter(name) for name in names]

    def get_parameter(self, name: str) -> Parameter:
        """
        Get a parameter by name.

        Raises:
            ParameterNotDeclaredException, ParameterUninitializedException.

        """
        if self.has_parameter(name):
            parameter = self._parameters[name]
            if (parameter.type_ is Parameter.Type.NOT_SET
                    and not self._descriptors[name].dynamic_typing):
                raise ParameterUninitializedException(name)
            return parameter
        if self._allow_undeclared_parameters:
            return Parameter(name, Parameter.Type.NOT_SET, None)
        raise ParameterNotDeclaredException(name)

    def get_parameter_or(self, name: str,
                         alternative_value: Parameter | None = None) -> Parameter:
        """Get a parameter or the alternative value."""
        parameter = self._parameters.get(name)
        if parameter is None or parameter.type_ is Parameter.Type.NOT_SET:
            return alternative_value or Parameter(name, Parameter.Type.NOT_SET)
        return parameter

    def get_parameters_by_prefix(self, prefix: str) -> dict[str, Parameter]:
        """Get parameters whose names start with `prefix.`, keyed by the rest of their names."""
        prefix = prefix + SEPARATOR if prefix else ''
        return {name[len(prefix):]: parameter for name, parameter in self._parameters.items()
                if name.startswith(prefix)}

    def list_parameters(self, prefixes: list[str], depth: int) -> ListParametersResult:
        """List names below any of the prefixes, `depth` levels deep (0: all)."""
        def below(name: str, levels: str) -> bool:
            return depth == 0 or levels.count(SEPARATOR) < depth

        result = ListParametersResult()
        for name in self._parameters:
            if prefixes:
                if not any(name == prefix or (name.startswith(prefix + SEPARATOR)
                                              and below(name, name[len(prefix) + 1:]))
                           for prefix in prefixes):
                    continue
            elif not below(name, name):
                continue
            result.names.append(name)
            prefix = name.rpartition(SEPARATOR)[0]
            if prefix and prefix not in result.prefixes:
                result.prefixes.append(prefix)
        return result

    def set_parameters(self, parameter_list: list[Parameter]) -> list[SetParametersResult]:
        """Set parameters one by one; return the result of each."""
        return [self.set_parameters_atomically([parameter]) for parameter in parameter_list]

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """Set all the parameters or none."""
        if not all(isinstance(parameter, Parameter) for parameter in parameter_list):
            raise TypeError(f"parameter must be instance of type '{Parameter!r}'")
        undeclared = [p.name for p in parameter_list if p.name not in self._parameters]
        if undeclared and not self._allow_undeclared_parameters:
            raise ParameterNotDeclaredException(undeclared)
        return self._set(parameter_list, None)

    def _set(self, parameters: list[Parameter],
             descriptors: dict[str, ParameterDescriptor] | None) -> SetParametersResult:
        """Check and store; with descriptors it is a declaration."""
        for parameter in parameters:
            known = (self._descriptors if descriptors is None else descriptors).get(parameter.name)
            if known is not None:
                known.name = parameter.name
                result = self._check_descriptor(parameter, known, descriptors is None)
                if not result.successful:
                    return result
        for callback in self._on_set_parameters_callbacks:
            result = callback(parameters)
            if not result.successful:
                return result
        event = ParameterEvent(node=self.get_fully_qualified_name())
        for parameter in parameters:
            message = parameter.to_parameter_msg()
            if descriptors is None and parameter.type_ is Parameter.Type.NOT_SET:
                event.deleted_parameters.append(message)
                self._parameters.pop(parameter.name, None)
                self._descriptors.pop(parameter.name, None)
                continue
            if descriptors is not None:
                self._descriptors[parameter.name] = descriptors[parameter.name]
            elif parameter.name not in self._descriptors:
                self._descriptors[parameter.name] = ParameterDescriptor(
                    name=parameter.name, dynamic_typing=True)
            new = self.get_parameter_or(parameter.name).type_ is Parameter.Type.NOT_SET
            (event.new_parameters if new else event.changed_parameters).append(message)
            self._parameters[parameter.name] = parameter
        event.stamp = self._clock.now().to_msg()
        self._parameter_event_publisher.publish(event)
        return SUCCESS

    def _check_descriptor(self, parameter: Parameter, descriptor: ParameterDescriptor,
                          check_read_only: bool) -> SetParametersResult:
        if check_read_only and descriptor.read_only:
            return _refused(f'Trying to set a read-only parameter: {parameter.name}.')
        not_set = parameter.type_ is Parameter.Type.NOT_SET
        if descriptor.dynamic_typing:
            descriptor.type = parameter.type_.value
        elif not_set and self.has_parameter(parameter.name):
            return _refused('Static parameter cannot be undeclared')
        elif not not_set and parameter.type_.value != descriptor.type:
            return _refused(f"Wrong parameter type, expected '{Parameter.Type(descriptor.type)}'"
                            f" got '{parameter.type_}'")
        if parameter.type_ is Parameter.Type.INTEGER and descriptor.integer_range:
            return self._check_range(parameter, descriptor.integer_range[0], 0.0)
        if parameter.type_ is Parameter.Type.DOUBLE and descriptor.floating_point_range:
            return self._check_range(parameter, descriptor.floating_point_range[0],
                                     self.PARAM_REL_TOL)
        return SUCCESS

    @staticmethod
    def _check_range(parameter: Parameter, limits: Any, tolerance: float) -> SetParametersResult:
        value = parameter.value
        low, high = sorted((limits.from_value, limits.to_value))
        if isclose(value, low, rel_tol=tolerance) or isclose(value, high, rel_tol=tolerance):
            return SUCCESS
        if not low < value < high:
            return _refused(f'Parameter {parameter.name} out of range. '
                            f'Min: {low}, Max: {high}, value: {value}')
        if limits.step:
            steps = round((value - low) / limits.step)
            if not isclose(low + steps * limits.step, value, rel_tol=tolerance):
                return _refused(f'The parameter value for {parameter.name} is not a valid step. '
                                f'Min: {low}, max: {high}, value: {value}, step: {limits.step}')
        return SUCCESS

    def add_on_set_parameters_callback(self, callback: SetCallback) -> None:
        """Add a callback that may refuse values, in front of the others."""
        self._on_set_parameters_callbacks.insert(0, callback)

    def remove_on_set_parameters_callback(self, callback: SetCallback) -> None:
        """Remove a callback, or raise ValueError."""
        self._on_set_parameters_callbacks.remove(callback)

    def describe_parameter(self, name: str) -> ParameterDescriptor:
        """Get the descriptor of a parameter."""
        if name in self._descriptors:
            return self._descriptors[name]
        if self._allow_undeclared_parameters:
            return ParameterDescriptor()
        raise ParameterNotDeclaredException(name)

    def describe_parameters(self, names: list[str]) -> list[ParameterDescriptor]:
        """Get the descriptors of parameters."""
        return [self.describe_parameter(name) for name in names]

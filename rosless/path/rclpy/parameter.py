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

"""Parameters of nodes."""

from __future__ import annotations

from array import array
from enum import Enum
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMsg
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.msg import ParameterValue

PARAMETER_SEPARATOR_STRING = '.'


class Parameter:
    """A name and a typed value."""

    class Type(Enum):
        """Types, as in rcl_interfaces/msg/ParameterType."""

        NOT_SET = ParameterType.PARAMETER_NOT_SET
        BOOL = ParameterType.PARAMETER_BOOL
        INTEGER = ParameterType.PARAMETER_INTEGER
        DOUBLE = ParameterType.PARAMETER_DOUBLE
        STRING = ParameterType.PARAMETER_STRING
        BYTE_ARRAY = ParameterType.PARAMETER_BYTE_ARRAY
        BOOL_ARRAY = ParameterType.PARAMETER_BOOL_ARRAY
        INTEGER_ARRAY = ParameterType.PARAMETER_INTEGER_ARRAY
        DOUBLE_ARRAY = ParameterType.PARAMETER_DOUBLE_ARRAY
        STRING_ARRAY = ParameterType.PARAMETER_STRING_ARRAY

        @classmethod
        def from_parameter_value(cls, parameter_value: Any) -> Parameter.Type:
            """Get the type of a value, or raise TypeError."""
            if parameter_value is None:
                return cls.NOT_SET
            # bool before int: a bool is an int.
            for kind, type_ in _SCALARS:
                if isinstance(parameter_value, kind):
                    return cls[type_]
            if isinstance(parameter_value, (list, tuple, array)):
                for kind, type_ in ((bytes, 'BYTE'), *_SCALARS):
                    if all(isinstance(item, kind) for item in parameter_value):
                        return cls[f'{type_}_ARRAY']
                raise TypeError('The given value is not a list of one of the allowed types '
                                f"'{parameter_value}'.")
            raise TypeError(
                f"The given value is not one of the allowed types '{parameter_value}'.")

        def check(self, parameter_value: Any) -> bool:
            """Return whether a value is of this type."""
            if self is Parameter.Type.NOT_SET:
                return parameter_value is None
            kinds = {'BYTE': bytes, **{type_: kind for kind, type_ in _SCALARS}}
            kind = kinds[self.name.removesuffix('_ARRAY')]
            if not self.name.endswith('_ARRAY'):
                return isinstance(parameter_value, kind)
            return (isinstance(parameter_value, (list, tuple, array))
                    and all(isinstance(item, kind) for item in parameter_value))

    @classmethod
    def from_parameter_msg(cls, param_msg: ParameterMsg) -> Parameter:
        """Create a parameter from its message."""
        type_ = Parameter.Type(param_msg.value.type)
        return cls(param_msg.name, type_, parameter_value_to_python(param_msg.value))

    def __init__(self, name: str, type_: Parameter.Type | None = None, value: Any = None) -> None:
        if type_ is None:
            type_ = Parameter.Type.from_parameter_value(value)
        if not isinstance(type_, Parameter.Type):
            raise TypeError(f"type must be an instance of '{Parameter.Type!r}'")
        if not type_.check(value):
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self._type_ = type_
        self._name = name
        self._value = value

    @property
    def name(self) -> str:
        """Return the name."""
        return self._name

    @property
    def type_(self) -> Parameter.Type:
        """Return the type."""
        return self._type_

    @property
    def value(self) -> Any:
        """Return the value."""
        return self._value

    def get_parameter_value(self) -> ParameterValue:
        """Return the value as a message."""
        message = ParameterValue(type=self.type_.value)
        if self.type_ is not Parameter.Type.NOT_SET:
            setattr(message, f'{self.type_.name.lower()}_value', self.value)
        return message

    def to_parameter_msg(self) -> ParameterMsg:
        """Return the parameter as a message."""
        return ParameterMsg(name=self.name, value=self.get_parameter_value())


_SCALARS = ((bool, 'BOOL'), (int, 'INTEGER'), (float, 'DOUBLE'), (str, 'STRING'))


def parameter_value_to_python(parameter_value: ParameterValue) -> Any:
    """Get the value for the Python builtin type from a ParameterValue message."""
    try:
        type_ = Parameter.Type(parameter_value.type)
    except ValueError:
        raise RuntimeError(f'unexpected parameter type {parameter_value.type}') from None
    if type_ is Parameter.Type.NOT_SET:
        return None
    value = getattr(parameter_value, f'{type_.name.lower()}_value')
    return list(value) if type_.name.endswith('_ARRAY') else value

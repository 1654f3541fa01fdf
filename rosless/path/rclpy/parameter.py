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
            for type_ in cls:
                if type_.check(parameter_value):
                    return type_
            raise TypeError(
                f'{parameter_value!r} is not of one of the types that a parameter can have'
            )

        def check(self, parameter_value: Any) -> bool:
            """Return whether a value is of this type."""
            kind = _KINDS[self.name.removesuffix('_ARRAY')]
            values = parameter_value if self.name.endswith('_ARRAY') else [parameter_value]
            # For isinstance a bool is an int; for parameters it is not.
            return isinstance(values, (list, tuple, array)) and all(
                isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
                for value in values
            )

    def __init__(self, name: str, type_: Parameter.Type | None = None, value: Any = None) -> None:
        if type_ is None:
            type_ = Parameter.Type.from_parameter_value(value)
        if not isinstance(type_, Parameter.Type):
            raise TypeError(f"type must be an instance of '{Parameter.Type!r}'")
        if not type_.check(value):
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self.name = name
        self.type_ = type_
        self.value = value

    @classmethod
    def from_parameter_msg(cls, param_msg: ParameterMsg) -> Parameter:
        """Create a parameter from its message, or raise ValueError for an unknown type."""
        type_ = Parameter.Type(param_msg.value.type)
        value = getattr(param_msg.value, _field(type_), None)
        return cls(param_msg.name, type_, list(value) if isinstance(value, array) else value)

    def get_parameter_value(self) -> ParameterValue:
        """Return the value as a message."""
        message = ParameterValue(type=self.type_.value)
        if self.type_ is not Parameter.Type.NOT_SET:
            setattr(message, _field(self.type_), self.value)
        return message

    def to_parameter_msg(self) -> ParameterMsg:
        """Return the parameter as a message."""
        return ParameterMsg(name=self.name, value=self.get_parameter_value())


_KINDS = {
    'NOT_SET': type(None),
    'BOOL': bool,
    'INTEGER': int,
    'DOUBLE': float,
    'STRING': str,
    'BYTE': bytes,
}


def _field(type_: Parameter.Type) -> str:
    """Return the name of the field of ParameterValue that holds a value of this type."""
    return f'{type_.name.lower()}_value'

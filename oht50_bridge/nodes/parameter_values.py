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
"""Values of the configuration as ROS parameters, and back."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.msg import ParameterValue

_SCALARS: dict[type, tuple[int, str]] = {
    bool: (ParameterType.PARAMETER_BOOL, 'bool_value'),
    int: (ParameterType.PARAMETER_INTEGER, 'integer_value'),
    float: (ParameterType.PARAMETER_DOUBLE, 'double_value'),
    str: (ParameterType.PARAMETER_STRING, 'string_value'),
}
_ARRAYS: dict[type, tuple[int, str]] = {
    bool: (ParameterType.PARAMETER_BOOL_ARRAY, 'bool_array_value'),
    int: (ParameterType.PARAMETER_INTEGER_ARRAY, 'integer_array_value'),
    float: (ParameterType.PARAMETER_DOUBLE_ARRAY, 'double_array_value'),
    str: (ParameterType.PARAMETER_STRING_ARRAY, 'string_array_value'),
}
_FIELDS = dict([*_SCALARS.values(), *_ARRAYS.values()])


def to_value(value: Any) -> ParameterValue:
    """Return a value as the value of a parameter.

    A value that a parameter cannot have, such as None, an object, a mixed array or an integer
    beyond 64 bits, becomes a value that is not set. An array of integers and other numbers becomes
    one of doubles, an empty array one of strings.
    """
    if isinstance(value, (list, tuple)):
        kinds = {type(element) for element in value} or {str}
        if not all(map(_fits, value)):
            return ParameterValue()
        if kinds == {int, float}:
            value, kinds = [float(element) for element in value], {float}
        found = _ARRAYS.get(kinds.pop()) if len(kinds) == 1 else None
    else:
        found = _SCALARS.get(type(value)) if _fits(value) else None
    if found is None:
        return ParameterValue()
    kind, field = found
    return ParameterValue(type=kind, **{field: value})


def _fits(value: Any) -> bool:
    """Return whether a value, if it is an integer, fits into 64 bits."""
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def from_value(message: ParameterValue) -> Any:
    """Return the value of a parameter, None when it is not set; arrays are lists."""
    field = _FIELDS.get(message.type)
    if field is None:
        return None
    value = getattr(message, field)
    return list(value) if field.endswith('array_value') else value


def to_parameters(values: Mapping[str, Any]) -> list[ParameterMessage]:
    """Return values by name as parameters."""
    return [ParameterMessage(name=name, value=to_value(value)) for name, value in values.items()]


def from_parameters(parameters: Iterable[ParameterMessage]) -> dict[str, Any]:
    """Return the values of parameters by name.

    Raises:
        ValueError: a name occurs twice.

    """
    values: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name in values:
            raise ValueError(f'{parameter.name}: occurs twice; give it once')
        values[parameter.name] = from_value(parameter.value)
    return values

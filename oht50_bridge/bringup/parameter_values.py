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
"""What a value in a parameter file is for a parameter of a certain type, or what to write instead.

The declaration knows the type, so a text without quotes that YAML takes for something else, such
as `parity: N`, is the text, and an integer is a double. Nothing else is converted.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

from oht50_bridge.bringup.parameter_reader import Scalar
from oht50_bridge.bringup.parameter_reader import Value
from oht50_bridge.bringup.parameter_reader import ValueList
from oht50_bridge.settings import Setting

MAXIMUM_TEXT = 1000  # characters of a text
MAXIMUM_LIST = 1000  # values of a list
_OCTAL = re.compile(r'[-+]?0[0-9]+')  # in C, and so in rcl; 010 is 8 there
_TOLERANCE = 1e-6  # of a bound, relative, as that of rclpy


class ValueFaultError(Exception):
    """A value is wrong; the message says what to write."""


def converted(value: Value, default: Any, setting: Setting) -> Any:
    """Return the value of a parameter.

    Args:
        value: what the file gives.
        default: that of the parameter, which has its type; a list has at least one element.
        setting: its range and unit.

    Raises:
        ValueFaultError: it is of another type or out of range.

    """
    if isinstance(default, list):
        if not isinstance(value, ValueList):
            raise ValueFaultError(f'a list, such as {_written(default)}')
        if not value.items:
            raise ValueFaultError(
                f'a list with a value, since an empty one has no type, such as '
                f'[{_written(_empty(default[0]))}]'
            )
        if len(value.items) > MAXIMUM_LIST:
            raise ValueFaultError(f'a list of at most {MAXIMUM_LIST} values')
        return [_scalar(item, default[0], setting, each=True) for item in value.items]
    if not isinstance(value, Scalar):
        raise ValueFaultError(f'{_wanted(default, setting)}, not a list')
    return _scalar(value, default, setting)


def _scalar(item: Scalar, default: Any, setting: Setting, *, each: bool = False) -> Any:
    wanted = _wanted(default, setting)
    if each:
        wanted = f'a list in which each value is {wanted}'
    if isinstance(default, str):
        return _text(item, wanted)
    found = item.value
    if isinstance(default, bool):
        if not isinstance(found, bool):
            raise ValueFaultError(wanted)
        return found
    if isinstance(replace(item, plain=True).value, (int, float)) and not item.plain:
        wanted += ', without quotes'
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise ValueFaultError(wanted)
    if _OCTAL.fullmatch(item.text):
        raise ValueFaultError(f'{wanted}, without a leading 0')
    if isinstance(default, int):
        if not isinstance(found, int):
            raise ValueFaultError(wanted)
        _check_range(found, setting, wanted, 0.0)
        return found
    try:
        number = float(found)
    except OverflowError:
        raise ValueFaultError(wanted) from None
    if math.isnan(number) or (math.isinf(number) and not math.isinf(default)):
        raise ValueFaultError(wanted)
    _check_range(number, setting, wanted, _TOLERANCE)
    return number


def _check_range(number: float, setting: Setting, wanted: str, tolerance: float) -> None:
    low, high = setting.minimum, setting.maximum
    if low is None or high is None:
        if isinstance(number, int) and not -(2**63) <= number < 2**63:
            raise ValueFaultError(f'{wanted} of at most 64 bits')
        return
    if low <= number <= high:
        return
    if not any(math.isclose(number, bound, rel_tol=tolerance) for bound in (low, high)):
        raise ValueFaultError(wanted)


def _text(item: Scalar, wanted: str) -> str:
    if item.value is None:
        raise ValueFaultError(f'{wanted}; "" for none')
    if len(item.text) > MAXIMUM_TEXT:
        raise ValueFaultError(f'{wanted} of at most {MAXIMUM_TEXT} characters')
    if any(each < ' ' or '\x7f' <= each <= '\x9f' or '\ud800' <= each <= '\udfff'
           for each in item.text):  # fmt: skip
        raise ValueFaultError(f'{wanted} in one line, without control characters')
    return item.text


def _wanted(default: Any, setting: Setting) -> str:
    """Return what is to be written, in words."""
    if isinstance(default, str):
        return 'a text in quotes'
    if isinstance(default, bool):
        return 'true or false'
    text = 'a whole number' if isinstance(default, int) else 'a number'
    if setting.minimum is not None and setting.maximum is not None:
        text += f' from {setting.minimum:g} to {setting.maximum:g}'
    if setting.unit:
        text += f' {setting.unit}'
    return text if math.isinf(default) else f'{text}, such as {_written(default)}'


def _empty(default: Any) -> Any:
    return '' if isinstance(default, str) else default


def _written(value: Any) -> str:
    """Return a value as it is written in a file."""
    if isinstance(value, list):
        return f'[{", ".join(_written(each) for each in value)}]'
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return f'"{value}"' if isinstance(value, str) else repr(value)

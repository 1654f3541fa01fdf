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

"""Base classes and field descriptors of the message modules that `rosless.idl` writes.

Only generated code imports this module. It is not importable where a real ROS 2 is sourced,
so that a message class of ours can never reach a real rclpy.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sized
from importlib import import_module
from math import isinf
from math import isnan
from operator import attrgetter
from typing import Any
from typing import ClassVar
from typing import Generic
from typing import TypeVar

from rosless.primitives import PRIMITIVES
from rosless.primitives import STRING
from rosless.primitives import Primitive

if sys.byteorder != 'little':
    raise ImportError(
        'rosless writes little-endian CDR by copying arrays; '
        'on a big-endian machine install ROS 2 instead'
    )

PAD = [b'\0' * n for n in range(8)]
FLOAT32_MAX = 3.402823466e38

Check = Callable[[Any], 'str | None']
"""Returns what a value must be, None where it is so already."""
MessageT = TypeVar('MessageT', bound='Message')
RequestT = TypeVar('RequestT', bound='Message')
ResponseT = TypeVar('ResponseT', bound='Message')


class Message:
    """A ROS message: keyword constructor, typed fields, comparison by value."""

    __slots__: tuple[str, ...] = ()
    _fields_and_field_types: ClassVar[dict[str, str]] = {}
    _type_name: ClassVar[str] = ''
    """Name on the wire, `pkg::msg::dds_::Name_`."""
    _type_hash: ClassVar[str] = ''
    """`RIHS01_` and 64 hexadecimal digits, as rosidl computes it (REP-2016)."""
    _xtypes: ClassVar[tuple[bytes, bytes]] = (b'', b'')
    """Serialised XTypes TypeInformation and TypeMapping, from which Cyclone checks samples."""

    @classmethod
    def get_fields_and_field_types(cls) -> dict[str, str]:
        """Return field names with their IDL types."""
        return dict(cls._fields_and_field_types)

    def _assign(self, values: dict[str, Any]) -> None:
        names = self._fields_and_field_types
        for name, value in values.items():
            if name not in names:
                raise AssertionError(
                    f'Invalid arguments passed to constructor of {type(self).__name__}: {name!r} '
                    f'(fields: {", ".join(names) or "none"})'
                )
            setattr(self, name, value)

    def _check(self) -> None:
        """Check every field again: lists can be changed without an assignment."""
        for name in self._fields_and_field_types:
            setattr(self, name, getattr(self, name))

    def _write(self, out: bytearray) -> None:
        raise NotImplementedError

    @classmethod
    def _read(cls: type[MessageT], data: bytes, offset: int = 4) -> MessageT:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return False
        return all(getattr(self, slot) == getattr(other, slot) for slot in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fields = ', '.join(
            f'{name}={list(v) if isinstance(v := getattr(self, name), array) else v!r}'
            for name in self._fields_and_field_types
        )
        package, kind = self.__class__.__module__.split('.')[-3:-1]
        return f'{package}.{kind}.{self.__class__.__name__}({fields})'


class Service(Generic[RequestT, ResponseT]):
    """A service: its subclasses have the classes `Request` and `Response`."""

    def __init__(self) -> None:
        raise NotImplementedError('Service classes can not be instantiated')


def lazy_modules(package: str, modules: dict[str, str]) -> Callable[[str], Any]:
    """Return a module `__getattr__` that imports an interface when it is first named.

    `modules` maps the names of classes to the modules of `package` that define them.
    """

    def __getattr__(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f'module {package!r} has no attribute {name!r}')
        value = getattr(import_module(f'{package}.{modules[name]}'), name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__


def _field(name: str, check: Check, convert: Callable[[Any], Any] | None = None) -> property:
    slot = '_' + name

    def fset(self: Message, value: Any) -> None:
        wrong = check(value)
        if wrong:
            raise AssertionError(f"The '{name}' field must be {wrong}; got {value!r}")
        setattr(self, slot, value if convert is None else convert(value))

    return property(attrgetter(slot), fset)


def _integer_check(primitive: Primitive) -> Check:
    low, high = primitive.range

    def check(value: Any) -> str | None:
        if not isinstance(value, int):
            return "of type 'int'"
        return None if low <= value <= high else f'an integer in [{low}, {high}]'

    return check


def _check_float64(value: Any) -> str | None:
    return None if isinstance(value, float) else "of type 'float'"


def _check_float32(value: Any) -> str | None:
    if not isinstance(value, float):
        return "of type 'float'"
    if -FLOAT32_MAX <= value <= FLOAT32_MAX or isinf(value) or isnan(value):
        return None
    return 'a float in [-3.402823466e+38, 3.402823466e+38]'


def _check_bool(value: Any) -> str | None:
    return None if isinstance(value, bool) else "of type 'bool'"


def _check_byte(value: Any) -> str | None:
    if isinstance(value, (bytes, bytearray)) and len(value) == 1:
        return None
    return "of type 'bytes' and of length 1"


def _string_check(bound: int) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            return "of type 'str'"
        return f'a string of at most {bound} characters' if bound and len(value) > bound else None

    return check


_CHECKS: dict[str, Check] = {
    'float64': _check_float64,
    'float32': _check_float32,
    'bool': _check_bool,
    'byte': _check_byte,
    **{name: _integer_check(each) for name, each in PRIMITIVES.items() if each.python is int},
}


def _element_check(kind: str | type[Message], bound: int) -> Check:
    if kind == STRING:
        return _string_check(bound)
    if isinstance(kind, str):
        return _CHECKS[kind]

    def check(value: Any) -> str | None:
        return None if isinstance(value, kind) else f"a sub message of type '{kind.__name__}'"

    return check


def scalar(name: str, kind: str | type[Message], bound: int = 0) -> property:
    """Return the property of a field; `kind` is a primitive's name or a message class."""
    return _field(name, _element_check(kind, bound))


def sequence(
    name: str, kind: str | type[Message], bound: int = 0, *, size: int = 0, limit: int = 0
) -> property:
    """Return the property of an array of `size`, or of a sequence of at most `limit` (0: any).

    Numbers are kept in an `array.array`, everything else in a list. (rclpy keeps fixed arrays of
    numbers in numpy arrays; indexing, len(), iteration and tolist() are the same.)
    """
    element = _element_check(kind, bound)
    primitive = PRIMITIVES.get(kind) if isinstance(kind, str) else None
    typecode = primitive.code if primitive and primitive.is_number else None

    def check(value: Any) -> str | None:
        if isinstance(value, (str, dict)) or not isinstance(value, Iterable):
            return 'a set or sequence'
        if not isinstance(value, Sized):
            return 'a set or sequence with a length'
        if size and len(value) != size:
            return f'a sequence of length {size}'
        if limit and len(value) > limit:
            return f'a sequence of at most {limit} elements'
        if isinstance(value, array) and value.typecode == typecode:
            return None
        for item in _items(value):
            wrong = element(item)
            if wrong:
                return f'a set or sequence and each value {wrong}'
        return None

    def convert(value: Any) -> Any:
        if typecode is None:
            return value if isinstance(value, list) else list(value)
        if isinstance(value, array) and value.typecode == typecode:
            return value
        return array(typecode, list(_items(value)))

    return _field(name, check, convert)


def _items(value: Any) -> Iterable[Any]:
    """Return the elements of a sequence; those of a numpy array as Python's own numbers."""
    items: Iterable[Any] = value.tolist() if hasattr(value, 'tolist') else value
    return items

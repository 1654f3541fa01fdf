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
"""The primitive types of ROS interfaces, for the generated modules and for their generator."""

from __future__ import annotations

from struct import calcsize
from typing import NamedTuple


class Primitive(NamedTuple):
    """A type of fields that is neither a string nor an interface."""

    name: str
    """Its name in `.msg` files."""
    code: str
    """Its code in `struct`; for numbers, that in `array` too."""
    python: type
    idl: str
    """Its name in IDL, which `get_fields_and_field_types` shows."""
    type_id: int
    """Its number in type_description_interfaces/msg/FieldType."""

    @property
    def size(self) -> int:
        """Return its size in CDR, in bytes, which is its alignment too."""
        return calcsize('<' + self.code)

    @property
    def is_number(self) -> bool:
        """Return whether arrays and sequences of it are `array.array` in Python."""
        return self.python in (int, float)

    @property
    def range(self) -> tuple[int, int]:
        """Return the least and the greatest value of an integer type."""
        bits = 8 * self.size
        if self.code.isupper():
            return 0, 2**bits - 1
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


PRIMITIVES = {
    primitive.name: primitive
    for primitive in (
        Primitive('bool', '?', bool, 'boolean', 15),
        Primitive('byte', 'c', bytes, 'octet', 16),
        Primitive('int8', 'b', int, 'int8', 2),
        Primitive('uint8', 'B', int, 'uint8', 3),
        Primitive('int16', 'h', int, 'int16', 4),
        Primitive('uint16', 'H', int, 'uint16', 5),
        Primitive('int32', 'i', int, 'int32', 6),
        Primitive('uint32', 'I', int, 'uint32', 7),
        Primitive('int64', 'q', int, 'int64', 8),
        Primitive('uint64', 'Q', int, 'uint64', 9),
        Primitive('float32', 'f', float, 'float', 10),
        Primitive('float64', 'd', float, 'double', 11),
    )
}
STRING = 'string'

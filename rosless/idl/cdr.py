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
"""Source text of functions that encode and decode CDR.

CDR aligns a primitive to its own size, counted from the end of the 4-byte encapsulation header.
Where the alignment is known when the code is written, a run of primitives with the padding between
them becomes one call of `struct`; elsewhere the code pads when it runs.
"""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from math import gcd
from struct import calcsize
from typing import NamedTuple

from rosless.idl.interface_library import Library
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import Interface
from rosless.primitives import PRIMITIVES
from rosless.primitives import STRING
from rosless.primitives import Primitive


class Alignment(NamedTuple):
    """What is known of the offset in the body: `offset % modulus == rest`."""

    modulus: int
    rest: int

    def padding(self, size: int) -> int | None:
        """Return the bytes up to a multiple of `size`, None where only the run time knows."""
        return -self.rest % size if self.modulus % size == 0 else None

    def plus(self, count: int) -> Alignment:
        """Return what is known `count` bytes further on."""
        return Alignment(self.modulus, (self.rest + count) % self.modulus)

    def common(self, other: Alignment) -> Alignment:
        """Return what is known where either of two is true."""
        modulus = gcd(self.modulus, other.modulus, self.rest - other.rest)
        return Alignment(modulus, self.rest % modulus)


BEGIN = Alignment(8, 0)
UNKNOWN = Alignment(1, 0)


class _Coder(ABC):
    """Writes the lines of one function.

    Args:
        library: where nested interfaces are looked up.
        classes: names in scope of the classes of interfaces.
        structs: names of `struct.Struct` objects by format; those that are needed are added.

    """

    def __init__(self, library: Library, classes: dict[str, str], structs: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._library = library
        self._classes = classes
        self._structs = structs
        self._indent = 2
        self._alignment = BEGIN
        self._format = ''
        self._items: list[str] = []
        """The run of primitives that is not written yet: its format and its variables."""
        self._variables = 0

    def _line(self, text: str) -> None:
        self.lines.append('    ' * self._indent + text)

    def _variable(self) -> str:
        self._variables += 1
        return f'v{self._variables}'

    @contextmanager
    def _block(self, text: str) -> Iterator[None]:
        self._line(text)
        self._indent += 1
        yield
        self._indent -= 1

    def _primitive(self, kind: str, item: str) -> None:
        primitive = PRIMITIVES[kind]
        padding = self._alignment.padding(primitive.size)
        if padding is None:
            self._flush()
            self._pad(primitive.size)
            self._alignment = Alignment(primitive.size, 0)
        elif padding:
            self._format += f'{padding}x'
            self._alignment = self._alignment.plus(padding)
        self._format += primitive.code
        self._items.append(item)
        self._alignment = self._alignment.plus(primitive.size)

    def _flush(self) -> None:
        """Write the run of primitives that has gathered."""
        if self._format:
            name = self._structs.setdefault(self._format, f'_S{len(self._structs)}')
            self._run(name, self._items, calcsize('<' + self._format))
        self._format, self._items = '', []

    def _loop(self, header: str, body: Callable[[], None]) -> None:
        """Write a loop.

        Its first round begins with what is known before the loop, each further one with what is
        known at the end of a round. So the body is written twice: at first as if nothing were
        known, which shows what is known at its end in any case, and then for what is common to
        this and to what is known before the loop.
        """
        self._flush()
        before, lines, structs = self._alignment, len(self.lines), len(self._structs)
        variables = self._variables

        def write(begin: Alignment) -> None:
            self._alignment = begin
            with self._block(header):
                body()
                self._flush()

        write(UNKNOWN)
        del self.lines[lines:]
        for format_ in list(self._structs)[structs:]:
            del self._structs[format_]
        self._variables = variables
        begin = before.common(self._alignment)
        write(begin)
        # Of a loop without a round no more is known.
        self._alignment = begin

    def _primitives(self, field: Field, value: str, count: str) -> None:
        """Write an array or sequence of primitives, which are copied as one."""
        self._flush()
        size = PRIMITIVES[field.kind].size
        self._copy(field, PRIMITIVES[field.kind], value, count)
        end = Alignment(size, 0)
        # There is no padding before an empty sequence.
        self._alignment = self._alignment.common(end) if field.array_size is None else end

    @abstractmethod
    def _pad(self, size: int) -> None:
        """Write code that pads to a multiple of `size`."""

    @abstractmethod
    def _run(self, name: str, items: list[str], size: int) -> None:
        """Write the call of the Struct `name`, which has `size` bytes."""

    @abstractmethod
    def _copy(self, field: Field, primitive: Primitive, value: str, count: str) -> None:
        """Write code that copies `count` primitives, padding before them."""


class Encoder(_Coder):
    """Code that appends to a bytearray `out`, which begins with the encapsulation header."""

    def function(self, interface: Interface, value: str) -> list[str]:
        """Return the lines that encode the variable `value`."""
        self._message(interface, value)
        self._flush()
        return self.lines

    def _pad(self, size: int) -> None:
        self._line(f'out += PAD[(4 - len(out)) & {size - 1}]')

    def _run(self, name: str, items: list[str], size: int) -> None:
        self._line(f'out += {name}.pack({", ".join(items)})')

    def _message(self, interface: Interface, value: str) -> None:
        if not interface.fields:
            self._primitive('uint8', '0')
        for field in interface.fields:
            self._field(field, f'{value}._{field.name}')

    def _field(self, field: Field, value: str) -> None:
        if not field.many:
            self._element(field, value)
            return
        items = self._variable()
        self._line(f'{items} = {value}')
        if field.sequence_limit is not None:
            self._primitive('uint32', f'len({items})')
        elif not field.nested:
            with self._block(f'if len({items}) != {field.array_size}:'):
                self._line(
                    f'raise ValueError("field {field.name!r} must have '
                    f'{field.array_size} elements")'
                )
        if field.kind in PRIMITIVES:
            self._primitives(field, items, f'len({items})')
            return
        item = self._variable()
        self._loop(f'for {item} in {items}:', lambda: self._element(field, item))

    def _copy(self, field: Field, primitive: Primitive, value: str, count: str) -> None:
        if primitive.size > 1:
            with self._block(f'if {value}:'):
                self._pad(primitive.size)
        if field.kind == 'byte':
            self._line(f"out += b''.join({value})")
        elif field.kind == 'bool':
            self._line(f'out += bytes({value})')
        else:
            self._line(f'out += {value}.tobytes()')

    def _element(self, field: Field, value: str) -> None:
        if field.nested:
            nested = self._variable()
            self._line(f'{nested} = {value}')
            self._message(self._library[field.kind], nested)
        elif field.kind == STRING:
            text = self._variable()
            self._line(f'{text} = {value}.encode()')
            self._primitive('uint32', f'len({text}) + 1')
            self._flush()
            self._line(f"out += {text} + b'\\0'")
            self._alignment = UNKNOWN
        else:
            self._primitive(field.kind, value)


class Decoder(_Coder):
    """Code that reads `data` from `offset`; both count the 4 bytes of the encapsulation header."""

    def function(self, interface: Interface, target: str) -> list[str]:
        """Return the lines that leave a new message in the variable `target`."""
        self._message(interface, target)
        self._flush()
        return self.lines

    def _pad(self, size: int) -> None:
        self._line(f'offset += (4 - offset) & {size - 1}')

    def _run(self, name: str, items: list[str], size: int) -> None:
        if items:
            targets = items[0] + ',' if len(items) == 1 else ', '.join(items)
            self._line(f'{targets} = {name}.unpack_from(data, offset)')
        self._line(f'offset += {size}')

    def _message(self, interface: Interface, target: str) -> None:
        cls = self._classes[interface.name]
        self._line(f'{target} = {cls}.__new__({cls})')
        if not interface.fields:
            self._primitive('uint8', '_')
        for field in interface.fields:
            self._field(field, f'{target}._{field.name}')

    def _field(self, field: Field, target: str) -> None:
        if not field.many:
            self._element(field, target)
            return
        count = str(field.array_size)
        if field.sequence_limit is not None:
            count = self._variable()
            self._primitive('uint32', count)
        if field.kind in PRIMITIVES:
            self._primitives(field, target, count)
            return
        self._flush()
        items, item = self._variable(), self._variable()
        self._line(f'{items} = {target} = []')

        def body() -> None:
            self._element(field, item)
            self._flush()
            self._line(f'{items}.append({item})')

        self._loop(f'for _ in range({count}):', body)

    def _copy(self, field: Field, primitive: Primitive, value: str, count: str) -> None:
        size = primitive.size
        if size > 1 and field.array_size is None:
            with self._block(f'if {count}:'):
                self._pad(size)
        elif size > 1:
            self._pad(size)
        end = self._variable()
        self._line(f'{end} = offset + {size} * {count}')
        with self._block(f'if {end} > len(data):'):
            self._line('raise ValueError("message is cut short")')
        if field.kind == 'byte':
            self._line(f'{value} = [data[i:i + 1] for i in range(offset, {end})]')
        elif field.kind == 'bool':
            self._line(f'{value} = [b != 0 for b in data[offset:{end}]]')
        else:
            self._line(f'{value} = array({primitive.code!r}, data[offset:{end}])')
        self._line(f'offset = {end}')

    def _element(self, field: Field, target: str) -> None:
        if field.nested:
            nested = self._variable()
            self._message(self._library[field.kind], nested)
            self._line(f'{target} = {nested}')
        elif field.kind == STRING:
            length = self._variable()
            self._primitive('uint32', length)
            self._flush()
            with self._block(f'if offset + {length} > len(data):'):
                self._line('raise ValueError("message is cut short")')
            # As in rclpy, text that is not UTF-8 never ends a subscriber.
            self._line(
                f"{target} = str(data[offset:offset + {length} - 1], 'utf-8', 'replace')"
                f" if {length} else ''"
            )
            self._line(f'offset += {length}')
            self._alignment = UNKNOWN
        else:
            self._primitive(field.kind, target)

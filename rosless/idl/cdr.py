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
"""Source text of encoders and decoders of CDR."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rosless.idl.interfaces import ARRAY_TYPECODES
from rosless.idl.interfaces import FORMATS
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import Interface
from rosless.idl.library import Library

Alignment = tuple[int, int]
"""What is known of the offset in the CDR body: offset % first == second."""


def _join(one: Alignment, two: Alignment) -> Alignment:
    for modulus in (8, 4, 2, 1):
        if (
            one[0] % modulus == 0
            and two[0] % modulus == 0
            and one[1] % modulus == two[1] % modulus
        ):
            return modulus, one[1] % modulus
    raise AssertionError('unreachable: everything is equal modulo 1')


class _Coder:
    """Source text of an encoder or decoder; runs of fixed layout become one struct call.

    CDR aligns a primitive to its own size, counted from the end of the 4-byte encapsulation
    header. Where the alignment is known when the code is written, padding is part of the run.
    """

    def __init__(self, library: Library, classes: dict[str, str]) -> None:
        self.definitions = library
        self.classes = classes
        self.lines: list[str] = []
        self.indent = 2
        self.alignment: Alignment = (8, 0)
        self.format = ''
        self.items: list[str] = []
        self.variables = 0
        self.structs: dict[str, str] = {}

    def line(self, text: str) -> None:
        self.lines.append('    ' * self.indent + text)

    def variable(self) -> str:
        self.variables += 1
        return f'v{self.variables}'

    @contextmanager
    def block(self, text: str) -> Iterator[None]:
        self.line(text)
        self.indent += 1
        yield
        self.indent -= 1

    def align(self, size: int) -> None:
        modulus, rest = self.alignment
        if modulus % size == 0:
            padding = -rest % size
            if padding:
                self.format += f'{padding}x'
                self.alignment = (modulus, (rest + padding) % modulus)
        else:
            self.flush()
            self.dynamic_padding(size)
            self.alignment = (size, 0)

    def advance(self, size: int) -> None:
        modulus, rest = self.alignment
        self.alignment = (modulus, (rest + size) % modulus)

    def primitive(self, kind: str, item: str) -> None:
        size = struct.calcsize(FORMATS[kind])
        self.align(size)
        self.format += FORMATS[kind]
        self.items.append(item)
        self.advance(size)

    def flush(self) -> None:
        if self.format:
            name = self.structs.setdefault(self.format, f'_S{len(self.structs)}')
            self.emit_run(name, self.items, struct.calcsize('<' + self.format))
        self.format, self.items = '', []

    def loop(self, header: str, body: Any) -> None:
        """Emit a loop whose body starts and ends with the same knowledge of the alignment."""
        self.flush()
        state = self.alignment
        saved = self.lines, self.variables
        while True:
            self.lines, self.variables = [], saved[1]
            self.alignment = state
            with self.block(header):
                body()
                self.flush()
            joined = _join(state, self.alignment)
            if joined == state:
                break
            state = joined
        self.lines = saved[0] + self.lines
        self.alignment = state

    def dynamic_padding(self, size: int) -> None:
        raise NotImplementedError

    def emit_run(self, name: str, items: list[str], size: int) -> None:
        raise NotImplementedError

    def primitive_block(self, field: Field, value: str, count: str) -> None:
        raise NotImplementedError


class Encoder(_Coder):
    """Appends to a bytearray `out`, which starts with the encapsulation header."""

    def dynamic_padding(self, size: int) -> None:
        self.line(f'out += PAD[(4 - len(out)) & {size - 1}]')

    def emit_run(self, name: str, items: list[str], size: int) -> None:
        self.line(f'out += {name}.pack({", ".join(items)})')

    def message(self, interface: Interface, value: str) -> None:
        if not interface.fields:
            self.primitive('uint8', '0')
        for field in interface.fields:
            self.field(field, f'{value}._{field.name}')

    def field(self, field: Field, value: str) -> None:
        if not field.many:
            self.element(field, value)
            return
        items = self.variable()
        self.line(f'{items} = {value}')
        if field.sequence_limit is not None:
            self.primitive('uint32', f'len({items})')
        elif not field.nested:
            with self.block(f'if len({items}) != {field.array_size}:'):
                self.line(
                    f'raise ValueError("field {field.name!r} must have '
                    f'{field.array_size} elements")'
                )
        if field.kind in FORMATS:
            self.flush()
            before = self.alignment
            self.primitive_block(field, items, '')
            if field.sequence_limit is not None:
                self.alignment = _join(before, (1, 0))
            return
        item = self.variable()
        self.loop(f'for {item} in {items}:', lambda: self.element(field, item))

    def primitive_block(self, field: Field, value: str, count: str) -> None:
        size = struct.calcsize(FORMATS[field.kind])
        if size > 1:
            with self.block(f'if {value}:'):
                self.dynamic_padding(size)
        if field.kind == 'byte':
            self.line(f"out += b''.join({value})")
        elif field.kind == 'bool':
            self.line(f'out += bytes({value})')
        else:
            self.line(f'out += {value}.tobytes()')
        if field.array_size is not None:
            self.alignment = (size, 0)

    def element(self, field: Field, value: str) -> None:
        if field.nested:
            nested = self.variable()
            self.line(f'{nested} = {value}')
            self.message(self.definitions[field.kind], nested)
        elif field.kind == 'string':
            text = self.variable()
            self.line(f'{text} = {value}.encode()')
            self.primitive('uint32', f'len({text}) + 1')
            self.flush()
            self.line(f"out += {text} + b'\\0'")
            self.alignment = (1, 0)
        else:
            self.primitive(field.kind, value)


class Decoder(_Coder):
    """Reads `data` from `offset`; both count the 4 bytes of the encapsulation header."""

    def dynamic_padding(self, size: int) -> None:
        self.line(f'offset += (4 - offset) & {size - 1}')

    def emit_run(self, name: str, items: list[str], size: int) -> None:
        if items:
            targets = items[0] + ',' if len(items) == 1 else ', '.join(items)
            self.line(f'{targets} = {name}.unpack_from(data, offset)')
        self.line(f'offset += {size}')

    def message(self, interface: Interface, target: str) -> str:
        """Emit code that leaves a new message in the variable `target`."""
        cls = self.classes[interface.name]
        self.line(f'{target} = {cls}.__new__({cls})')
        if not interface.fields:
            self.primitive('uint8', '_')
        for field in interface.fields:
            self.field(field, f'{target}._{field.name}')
        return target

    def field(self, field: Field, target: str) -> None:
        if not field.many:
            self.element(field, target)
            return
        count = str(field.array_size)
        if field.sequence_limit is not None:
            count = self.variable()
            self.primitive('uint32', count)
        if field.kind in FORMATS:
            self.flush()
            before = self.alignment
            self.primitive_block(field, target, count)
            if field.sequence_limit is not None:
                self.alignment = _join(before, (1, 0))
            return
        self.flush()
        items, item = self.variable(), self.variable()
        self.line(f'{items} = {target} = []')

        def body() -> None:
            self.element(field, item)
            self.flush()
            self.line(f'{items}.append({item})')

        self.loop(f'for _ in range({count}):', body)

    def primitive_block(self, field: Field, value: str, count: str) -> None:
        size = struct.calcsize(FORMATS[field.kind])
        if size > 1 and field.array_size is None:
            with self.block(f'if {count}:'):
                self.dynamic_padding(size)
        elif size > 1:
            self.dynamic_padding(size)
        end = self.variable()
        self.line(f'{end} = offset + {size} * {count}')
        with self.block(f'if {end} > len(data):'):
            self.line('raise ValueError("message is cut short")')
        if field.kind == 'byte':
            self.line(f'{value} = [data[i:i + 1] for i in range(offset, {end})]')
        elif field.kind == 'bool':
            self.line(f'{value} = [b != 0 for b in data[offset:{end}]]')
        else:
            self.line(f'{value} = array({ARRAY_TYPECODES[field.kind]!r}, data[offset:{end}])')
        self.line(f'offset = {end}')
        if field.array_size is not None:
            self.alignment = (size, 0)

    def element(self, field: Field, target: str) -> None:
        if field.nested:
            nested = self.variable()
            self.message(self.definitions[field.kind], nested)
            self.line(f'{target} = {nested}')
        elif field.kind == 'string':
            length = self.variable()
            self.primitive('uint32', length)
            self.flush()
            with self.block(f'if offset + {length} > len(data):'):
                self.line('raise ValueError("message is cut short")')
            # As rclpy does: text that is not UTF-8 never brings a subscriber down.
            self.line(
                f"{target} = str(data[offset:offset + {length} - 1], 'utf-8', 'replace')"
                f" if {length} else ''"
            )
            self.line(f'offset += {length}')
            self.alignment = (1, 0)
        else:
            self.primitive(field.kind, target)

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
"""Interface definitions: what a `.msg` or `.srv` file says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from rosbags.typesys.msg import MSGParser

FORMATS = {
    'bool': '?',
    'byte': 'c',
    'int8': 'b',
    'uint8': 'B',
    'int16': 'h',
    'uint16': 'H',
    'int32': 'i',
    'uint32': 'I',
    'int64': 'q',
    'uint64': 'Q',
    'float32': 'f',
    'float64': 'd',
}
ARRAY_TYPECODES = {kind: code for kind, code in FORMATS.items() if kind not in ('bool', 'byte')}
PYTHON_TYPES = {
    **dict.fromkeys(FORMATS, int),
    'bool': bool,
    'byte': bytes,
    'float32': float,
    'float64': float,
    'string': str,
}
IDL_NAMES = {'bool': 'boolean', 'byte': 'octet', 'float32': 'float', 'float64': 'double'}
# type_description_interfaces/msg/FieldType
TYPE_IDS = {
    'nested': 1,
    'int8': 2,
    'uint8': 3,
    'int16': 4,
    'uint16': 5,
    'int32': 6,
    'uint32': 7,
    'int64': 8,
    'uint64': 9,
    'float32': 10,
    'float64': 11,
    'bool': 15,
    'byte': 16,
    'string': 17,
    'bounded_string': 21,
}
ARRAY_ID, BOUNDED_SEQUENCE_ID, UNBOUNDED_SEQUENCE_ID = 48, 96, 144
EMPTY_MEMBER = 'structure_needs_at_least_one_member'


class GenerationError(Exception):
    """An interface definition that cannot be turned into Python."""


@dataclass
class Field:
    """One field: `kind` is a primitive, 'string' or a full interface name `pkg/msg/Name`."""

    name: str
    kind: str
    string_bound: int = 0
    array_size: int | None = None
    """Length of a fixed array, else None."""
    sequence_limit: int | None = None
    """Greatest length of a sequence, 0 for any, else None."""
    default: Any = None

    @property
    def nested(self) -> bool:
        """Return whether the type is an interface."""
        return '/' in self.kind

    @property
    def many(self) -> bool:
        """Return whether it is an array or a sequence."""
        return self.array_size is not None or self.sequence_limit is not None

    @property
    def idl_type(self) -> str:
        """Return what `get_fields_and_field_types` shows."""
        if self.nested:
            package, _, name = self.kind.split('/')
            text = f'{package}/{name}'
        elif self.string_bound:
            text = f'string<{self.string_bound}>'
        else:
            text = IDL_NAMES.get(self.kind, self.kind)
        if self.array_size is not None:
            return f'{text}[{self.array_size}]'
        if self.sequence_limit is not None:
            return (
                f'sequence<{text}, {self.sequence_limit}>'
                if self.sequence_limit
                else f'sequence<{text}>'
            )
        return text


@dataclass
class Interface:
    """A message, or one half of a service."""

    name: str
    """Full name: `pkg/msg/Name`, `pkg/srv/Name_Request`."""
    fields: list[Field] = dataclass_field(default_factory=list)
    constants: list[tuple[str, str, Any]] = dataclass_field(default_factory=list)
    """(type, name, value)"""

    @property
    def class_name(self) -> str:
        """Return the last part of the name."""
        return self.name.rsplit('/', 1)[1]

    @property
    def dds_name(self) -> str:
        """Return the name of the type on the wire."""
        package, kind, name = self.name.split('/')
        return f'{package}::{kind}::dds_::{name}_'

    @property
    def dds_fields(self) -> list[Field]:
        """Return the fields as they are encoded: an empty struct has one octet."""
        return self.fields or [Field(EMPTY_MEMBER, 'uint8')]

    @property
    def nested_names(self) -> list[str]:
        """Return the full names of the interfaces that fields have."""
        return sorted({f.kind for f in self.fields if f.nested})


def module_name(interface: str) -> str:
    """Return rosidl's module for a class: `SetBool_Request` is in `_set_bool`."""
    name = interface.rsplit('/', 1)[-1]
    name = re.sub(r'_(Request|Response)$', '', name)
    name = re.sub(r'(.)([A-Z][a-z]+)', r'\1_\2', name)
    return '_' + re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', name).lower()


def constant_value(kind: str, value: Any) -> Any:
    if kind == 'byte':
        return bytes([value % 256])
    if kind in ('float32', 'float64'):
        return float(value)
    if kind == 'bool':
        return bool(value)
    return str(value) if kind == 'string' else int(value)


def _default(owner: str, field: Field, value: Any) -> Any:
    if value is None:
        return None
    try:
        if field.many:
            return [constant_value(field.kind, item) for item in value]
        return constant_value(field.kind, value)
    except (TypeError, ValueError) as error:
        raise GenerationError(
            f'{owner}: default value {value!r} of field {field.name!r} does '
            f'not fit its type {field.idl_type}'
        ) from error


def parse_message(text: str, name: str) -> Interface:
    """Parse one message definition.

    Args:
        text: contents of a `.msg` file, or one half of a `.srv` file.
        name: full name; `pkg/srv/Name_Request` for a half of a service.

    Raises:
        GenerationError: the text is no valid definition, or uses wide strings.

    """
    if re.search(r'^\s*w(string|char)\b', text, re.MULTILINE):
        raise GenerationError(f'{name}: wstring and wchar are not supported; use string')
    package, _, short = name.split('/')
    try:
        # rosbags knows no srv namespace.
        (parsed,) = MSGParser(f'MSG: {package}/msg/{short}\n{text}\n').specification()
    except Exception as error:
        raise GenerationError(f'{name}: {error}') from error
    interface = Interface(name)
    for constant in parsed.constants:
        kind, value = primitive(constant.typ.value), constant.value
        if kind == 'string':
            # As in ROS 1, rosbags takes a comment for a part of the text; ROS 2 does not.
            value = value.partition('#')[0].rstrip()
        interface.constants.append((kind, constant.name, constant_value(kind, value)))
    for item in parsed.fields:
        typ = item.typ
        kind = typ.ref.name if isinstance(typ.ref.name, str) else primitive(typ.ref.name.value)
        field = Field(item.name, kind, string_bound=typ.str_size)
        if typ.cardinality.value == 'array':
            field.array_size = typ.size
        elif typ.cardinality.value == 'sequence':
            field.sequence_limit = typ.size
        field.default = _default(name, field, item.value)
        interface.fields.append(field)
    return interface


def parse_service(text: str, name: str) -> tuple[Interface, Interface]:
    """Parse a `.srv` definition into its request and response."""
    halves = re.split(r'^---[ \t]*$', text, flags=re.MULTILINE)
    if len(halves) != 2:
        raise GenerationError(f'{name}: a service definition has exactly one line "---"')
    return (
        parse_message(halves[0], f'{name}_Request'),
        parse_message(halves[1], f'{name}_Response'),
    )


def primitive(kind: str) -> str:
    """Map `.msg` names to the primitives used here: in ROS 2 a char is an uint8."""
    return 'uint8' if kind == 'char' else kind

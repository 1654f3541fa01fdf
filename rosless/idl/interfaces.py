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
from typing import NamedTuple

from rosbags.typesys.msg import MSGParser

from rosless.primitives import PRIMITIVES
from rosless.primitives import STRING

EMPTY_MEMBER = 'structure_needs_at_least_one_member'
"""What rosidl puts into a struct without fields, which IDL does not know."""


class GenerationError(Exception):
    """An interface definition that cannot be turned into Python."""


@dataclass
class Field:
    """One field: `kind` is a primitive, 'string' or a full interface name `pkg/msg/Name`."""

    name: str
    kind: str
    string_bound: int = 0
    """Greatest length of a string, in characters; 0 for any."""
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
        elif self.kind == STRING:
            text = f'string<{self.string_bound}>' if self.string_bound else STRING
        else:
            text = PRIMITIVES[self.kind].idl
        if self.array_size is not None:
            return f'{text}[{self.array_size}]'
        if self.sequence_limit is not None:
            limit = f', {self.sequence_limit}' if self.sequence_limit else ''
            return f'sequence<{text}{limit}>'
        return text


class Constant(NamedTuple):
    """A constant that an interface defines."""

    name: str
    value: Any


@dataclass
class Interface:
    """A message, or one half of a service."""

    name: str
    """Full name: `pkg/msg/Name`, `pkg/srv/Name_Request`."""
    fields: list[Field] = dataclass_field(default_factory=list)
    constants: list[Constant] = dataclass_field(default_factory=list)

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
    def nested_names(self) -> set[str]:
        """Return the full names of the interfaces that fields have."""
        return {field.kind for field in self.fields if field.nested}


@dataclass(frozen=True)
class Definition:
    """One `.msg` or `.srv` file: a message, or the request and response of a service."""

    name: str
    """Full name: `pkg/msg/Name`, `pkg/srv/Name`."""
    interfaces: tuple[Interface, ...]

    @property
    def class_name(self) -> str:
        """Return the last part of the name."""
        return self.name.rsplit('/', 1)[1]

    @property
    def is_service(self) -> bool:
        """Return whether it is a service."""
        return '/srv/' in self.name

    @property
    def exports(self) -> list[str]:
        """Return the classes that its module has for users."""
        return list(dict.fromkeys([self.class_name, *(i.class_name for i in self.interfaces)]))


def module_name(class_name: str) -> str:
    """Return rosidl's module for a class: `SetBool_Request` is in `_set_bool`."""
    name = re.sub(r'_(Request|Response)$', '', class_name)
    name = re.sub(r'(.)([A-Z][a-z]+)', r'\1_\2', name)
    return '_' + re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', name).lower()


def primitive_name(name: str) -> str:
    """Return the primitive for a name in a `.msg` file: in ROS 2 a char is an uint8."""
    return 'uint8' if name == 'char' else name


def typed_value(kind: str, value: Any) -> Any:
    """Return the value of a constant or default in the Python type of its kind.

    Raises:
        TypeError, ValueError: the value does not fit.

    """
    if kind == 'byte':
        return bytes([value % 256])
    return str(value) if kind == STRING else PRIMITIVES[kind].python(value)


def _default(owner: str, field: Field, value: Any) -> Any:
    if value is None:
        return None
    try:
        if field.many:
            return [typed_value(field.kind, item) for item in value]
        return typed_value(field.kind, value)
    except (KeyError, TypeError, ValueError) as error:
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
        kind, value = primitive_name(constant.typ.value), constant.value
        if kind == STRING:
            # rosbags keeps a comment as part of the text, as in ROS 1; ROS 2 does not.
            value = str(value).partition('#')[0].rstrip()
        interface.constants.append(Constant(constant.name, typed_value(kind, value)))
    for item in parsed.fields:
        reference = item.typ.ref.name
        kind = reference if isinstance(reference, str) else primitive_name(reference.value)
        field = Field(item.name, kind, string_bound=item.typ.str_size)
        if item.typ.cardinality.value == 'array':
            field.array_size = item.typ.size
        elif item.typ.cardinality.value == 'sequence':
            field.sequence_limit = item.typ.size
        field.default = _default(name, field, item.value)
        interface.fields.append(field)
    return interface


def parse_service(text: str, name: str) -> Definition:
    """Parse a `.srv` definition.

    Raises:
        GenerationError: the text is no valid definition, or uses wide strings.

    """
    halves = re.split(r'^---[ \t]*$', text, flags=re.MULTILINE)
    if len(halves) != 2:
        raise GenerationError(f'{name}: a service definition has exactly one line "---"')
    request, response = halves
    return Definition(
        name,
        (parse_message(request, f'{name}_Request'), parse_message(response, f'{name}_Response')),
    )

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
"""Source text of the type stubs beside the modules, for type checkers and editors."""

from __future__ import annotations

from rosless.idl.interfaces import Definition
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import Interface
from rosless.idl.modules import header
from rosless.idl.modules import scope
from rosless.primitives import PRIMITIVES

# The names of fields share a class body with the types, hence the underscores.
IMPORTS = """\
import builtins as _builtins
from array import array as _array
from collections.abc import Collection as _Collection
from typing import Final as _Final
from typing import TypeAlias as _TypeAlias

from rosidl_rosless import Message
from rosidl_rosless import Service
"""


def stub_source(definition: Definition) -> str:
    """Return the stub of the module of a message or service."""
    nested = {name for interface in definition.interfaces for name in interface.nested_names}
    classes, imports = scope(definition, nested)
    lines = [*imports, '']
    for interface in definition.interfaces:
        lines += _class(interface, classes)
    if definition.is_service:
        short = definition.class_name
        lines += [
            f'class {short}(Service[{short}_Request, {short}_Response]):',
            f'    Request: _TypeAlias = {short}_Request',
            f'    Response: _TypeAlias = {short}_Response',
        ]
    head = header(definition.name, f'{definition.name}.') + IMPORTS
    return head + '\n'.join(lines).rstrip() + '\n'


def package_stub(package: str, modules: dict[str, str]) -> str:
    """Return the stub of `pkg/msg/__init__.py`; see `modules.package_source`."""
    lines = [
        f'from {package}.{module} import {name} as {name}' for name, module in modules.items()
    ]
    return header(package, f'Interfaces of {package}.') + '\n'.join([*sorted(lines), ''])


def _class(interface: Interface, classes: dict[str, str]) -> list[str]:
    lines = [f'class {interface.class_name}(Message):']
    lines += [f'    {name}: _Final = {value!r}' for name, value in interface.constants]
    parameters = ['self', '*'] if interface.fields else ['self']
    attributes = []
    for field in interface.fields:
        readable, settable = _hints(field, classes)
        parameters.append(f'{field.name}: {settable} = ...')
        if readable == settable:
            attributes.append(f'    {field.name}: {readable}')
            continue
        attributes += [
            '    @_builtins.property',
            f'    def {field.name}(self) -> {readable}: ...',
            f'    @{field.name}.setter',
            f'    def {field.name}(self, value: {settable}) -> None: ...',
        ]
    return [*lines, f'    def __init__({", ".join(parameters)}) -> None: ...', *attributes, '']


def _hints(field: Field, classes: dict[str, str]) -> tuple[str, str]:
    """Return the types of a field: as it is read, and as it can be set."""
    primitive = PRIMITIVES.get(field.kind)
    if field.nested:
        element = classes[field.kind]
    else:
        element = f'_builtins.{primitive.python.__name__ if primitive else "str"}'
    if not field.many:
        return element, element
    container = '_array' if primitive and primitive.is_number else '_builtins.list'
    return f'{container}[{element}]', f'_Collection[{element}]'

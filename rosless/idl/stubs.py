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
"""Source text of the type stubs beside the modules."""

from __future__ import annotations

from rosless.idl.interfaces import ARRAY_TYPECODES
from rosless.idl.interfaces import PYTHON_TYPES
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import Interface
from rosless.idl.interfaces import module_name
from rosless.idl.library import Library
from rosless.idl.modules import FILE_HEADER

STUB_IMPORTS = """\
import builtins as _builtins
from array import array as _array
from collections.abc import Collection as _Collection
from typing import Final as _Final
from typing import TypeAlias as _TypeAlias

from rosidl_rosless import Message
"""


def _type_hint(field: Field, classes: dict[str, str]) -> tuple[str, str]:
    """Return the types of a field: as it is read, and as it can be set."""
    element = (
        classes[field.kind] if field.nested else f'_builtins.{PYTHON_TYPES[field.kind].__name__}'
    )
    if not field.many:
        return element, element
    container = '_array' if field.kind in ARRAY_TYPECODES else '_builtins.list'
    return f'{container}[{element}]', f'_Collection[{element}]'


def _class_stub(interface: Interface, classes: dict[str, str]) -> list[str]:
    out = [f'class {interface.class_name}(Message):']
    out += [f'    {name}: _Final = {value!r}' for _, name, value in interface.constants]
    hints = [(f.name, *_type_hint(f, classes)) for f in interface.fields]
    parameters = ''.join(f', {name}: {settable} = ...' for name, _, settable in hints)
    out.append(f'    def __init__(self{parameters and ", *" + parameters}) -> None: ...')
    for name, readable, settable in hints:
        if readable == settable:
            out.append(f'    {name}: {readable}')
            continue
        out.append('    @_builtins.property')
        out.append(f'    def {name}(self) -> {readable}: ...')
        out.append(f'    @{name}.setter')
        out.append(f'    def {name}(self, value: {settable}) -> None: ...')
    return [*out, '']


def stub_source(library: Library, interfaces: list[Interface], service: str = '') -> str:
    """Return the type stub of a module, for type checkers and editors.

    The names of fields share a class body with the types, hence the underscores.
    """
    own = {interface.name for interface in interfaces}
    classes = {name: name.rsplit('/', 1)[1] for name in own}
    imports = []
    for name in sorted({n for i in interfaces for n in i.nested_names} - own):
        package, kind, short = name.split('/')
        classes[name] = f'{package}__{short}'
        imports.append(
            f'from {package}.{kind}.{module_name(short)} import {short} as {classes[name]}'
        )
    body = [line for interface in interfaces for line in _class_stub(interface, classes)]
    if service:
        short = service.rsplit('/', 1)[1]
        body += [
            f'class {short}:',
            f'    Request: _TypeAlias = {short}_Request',
            f'    Response: _TypeAlias = {short}_Response',
        ]
    source = service or interfaces[0].name
    head = FILE_HEADER.format(source=source, summary=f'{source}.') + STUB_IMPORTS
    return '\n'.join([head, *imports, '', *body]).rstrip() + '\n'

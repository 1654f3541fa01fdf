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
"""The XTypes descriptors of types, from which Cyclone DDS checks samples."""

from __future__ import annotations

from typing import Any

from cyclonedds.idl import make_idl_struct
from cyclonedds.idl import types

from rosless.idl.interface_library import Library
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import GenerationError
from rosless.primitives import PRIMITIVES
from rosless.primitives import STRING

# The wheel's annotations do not know that these classes can be indexed.
_idl: Any = types
_ELEMENTS: dict[str, Any] = {
    STRING: str,
    'bool': bool,
    **{name: getattr(types, name) for name in PRIMITIVES if name != 'bool'},
}
_FINAL_WITHOUT_KEYS = 0, 5
"""The properties of a type and the supported versions, as the wheel states them."""


def xtypes(library: Library, name: str) -> tuple[bytes, bytes]:
    """Return the serialised XTypes TypeInformation and TypeMapping of an interface.

    Halves of services carry the header that rmw_cyclonedds puts before them: the handle of
    the client's writer and the sequence number.

    Raises:
        GenerationError: the wheel describes the type in a way that the run time does not expect.

    """
    idl = _struct(library, name).__idl__
    idl.populate()
    idl.fill_type_data()
    if (idl.data_type_props, idl.supported_versions) != _FINAL_WITHOUT_KEYS:
        raise GenerationError(
            f'{name}: the cyclonedds wheel describes it in an unknown way: '
            f'{idl.data_type_props:#x}, {idl.supported_versions:#x}'
        )
    information, mapping = idl._xt_bytedata
    return bytes(information), bytes(mapping)


def _struct(library: Library, name: str) -> Any:
    """Return the wheel's class for an interface."""
    if name not in library.descriptors:
        interface = library[name]
        members: dict[str, Any] = {}
        if '/srv/' in name:
            members = {'rosless_writer': _idl.uint64, 'rosless_sequence': _idl.int64}
        members.update({field.name: _member(library, field) for field in interface.dds_fields})
        library.descriptors[name] = make_idl_struct(
            interface.class_name, interface.dds_name.replace('::', '.'), members
        )
    return library.descriptors[name]


def _member(library: Library, field: Field) -> Any:
    if field.nested:
        element = _struct(library, field.kind)
    elif field.string_bound:
        element = _idl.bounded_str[field.string_bound]
    else:
        element = _ELEMENTS[field.kind]
    if field.array_size is not None:
        return _idl.array[element, field.array_size]
    if field.sequence_limit:
        return _idl.sequence[element, field.sequence_limit]
    return _idl.sequence[element] if field.many else element

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

from rosless.idl.interfaces import FORMATS
from rosless.idl.interfaces import GenerationError
from rosless.idl.library import Library


def xtypes(library: Library, name: str) -> tuple[bytes, bytes]:
    """Return the serialised XTypes TypeInformation and TypeMapping of an interface.

    Halves of services carry the header that rmw_cyclonedds puts before them: the handle of
    the client's writer and the sequence number.
    """
    idl = _idl_struct(library, name).__idl__
    idl.populate()
    idl.fill_type_data()
    # Every type here is a final struct without keys; the run time relies on it.
    if (idl.data_type_props, idl.supported_versions) != (0, 5):
        raise GenerationError(
            f'{name}: the cyclonedds wheel describes it in an unknown way: '
            f'{idl.data_type_props:#x}, {idl.supported_versions:#x}'
        )
    return tuple(bytes(part) for part in idl._xt_bytedata)


def _idl_struct(library: Library, name: str) -> Any:
    from cyclonedds.idl import make_idl_struct
    from cyclonedds.idl import types as idl

    if name in library.descriptors:
        return library.descriptors[name]
    primitives = {
        'bool': bool,
        'byte': idl.byte,
        'string': str,
        **{k: getattr(idl, k) for k in FORMATS if k not in ('bool', 'byte')},
    }
    interface = library[name]
    members: dict[str, Any] = {}
    if '/srv/' in name:
        members = {'rosless_writer': idl.uint64, 'rosless_sequence': idl.int64}
    for field in interface.dds_fields:
        if field.nested:
            kind = _idl_struct(library, field.kind)
        elif field.string_bound:
            kind = idl.bounded_str[field.string_bound]
        else:
            kind = primitives[field.kind]
        if field.array_size is not None:
            kind = idl.array[kind, field.array_size]
        elif field.sequence_limit:
            kind = idl.sequence[kind, field.sequence_limit]
        elif field.sequence_limit is not None:
            kind = idl.sequence[kind]
        members[field.name] = kind
    library.descriptors[name] = make_idl_struct(
        interface.class_name, interface.dds_name.replace('::', '.'), members
    )
    return library.descriptors[name]

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
"""The RIHS01 hash of a type, as rosidl computes it (REP-2016)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from rosless.idl.interface_library import Library
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import Interface
from rosless.primitives import PRIMITIVES

# type_description_interfaces/msg/FieldType; an array or sequence adds to the type of its elements.
NESTED, STRING, BOUNDED_STRING = 1, 17, 21
ARRAY, BOUNDED_SEQUENCE, UNBOUNDED_SEQUENCE = 48, 96, 144


def type_hash(library: Library, name: str) -> str:
    """Return the hash of the interface with this full name: `RIHS01_` and 64 digits."""
    description = {
        'type_description': _type(library[name]),
        'referenced_type_descriptions': [
            _type(library[nested]) for nested in sorted(library.nested([name]))
        ],
    }
    return 'RIHS01_' + hashlib.sha256(json.dumps(description).encode()).hexdigest()


def _type(interface: Interface) -> dict[str, Any]:
    return {
        'type_name': interface.name,
        'fields': [
            {'name': field.name, 'type': _field_type(field)} for field in interface.dds_fields
        ],
    }


def _field_type(field: Field) -> dict[str, Any]:
    if field.nested:
        type_id = NESTED
    elif field.kind in PRIMITIVES:
        type_id = PRIMITIVES[field.kind].type_id
    else:
        type_id = BOUNDED_STRING if field.string_bound else STRING
    capacity = 0
    if field.array_size is not None:
        type_id, capacity = type_id + ARRAY, field.array_size
    elif field.sequence_limit:
        type_id, capacity = type_id + BOUNDED_SEQUENCE, field.sequence_limit
    elif field.sequence_limit is not None:
        type_id += UNBOUNDED_SEQUENCE
    return {
        'type_id': type_id,
        'capacity': capacity,
        'string_capacity': field.string_bound,
        'nested_type_name': field.kind if field.nested else '',
    }

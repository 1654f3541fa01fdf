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

from rosless.idl.interfaces import ARRAY_ID
from rosless.idl.interfaces import BOUNDED_SEQUENCE_ID
from rosless.idl.interfaces import TYPE_IDS
from rosless.idl.interfaces import UNBOUNDED_SEQUENCE_ID
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import Interface
from rosless.idl.library import Library


def type_hash(library: Library, name: str) -> str:
    """Return the RIHS01 hash of an interface, as rosidl computes it (REP-2016)."""

    def describe(interface: Interface) -> dict[str, Any]:
        return {
            'type_name': interface.name,
            'fields': [{'name': f.name, 'type': _field_type(f)} for f in interface.dds_fields],
        }

    nested: set[str] = set()
    todo = [name]
    while todo:
        for used in library[todo.pop()].nested_names:
            if used not in nested:
                nested.add(used)
                todo.append(used)
    description = {
        'type_description': describe(library[name]),
        'referenced_type_descriptions': [describe(library[n]) for n in sorted(nested)],
    }
    return 'RIHS01_' + hashlib.sha256(json.dumps(description).encode()).hexdigest()


@staticmethod
def _field_type(field: Field) -> dict[str, Any]:
    kind = 'nested' if field.nested else 'bounded_string' if field.string_bound else field.kind
    type_id, capacity = TYPE_IDS[kind], 0
    if field.array_size is not None:
        type_id, capacity = type_id + ARRAY_ID, field.array_size
    elif field.sequence_limit:
        type_id, capacity = type_id + BOUNDED_SEQUENCE_ID, field.sequence_limit
    elif field.sequence_limit is not None:
        type_id += UNBOUNDED_SEQUENCE_ID
    return {
        'type_id': type_id,
        'capacity': capacity,
        'string_capacity': field.string_bound,
        'nested_type_name': field.kind if field.nested else '',
    }

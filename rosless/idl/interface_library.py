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
"""All known interfaces: the standard ones, and those of the package that is generated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores
from rosbags.typesys import get_typestore

from rosless.idl.interfaces import EMPTY_MEMBER
from rosless.idl.interfaces import Constant
from rosless.idl.interfaces import Definition
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import GenerationError
from rosless.idl.interfaces import Interface
from rosless.idl.interfaces import parse_service
from rosless.idl.interfaces import primitive_name
from rosless.idl.interfaces import typed_value

STANDARD_PACKAGES = (
    'builtin_interfaces',
    'diagnostic_msgs',
    'geometry_msgs',
    'nav_msgs',
    'rcl_interfaces',
    'rmw_dds_common',
    'rosgraph_msgs',
    'sensor_msgs',
    'std_msgs',
    'std_srvs',
    'tf2_msgs',
    'visualization_msgs',
)

# rosbags carries no services.
STANDARD_SERVICES = {
    'std_srvs/srv/Empty': '---',
    'std_srvs/srv/SetBool': """
        bool data
        ---
        bool success
        string message""",
    'std_srvs/srv/Trigger': """
        ---
        bool success
        string message""",
    'rcl_interfaces/srv/DescribeParameters': """
        string[] names
        ---
        rcl_interfaces/ParameterDescriptor[] descriptors""",
    'rcl_interfaces/srv/GetParameterTypes': """
        string[] names
        ---
        uint8[] types""",
    'rcl_interfaces/srv/GetParameters': """
        string[] names
        ---
        rcl_interfaces/ParameterValue[] values""",
    'rcl_interfaces/srv/ListParameters': """
        uint64 DEPTH_RECURSIVE=0
        string[] prefixes
        uint64 depth
        ---
        rcl_interfaces/ListParametersResult result""",
    'rcl_interfaces/srv/SetParameters': """
        rcl_interfaces/Parameter[] parameters
        ---
        rcl_interfaces/SetParametersResult[] results""",
    'rcl_interfaces/srv/SetParametersAtomically': """
        rcl_interfaces/Parameter[] parameters
        ---
        rcl_interfaces/SetParametersResult result""",
}
# rosbags drops the default values of the definitions it carries.
STANDARD_DEFAULTS: dict[str, dict[str, Any]] = {'geometry_msgs/msg/Quaternion': {'w': 1.0}}


class Library:
    """Every known interface by full name; the standard ones come from rosbags."""

    def __init__(self) -> None:
        self.descriptors: dict[str, Any] = {}
        """What `xtypes` made of interfaces; nested ones are needed again and again."""
        self._interfaces: dict[str, Interface] = {}
        self._store = get_typestore(Stores.ROS2_JAZZY)

    def __getitem__(self, name: str) -> Interface:
        if name not in self._interfaces:
            if name not in self._store.fielddefs:
                raise GenerationError(
                    f'unknown interface {name}: neither in the package nor standard'
                )
            self._interfaces[name] = self._standard(name)
        return self._interfaces[name]

    def add(self, definition: Definition) -> None:
        """Make the interfaces of a definition known."""
        for interface in definition.interfaces:
            self._interfaces[interface.name] = interface

    def nested(self, names: Iterable[str]) -> set[str]:
        """Return the full names of all interfaces that are nested, at any depth, in these."""
        found: set[str] = set()
        todo = list(names)
        while todo:
            new = self[todo.pop()].nested_names - found
            found |= new
            todo += new
        return found

    def standard(self, package: str) -> list[Definition]:
        """Return the messages and services of a standard package."""
        messages = sorted(n for n in self._store.fielddefs if n.startswith(f'{package}/msg/'))
        services = [
            parse_service(text.replace(' ' * 8, ''), name)
            for name, text in STANDARD_SERVICES.items()
            if name.startswith(f'{package}/')
        ]
        return [*(Definition(name, (self[name],)) for name in messages), *services]

    def _standard(self, name: str) -> Interface:
        constants, fields = self._store.fielddefs[name][:2]
        interface = Interface(name)
        for constant, kind, value in constants:
            interface.constants.append(
                Constant(constant, typed_value(primitive_name(kind), value))
            )
        description: Any
        for field_name, description in fields:
            if field_name == EMPTY_MEMBER:
                continue
            field = Field(field_name, '')
            node, rest = description
            if node == Nodetype.ARRAY:
                (node, rest), field.array_size = rest
            elif node == Nodetype.SEQUENCE:
                (node, rest), field.sequence_limit = rest
            if node == Nodetype.NAME:
                field.kind = rest
            else:
                field.kind, field.string_bound = primitive_name(rest[0]), rest[1]
            field.default = STANDARD_DEFAULTS.get(name, {}).get(field_name)
            interface.fields.append(field)
        return interface

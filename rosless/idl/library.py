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

from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores
from rosbags.typesys import get_typestore

from rosless.idl.interfaces import EMPTY_MEMBER
from rosless.idl.interfaces import Field
from rosless.idl.interfaces import GenerationError
from rosless.idl.interfaces import Interface
from rosless.idl.interfaces import constant_value
from rosless.idl.interfaces import primitive

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

# rosbags carries no services. Request fields, then response fields.
STANDARD_SERVICES = {
    'std_srvs/srv/Empty': '---',
    'std_srvs/srv/SetBool': 'bool data\n---\nbool success\nstring message',
    'std_srvs/srv/Trigger': '---\nbool success\nstring message',
    'rcl_interfaces/srv/DescribeParameters': 'string[] names\n---\nrcl_interfaces/ParameterDescriptor[] descriptors',
    'rcl_interfaces/srv/GetParameterTypes': 'string[] names\n---\nuint8[] types',
    'rcl_interfaces/srv/GetParameters': 'string[] names\n---\nrcl_interfaces/ParameterValue[] values',
    'rcl_interfaces/srv/ListParameters': 'uint64 DEPTH_RECURSIVE=0\nstring[] prefixes\nuint64 depth\n---\n'
    'rcl_interfaces/ListParametersResult result',
    'rcl_interfaces/srv/SetParameters': 'rcl_interfaces/Parameter[] parameters\n---\n'
    'rcl_interfaces/SetParametersResult[] results',
    'rcl_interfaces/srv/SetParametersAtomically': 'rcl_interfaces/Parameter[] parameters\n---\nrcl_interfaces/SetParametersResult result',
}
# rosbags drops the default values of the definitions it carries.
STANDARD_DEFAULTS: dict[str, dict[str, Any]] = {'geometry_msgs/msg/Quaternion': {'w': 1.0}}


class Library:
    """Every known interface by full name; the standard ones come from rosbags."""

    def __init__(self) -> None:
        self.interfaces: dict[str, Interface] = {}
        self.descriptors: dict[str, Any] = {}
        self._store = get_typestore(Stores.ROS2_JAZZY)

    def __getitem__(self, name: str) -> Interface:
        if name not in self.interfaces:
            if name not in self._store.fielddefs:
                raise GenerationError(
                    f'unknown interface {name}: neither in the package nor standard'
                )
            self.interfaces[name] = self._standard(name)
        return self.interfaces[name]

    def standard_messages(self, package: str) -> list[str]:
        """Return the full names of the messages of a standard package."""
        return sorted(n for n in self._store.fielddefs if n.startswith(f'{package}/msg/'))

    def _standard(self, name: str) -> Interface:
        constants, fields = self._store.fielddefs[name][:2]
        interface = Interface(name)
        for constant, kind, value in constants:
            kind = primitive(kind)
            interface.constants.append((kind, constant, constant_value(kind, value)))
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
                field.kind, field.string_bound = primitive(rest[0]), rest[1]
            field.default = STANDARD_DEFAULTS.get(name, {}).get(field_name)
            interface.fields.append(field)
        return interface

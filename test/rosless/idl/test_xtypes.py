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
"""The descriptors that Cyclone DDS checks samples with."""

from __future__ import annotations

import pytest

pytest.importorskip('rosbags', reason='modules are generated with rosbags')
pytest.importorskip('cyclonedds.idl', reason='descriptors are made with the cyclonedds wheel')
from rosless.idl.interface_library import Library
from rosless.idl.interfaces import Definition
from rosless.idl.interfaces import parse_message
from rosless.idl.xtypes import xtypes


def described(name):
    library = Library()
    library.add(Definition(name, (parse_message('uint8 a', name),)))
    return xtypes(library, name)


def test_information_and_mapping_are_made():
    information, mapping = described('pkg/msg/A')
    assert information and mapping
    assert described('pkg/msg/A') == (information, mapping)


def test_a_half_of_a_service_has_a_header():
    message, request = described('pkg/msg/A_Request'), described('pkg/srv/A_Request')
    assert len(request[1]) > len(message[1])

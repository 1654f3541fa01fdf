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
"""The library knows the standard interfaces and those that are added."""

from __future__ import annotations

import pytest

pytest.importorskip('rosbags', reason='modules are generated with rosbags')
from rosless.idl.interface_library import Library
from rosless.idl.interfaces import Definition
from rosless.idl.interfaces import GenerationError
from rosless.idl.interfaces import parse_message


def test_an_unknown_interface_is_named():
    with pytest.raises(GenerationError, match='pkg/msg/NoSuchType'):
        Library()['pkg/msg/NoSuchType']


def test_nested_interfaces_are_found_at_any_depth():
    library = Library()
    library.add(Definition('pkg/msg/A', (parse_message('B[] b', 'pkg/msg/A'),)))
    library.add(Definition('pkg/msg/B', (parse_message('std_msgs/Header h', 'pkg/msg/B'),)))
    assert library.nested(['pkg/msg/A']) == {
        'pkg/msg/B',
        'std_msgs/msg/Header',
        'builtin_interfaces/msg/Time',
    }


def test_standard_services_are_there_too():
    names = [definition.name for definition in Library().standard('std_srvs')]
    assert names == ['std_srvs/srv/Empty', 'std_srvs/srv/SetBool', 'std_srvs/srv/Trigger']

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
"""Type hashes are those of rosidl."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

pytest.importorskip('rosbags', reason='modules are generated with rosbags')
from rosless.idl.interface_library import STANDARD_PACKAGES
from rosless.idl.interface_library import Library
from rosless.idl.interfaces import GenerationError
from rosless.idl.type_hash import type_hash


@pytest.mark.parametrize(
    ('name', 'expected'),
    [
        (
            'std_msgs/msg/String',
            'RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18',
        ),
        (
            'builtin_interfaces/msg/Time',
            'RIHS01_b106235e25a4c5ed35098aa0a61a3ee9c9b18d197f398b0e4206cea9acf9c197',
        ),
        (
            'std_msgs/msg/Char',
            'RIHS01_3ad2d04dd29ba19d04b16659afa3ccaedd691914b02a64e82e252f2fa6a586a9',
        ),
    ],
)
def test_type_hashes_are_those_of_ros(name, expected):
    assert type_hash(Library(), name) == expected


def test_type_hashes_of_a_ros_installation():
    """Compare with what rosidl wrote, where AMENT_PREFIX_PATH or ROSLESS_ROS_PREFIX shows it."""
    prefix = os.environ.get('ROSLESS_ROS_PREFIX') or os.environ.get('AMENT_PREFIX_PATH', '')
    files = [
        p
        for each in prefix.split(':')
        if each
        for package in STANDARD_PACKAGES
        for kind in ('msg', 'srv')
        for p in (Path(each) / 'share' / package / kind).glob('*.json')
    ]
    if not files:
        pytest.skip('no ROS 2 installation in AMENT_PREFIX_PATH or ROSLESS_ROS_PREFIX')
    known = Library()
    for package in STANDARD_PACKAGES:
        for definition in known.standard(package):
            known.add(definition)
    compared = 0
    for path in files:
        for entry in json.loads(path.read_text())['type_hashes']:
            try:
                computed = type_hash(known, entry['type_name'])
            except GenerationError:
                continue
            assert computed == entry['hash_string'], entry['type_name']
            compared += 1
    assert compared > 100

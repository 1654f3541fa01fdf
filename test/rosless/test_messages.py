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

"""Messages: constructors, defaults, constants, checks, comparison, encoding."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest
from builtin_interfaces.msg import Time
from contract import IS_ROSLESS
from contract import ROOT
from contract import rosless_only
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from geometry_msgs.msg import Point
from geometry_msgs.msg import PoseWithCovariance
from geometry_msgs.msg import Quaternion
from nav_msgs.msg import Odometry
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import ListParameters
from sensor_msgs.msg import BatteryState
from sensor_msgs.msg import LaserScan
from std_msgs.msg import Header
from std_msgs.msg import String
from std_msgs.msg import UInt8
from std_srvs.srv import SetBool


def test_defaults_are_those_of_the_definition():
    assert Quaternion().w == 1.0
    assert Quaternion().x == 0.0
    assert Header().frame_id == ''
    assert Header().stamp == Time()
    assert DiagnosticStatus().level == b'\0'
    assert len(PoseWithCovariance().covariance) == 36
    assert list(LaserScan().ranges) == []


def test_keyword_constructor_and_its_refusal():
    header = Header(frame_id='map', stamp=Time(sec=3))
    assert (header.frame_id, header.stamp.sec) == ('map', 3)
    with pytest.raises(AssertionError, match='nonsense'):
        Header(nonsense=1)


def test_constants():
    assert DiagnosticStatus.ERROR == b'\2'
    assert ParameterType.PARAMETER_STRING_ARRAY == 9
    assert BatteryState.POWER_SUPPLY_STATUS_FULL == 4
    assert ListParameters.Request.DEPTH_RECURSIVE == 0


def test_fields_and_field_types():
    assert Header.get_fields_and_field_types() == {
        'stamp': 'builtin_interfaces/Time',
        'frame_id': 'string',
    }
    types = Odometry.get_fields_and_field_types()
    assert types['pose'] == 'geometry_msgs/PoseWithCovariance'
    assert PoseWithCovariance.get_fields_and_field_types()['covariance'] == 'double[36]'
    assert LaserScan.get_fields_and_field_types()['ranges'] == 'sequence<float>'
    assert Header.__slots__[0] == '_stamp' or not IS_ROSLESS


@pytest.mark.parametrize(
    ('message', 'field', 'value'),
    [
        (String, 'data', 1),
        (Point, 'x', 1),
        (Point, 'x', 'text'),
        (UInt8, 'data', 256),
        (UInt8, 'data', -1),
        (UInt8, 'data', 1.0),
        (Header, 'stamp', 5),
        (Time, 'sec', 2**31),
        (DiagnosticStatus, 'level', 1),
        (DiagnosticStatus, 'values', [1]),
        (DiagnosticStatus, 'values', 'text'),
        (PoseWithCovariance, 'covariance', [1.0]),
        (LaserScan, 'ranges', ['a']),
    ],
)
def test_a_wrong_value_is_refused_and_the_field_is_named(message, field, value):
    instance = message()
    before = copy.deepcopy(instance)
    with pytest.raises(AssertionError, match=f"'{field}'"):
        setattr(instance, field, value)
    assert instance == before


def test_equality_and_repr():
    assert Point(x=1.0) == Point(x=1.0)
    assert Point(x=1.0) != Point(x=2.0)
    assert Point() != Quaternion()
    assert repr(Point(x=1.5)) == 'geometry_msgs.msg.Point(x=1.5, y=0.0, z=0.0)'
    assert 'ranges=[1.0, 2.0]' in repr(LaserScan(ranges=[1.0, 2.0]))


def test_sequences_keep_numbers_and_lists():
    scan = LaserScan(ranges=[1.0, 2.0])
    assert scan.ranges.typecode == 'f'
    scan.ranges.append(3.0)
    assert scan.ranges.tolist() == [1.0, 2.0, 3.0]
    array = DiagnosticArray(status=[DiagnosticStatus(name='a')])
    array.status.append(DiagnosticStatus(name='b'))
    assert [s.name for s in array.status] == ['a', 'b']


def test_copies_are_deep_and_messages_pickle():
    message = DiagnosticStatus(name='n', values=[KeyValue(key='k', value='v')])
    twin = copy.deepcopy(message)
    assert twin == message
    twin.values[0].key = 'other'
    assert message.values[0].key == 'k'
    assert pickle.loads(pickle.dumps(message)) == message
    assert pickle.loads(pickle.dumps(SetBool)) is SetBool


def test_services_have_requests_and_responses():
    assert SetBool.Request(data=True).data is True
    assert SetBool.Response().message == ''
    with pytest.raises(NotImplementedError):
        SetBool()


def samples():
    """Messages of every shape that CDR pads differently."""
    odometry = Odometry(header=Header(frame_id='odom', stamp=Time(sec=-5, nanosec=999)))
    odometry.pose.pose.position.x = 1.25
    odometry.pose.covariance[35] = 7.5
    value = ParameterValue(
        type=4,
        string_value='ä€😀',
        byte_array_value=[b'\1', b'\xff'],
        bool_array_value=[True, False, True],
        integer_array_value=[-(2**63), 2**63 - 1],
        double_array_value=[0.1, float('inf')],
        string_array_value=['', 'ab', 'abc'],
    )
    diagnostics = DiagnosticArray(
        status=[
            DiagnosticStatus(
                level=b'\2',
                name='n' * size,
                message='m',
                values=[KeyValue(key='k' * n, value='v') for n in range(size)],
            )
            for size in range(6)
        ]
    )
    battery = BatteryState(cell_voltage=[3.5, 3.25], location='x', serial_number='yz')
    return [
        String(data='hello'),
        Header(),
        odometry,
        value,
        ParameterValue(),
        diagnostics,
        battery,
        LaserScan(ranges=[1.0, 2.0, 3.0], intensities=[4.0]),
    ]


@pytest.mark.parametrize('message', samples(), ids=lambda m: type(m).__name__)
def test_messages_arrive_as_they_were_sent(spinner, message):
    node = spinner.node()
    received = []
    node.create_subscription(type(message), 'topic', received.append, 10)
    node.create_publisher(type(message), 'topic', 10).publish(message)
    spinner.until(lambda: received)
    assert received == [message]


@rosless_only
def test_messages_need_neither_numpy_nor_rosbags():
    code = (
        'import rosless, sys; rosless.install(); import rclpy; from rclpy.node import Node; '
        'from std_msgs.msg import String; import sensor_msgs.msg; '
        'sensor_msgs.msg.BatteryState(); '
        'print([m for m in ("numpy", "rosbags", "yaml", "asyncio", "cyclonedds.idl") '
        'if m in sys.modules])'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == '[]', done.stderr

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
"""Reports of the boards: what the rules of the vehicle make of them."""

import math
import time

import pytest

from oht50_bridge.hardware.drivers.dock import DockSample
from oht50_bridge.hardware.drivers.hoist import HoistSample
from oht50_bridge.hardware.drivers.motor_registers import MotorSample
from oht50_bridge.hardware.drivers.safety import SafetySample
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.nodes.from_hardware import board_report
from oht50_bridge.nodes.from_hardware import drive_state
from oht50_bridge.nodes.from_hardware import hoist_state
from oht50_bridge.nodes.from_hardware import location
from oht50_bridge.nodes.from_hardware import safety_inputs
from oht50_bridge.nodes.from_hardware import withhold_errors
from oht50_bridge.stop_reason import StopReason
from oht50_bridge.vehicle.board_starts import BoardStarts


def state(status='offline', code='MOD-001', name='safety'):
    return ModuleState(
        module_id=name,
        kind='safety',
        status=status,
        error_code=code,
        error_description=code and 'no reply',
        boot_time=10.3,
    )


@pytest.mark.parametrize('status', ['online', 'offline', 'error'])
def test_a_board_is_online_when_it_says_so(status):
    report = board_report(state(status))
    assert (report.module_id, report.kind, report.status) == ('safety', 'safety', status)
    assert report.online is (status == 'online')
    assert report.boot_time == 10.3


def test_the_error_of_a_board_is_its_description_or_else_its_code():
    assert board_report(state()).error == 'no reply'
    assert board_report(ModuleState(error_code='MOD-001')).error == 'MOD-001'
    assert board_report(state(code='')).error == ''


@pytest.mark.parametrize(
    ('status', 'code', 'starting'),
    [
        ('offline', 'MOD-001', True),
        ('offline', '', True),  # not asked yet
        ('offline', 'MOD-005', False),  # its port is gone
        ('error', 'MOD-004', False),
        ('online', '', False),
    ],
)
def test_the_error_of_a_board_that_may_be_starting_is_withheld(status, code, starting):
    states = ModuleStates(modules=[state('online', '', 'power'), state(status, code)])
    assert withhold_errors(states, BoardStarts(), 0.0) is starting
    assert states.modules[1].error_code == ('' if starting else code)


def test_the_error_is_reported_when_the_time_of_the_board_is_over():
    starts = BoardStarts()
    assert withhold_errors(ModuleStates(modules=[state()]), starts, 0.0)
    states = ModuleStates(modules=[state()])
    assert not withhold_errors(states, starts, 20.0)
    assert states.modules[0].error_code == 'MOD-001'


def test_the_rope_is_referenced_unless_something_is_unknown():
    message = hoist_state(HoistSample(1_500_000_000, 2.0, True, 0.25, ''), 'map')
    assert (message.referenced, message.at_reference, message.rope_length) == (True, True, 0.25)
    assert (message.header.stamp.sec, message.header.frame_id, message.reason) == (1, 'map', '')
    message = hoist_state(HoistSample(1, 2.0, False, math.nan, 'it went back'), 'map')
    assert (message.referenced, message.reason) == (False, 'it went back')
    assert math.isnan(message.rope_length)


@pytest.mark.parametrize(('late', 'age'), [(0.0, 0.0), (9.0, 9.0), (math.inf, math.inf)])
def test_a_report_tells_how_long_it_waited_since_the_reading(late, age):
    read_at = time.monotonic() - late
    drive = MotorSample(
        1, read_at, 0.0, 0.0, False, 'idle', 0, StopReason.NONE, stop_verified=True, standing=True
    )
    inputs = SafetySample(1, read_at, True, 'ok', False, False, False, (), (), 0)
    rope = HoistSample(1, read_at, True, 0.25, '')
    messages = (
        drive_state(drive, 'map'),
        safety_inputs(inputs, 2, 'map'),
        hoist_state(rope, 'map'),
    )
    assert messages[1].dangers_received == 2
    for message in messages:
        assert message.age == pytest.approx(age, abs=0.5)


@pytest.mark.parametrize(('reach', 'referenced'), [(65.535, True), (3.2, True), (math.nan, False)])
def test_a_board_that_has_a_register_of_position_is_referenced(reach, referenced):
    still = (0.0, 0.0, 0.0)
    sample = DockSample(
        stamp=1,
        read_at=time.monotonic(),
        position=(5.0, math.nan, math.nan),
        position_resolution=0.001,
        position_reach=reach,
        velocity=still,
        acceleration=still,
        angular_velocity=still,
        angular_acceleration=0.0,
        roll=0.0,
        pitch=0.0,
        yaw=0.0,
        docking_status='idle',
        dock_distance=math.nan,
        aligned=False,
    )
    message = location(sample, 'map')
    assert message.position_referenced is referenced
    assert math.isnan(reach) or message.position_reach == reach

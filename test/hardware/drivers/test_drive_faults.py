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
"""A board that is no longer what the driver made of it is noticed, once."""

import pytest

from oht50_bridge.hardware.drivers.drive_faults import DriveFaults
from oht50_bridge.hardware.profile_reader import load

WELL = {'min_speed': 0.01, 'enable': True, 'error_code': 0}
POWER_UP = {'min_speed': 0.0, 'enable': False, 'error_code': 0}


@pytest.fixture
def faults():
    faults = DriveFaults(load('driver_2_motor'), 0.0)
    assert faults.look(POWER_UP, 0.0) == ''  # not set up yet
    assert faults.look(WELL, 0.1) == ''
    return faults


def test_power_up_values_are_a_restart(faults):
    assert 'has restarted' in faults.look(POWER_UP, 0.2)
    faults.forget()
    assert faults.look(POWER_UP, 0.3) == ''


def test_a_restart_at_rest_is_noticed_too(faults):
    faults.stopped()
    assert faults.look(WELL | {'enable': False}, 0.2) == ''
    assert 'has restarted' in faults.look(POWER_UP, 0.3)


@pytest.mark.parametrize('enable', [False, 2])
def test_an_output_that_changes_by_itself_is_a_fault(faults, enable):
    assert f'enable is {enable}' in faults.look(WELL | {'enable': enable}, 0.2)
    assert faults.look(WELL | {'enable': enable}, 0.3) == ''


def test_after_a_stop_it_may_be_off(faults):
    faults.stopped()
    assert faults.look(WELL | {'enable': False}, 0.2) == ''


def test_a_write_that_the_board_took_back_is_none():
    faults = DriveFaults(load('driver_2_motor'), 0.045)
    faults.look(WELL, 0.0)
    assert faults.look(WELL | {'enable': False}, 0.03) == ''
    faults.look(WELL, 0.06)
    assert faults.look(WELL | {'enable': False}, 0.12)


def test_a_reported_fault_is_reported_once_and_persists(faults):
    assert 'error code 7' in faults.look(WELL | {'error_code': 7}, 0.2)
    assert faults.look(WELL | {'error_code': 7}, 0.3) == ''
    assert faults.persists
    assert 'error code 8' in faults.look(WELL | {'error_code': 8}, 0.4)
    assert faults.look(WELL, 0.5) == ''
    assert not faults.persists


HANDLER = {'enable': True, 'error_code': 0, 'fault': False, 'emergency_stopped': False}


@pytest.mark.parametrize(
    ('reported', 'fault'),
    [
        ({'error_code': 1}, 'error code 1'),
        ({'error_code': 3, 'fault': True}, 'error code 3'),
        ({'fault': True}, 'reports a fault'),
        ({'emergency_stopped': True}, 'an emergency stop by itself'),
    ],
)
def test_whatever_flag_of_a_fault_a_layout_has_is_looked_at(reported, fault):
    faults = DriveFaults(load('oht_v2_handler_motor'), 0.0)
    assert faults.look(HANDLER, 0.1) == ''
    assert fault in faults.look(HANDLER | reported, 0.2)
    faults.stopped()
    assert faults.look(HANDLER | reported | {'enable': False}, 0.3) == '', 'reported once'
    assert faults.persists == ('emergency_stopped' not in reported)
    assert faults.look(HANDLER | {'enable': False}, 0.4) == ''
    assert not faults.persists


def test_an_emergency_stop_that_the_driver_asked_for_is_no_fault():
    faults = DriveFaults(load('oht_v2_handler_motor'), 0.0)
    faults.look(HANDLER, 0.1)
    faults.stopped()
    stopped = HANDLER | {'enable': False, 'emergency_stopped': True}
    assert faults.look(stopped, 0.2) == ''

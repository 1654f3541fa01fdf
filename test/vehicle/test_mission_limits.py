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
"""Limits by type and payload of a mission."""

import math

import pytest

from oht50_bridge.vehicle.mission_limits import MissionLimitSettings
from oht50_bridge.vehicle.profile import MotionLimits

LIMITS = MotionLimits(max_velocity=0.5, max_acceleration=0.3, max_jerk=0.2)
SETTINGS = MissionLimitSettings(
    inspection_speed=0.2, maintenance_speed=0.1, loaded_acceleration=0.4
)


@pytest.mark.parametrize(
    ('mission_type', 'speed'), [('transport', 0.5), ('inspection', 0.2), ('maintenance', 0.1)]
)
def test_each_type_has_its_own_speed(mission_type, speed):
    limits = SETTINGS.limits(LIMITS, mission_type, 0.0, math.inf)
    assert limits == MotionLimits(speed, 0.3, 0.2)


@pytest.mark.parametrize('mission_type', ['transport', 'inspection', 'maintenance'])
@pytest.mark.parametrize(('velocity', 'ceiling'), [(0.05, math.inf), (0.5, 0.05), (0.05, 0.3)])
def test_the_lowest_limit_counts(mission_type, velocity, ceiling):
    limits = SETTINGS.limits(MotionLimits(max_velocity=velocity), mission_type, 0.0, ceiling)
    assert limits.max_velocity == 0.05


@pytest.mark.parametrize(
    ('payload', 'acceleration'),
    [(0.0, 0.3), (25.0, 0.21), (50.0, 0.12), (80.0, 0.12), (-1.0, 0.12), (math.nan, 0.12)],
)
def test_the_payload_reduces_the_acceleration_linearly(payload, acceleration):
    limits = SETTINGS.limits(LIMITS, 'transport', payload, math.inf)
    assert limits.max_acceleration == pytest.approx(acceleration)
    assert limits.max_jerk == 0.2


def test_a_speed_of_a_type_above_that_of_all_is_refused_with_the_remedy():
    SETTINGS.check(MotionLimits(max_velocity=0.2))
    with pytest.raises(ValueError, match=r'inspection_speed: 0.2 m/s is above max_velocity, 0.15'):
        SETTINGS.check(MotionLimits(max_velocity=0.15))
    with pytest.raises(ValueError, match=r'maintenance_speed: .* lower it'):
        MissionLimitSettings(0.05, 0.1).check(MotionLimits(max_velocity=0.05))


def test_the_defaults_are_below_the_speed_of_all_missions():
    defaults = MissionLimitSettings()
    assert defaults.maintenance_speed < defaults.inspection_speed < MotionLimits().max_velocity

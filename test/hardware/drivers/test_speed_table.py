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
"""Words of the speed register and speeds of the vehicle belong together."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.hardware.drivers.speed_table import SpeedScale
from oht50_bridge.hardware.drivers.speed_table import SpeedTable
from oht50_bridge.hardware.registers import Register

PERCENT = Register('speed', 2, 'u16', scale=0.01, unit='ratio', access='rw', range=(0, 1))
MILLIMETRES = Register('speed', 2, 'u16', scale=0.001, unit='m/s', access='rw', range=(0, 10))
FACTOR = 0.98  # driver_2_motor

scales = st.builds(
    SpeedScale,
    max_speed=st.floats(0.1, 5.0),
    min_duty=st.floats(0.0, 0.3),
    dead_band=st.floats(0.0, 0.3),
)


@pytest.mark.parametrize(
    ('speed', 'raw', 'driven'),
    [
        # The firmware drives 0 for 1, 0.01 for 2, 0.49 for 50 and 0.98 for 100.
        (0.005, 0, 0.0),
        (0.01, 2, 0.01),
        (0.019, 2, 0.01),
        (0.02, 3, 0.02),
        (0.48, 49, 0.48),
        (0.49, 50, 0.49),
        (0.5, 52, 0.5),
        (0.98, 100, 0.98),
        (1.0, 100, 0.98),
        (7.0, 100, 0.98),
    ],
)
def test_a_speed_becomes_the_word_that_drives_no_more(speed, raw, driven):
    table = SpeedTable(PERCENT, SpeedScale(1.0), FACTOR)
    assert table.raw(speed) == raw
    assert table.duty(raw, FACTOR) == pytest.approx(driven)
    assert table.commanded(raw / 100) == pytest.approx(driven)


def test_below_the_smallest_duty_the_vehicle_stands():
    table = SpeedTable(PERCENT, SpeedScale(1.0, min_duty=0.08), FACTOR)
    assert table.slowest == pytest.approx(0.08)
    assert table.raw(0.0799) == 0
    assert table.raw(0.08) == 9  # int(0.98 * 9) = 8
    assert table.actual(0.07) == 0.0


def test_friction_takes_its_part():
    table = SpeedTable(PERCENT, SpeedScale(0.9, dead_band=0.1), FACTOR)
    assert table.actual(0.1) == 0.0
    assert table.actual(0.55) == pytest.approx(0.45)
    assert table.fastest == pytest.approx(0.88)


def test_a_register_in_metres_per_second_is_cut_off_not_rounded():
    table = SpeedTable(MILLIMETRES, SpeedScale(2.0))
    assert table.raw(0.0019) == 1
    assert table.commanded(0.25) == table.actual(0.25) == 0.25
    assert table.fastest == 2.0  # of the vehicle, not of the register


def test_a_scale_that_moves_nothing_has_no_slowest_speed():
    assert SpeedTable(PERCENT, SpeedScale(1.0, min_duty=0.99), FACTOR).slowest == math.inf


@given(scales, st.floats(0.0, 10.0), st.sampled_from([0.0, FACTOR]))
def test_never_faster_than_asked(scale, speed, factor):
    table = SpeedTable(PERCENT, scale, factor)
    driven = scale.speed(table.duty(table.raw(speed), factor))
    assert driven <= speed + 1e-6
    if speed >= table.slowest:
        assert driven >= table.slowest - 1e-6

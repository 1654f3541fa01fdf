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
"""The position between the measurements of a board."""

import math

import pytest

from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.position import PositionEstimate


def test_measurement_in_cm_gives_a_position_in_mm_while_moving():
    estimate = PositionEstimate(Measurement(0.0, 0.01, 0.1, 0.0))
    for step in range(1, 100):
        truth = 0.1 * step * 0.05
        estimate.update(Measurement(round(truth, 2), 0.01, 0.1, step * 0.05))
    assert estimate.at(100 * 0.05) == pytest.approx(0.5, abs=0.001)


def test_a_velocity_that_is_not_measured_is_differentiated_and_no_standstill():
    estimate = PositionEstimate(Measurement(1.0, 0.001, math.nan, 0.0))
    assert math.isnan(estimate.velocity)
    assert estimate.at(0.1) == 1.0
    for step in range(1, 20):
        estimate.update(Measurement(1.0 + 0.02 * step, 0.001, math.nan, step * 0.05))
        assert estimate.velocity == pytest.approx(0.4)
    for step in range(20, 40):
        estimate.update(Measurement(1.38, 0.001, math.nan, step * 0.05))
    assert estimate.velocity == 0.0


@pytest.mark.parametrize(
    ('step', 'velocity'), [(0.02, 0.07), (0.02, 0.049), (0.01, 0.03), (0.001, 0.003)]
)
def test_coarse_steps_are_no_standstill_before_their_time(step, velocity):
    estimate = PositionEstimate(Measurement(0.0, step, math.nan, 0.0))
    for count in range(1, 400):
        place = round(round(velocity * count * 0.05 / step) * step, 3)
        estimate.update(Measurement(place, step, math.nan, count * 0.05))
        assert not abs(estimate.velocity) <= STANDSTILL
        assert not math.isnan(estimate.drift)
    stands = []
    for count in range(400, 800):
        estimate.update(Measurement(place, step, math.nan, count * 0.05))
        if abs(estimate.velocity) <= STANDSTILL:
            stands.append((count - 399) * 0.05)
    assert stands[0] <= step / STANDSTILL + 0.1

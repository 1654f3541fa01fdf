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
"""The derivative of a measured value."""

import math

import pytest

from oht50_bridge.hardware.drivers.rate_of_change import RateOfChange


@pytest.fixture
def rate():
    return RateOfChange(0.5)


def test_two_samples_give_it(rate):
    rate.update(1.0, 10.0)
    assert math.isnan(rate.rate)
    rate.update(1.2, 10.1)
    assert rate.rate == pytest.approx(2.0)
    rate.update(1.2, 10.3)
    assert rate.rate == 0.0


def test_a_sample_that_is_published_again_changes_nothing(rate):
    rate.update(1.0, 10.0)
    rate.update(1.2, 10.1)
    for at in (10.1, 10.05):
        rate.update(9.0, at)
        assert rate.rate == pytest.approx(2.0)
    rate.update(1.3, 10.2)
    assert rate.rate == pytest.approx(1.0)


@pytest.mark.parametrize(('gap', 'known'), [(0.499, True), (0.501, False), (30.0, False)])
def test_it_is_not_known_across_a_gap(rate, gap, known):
    rate.update(1.0, 10.0)
    rate.update(1.2, 10.1)
    rate.update(1.2, 10.1 + gap)
    assert math.isnan(rate.rate) is not known
    rate.update(1.3, 10.2 + gap)
    assert rate.rate == pytest.approx(1.0)


def test_a_value_that_is_not_measured_is_a_gap(rate):
    for value, at in ((1.0, 10.0), (math.nan, 10.1), (1.2, 10.2)):
        rate.update(value, at)
        assert math.isnan(rate.rate)
    rate.update(1.4, 10.3)
    assert rate.rate == pytest.approx(2.0)

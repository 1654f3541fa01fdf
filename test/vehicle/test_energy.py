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
"""Energy drawn from the battery."""

import math

import pytest

from oht50_bridge.vehicle.energy import EnergyMeter


def test_energy_is_the_integral_of_the_power():
    meter = EnergyMeter(40.0, 10.0)
    meter.add(60.0, 12.0)
    meter.add(60.0, 13.0)
    assert meter.energy == pytest.approx(100.0 + 60.0)
    meter.add(math.nan, 14.0)
    meter.add(20.0, 15.0)
    assert meter.energy == pytest.approx(160.0 + 20.0), 'what is not known is not invented'

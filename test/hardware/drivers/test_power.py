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
"""The power board, which loses requests."""

from __future__ import annotations

import pytest


@pytest.fixture
def rig(make_rig):
    rig = make_rig('power')
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'power' in rig.samples, what='a sample')
    return rig


def test_sample_agrees_with_the_truth(rig):
    sample, truth = rig.samples['power'], rig.sim.truth()
    assert sample.voltage == pytest.approx(truth['voltage'], abs=0.06)
    assert sample.soc == pytest.approx(truth['soc'], abs=0.002)
    assert sample.current == pytest.approx(truth['current'], abs=0.06)
    assert sample.state == 'discharging' and sample.current < 0
    assert sample.temperature == 25.0
    assert sum(sample.cell_voltages) == pytest.approx(sample.voltage, abs=0.1)
    rig.wait_for(lambda: rig.samples['power'].rail_voltages == (12.0, 5.0, 3.3), what='rails')


def test_charging(rig):
    rig.sim.set(charger_connected=True)
    rig.sim.write('power', 'charge_request', True)
    rig.wait_for(lambda: rig.samples['power'].state == 'charging', what='charging')
    assert rig.samples['power'].current > 0 and rig.samples['power'].charger_present


def test_seven_percent_of_lost_requests_are_not_noticed(make_rig):
    rig = make_rig('power', boards={'power': ('stm32_power', 'sense', 2, {'loss': 0.07})})
    rig.config['modules'][0]['polls'] = {'pack': 0.02, 'charger': 0.02, 'rails': 0.02}
    rig.start()
    rig.online()
    rig.wait_for(lambda: rig.module('power').statistics.requests > 80, what='requests')
    statistics = rig.module('power').statistics
    assert statistics.retries > 0
    assert [change[1][2] for change in rig.statuses] == ['online']

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
"""The dock and location board in its three layouts."""

from __future__ import annotations

import math

import pytest


@pytest.mark.parametrize('profile', ['oht_v2_dock', 'oht_v2_dock_handler', 'dock_location_fw'])
def test_sample_agrees_with_the_truth(make_rig, profile):
    rig = make_rig(
        'dock', boards={'dock': (profile, 'sense', 5)}, modules={'dock': (profile, 'sense', 5, {})}
    )
    rig.sim.set(position=6.345)
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'dock' in rig.samples, what='a sample')
    rig.wait_for(lambda: not math.isnan(rig.samples['dock'].acceleration[2]), what='acceleration')
    sample = rig.samples['dock']
    if profile == 'dock_location_fw':
        assert math.isnan(sample.position[0]) and math.isnan(sample.position_resolution)
        assert sample.docking_status == 'unknown'
        return
    assert sample.position[0] == pytest.approx(6.345)
    assert sample.position_resolution == 0.001
    assert rig.wait_for(lambda: rig.samples['dock'].dock_distance == pytest.approx(5.345))


def test_docked(make_rig):
    rig = make_rig('dock')
    rig.sim.set(position=1.001)
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'dock' in rig.samples and rig.samples['dock'].aligned, what='docked')
    assert rig.samples['dock'].docking_status == 'docked'
    assert rig.samples['dock'].roll == 0.0

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
import time
from types import SimpleNamespace

import pytest

from oht50_bridge.hardware.drivers.dock import DockModule
from oht50_bridge.hardware.module import ModuleSpec
from oht50_bridge.hardware.profile_reader import load


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
        assert math.isnan(sample.position_reach)
        assert sample.docking_status == 'unknown'
        return
    assert sample.position[0] == pytest.approx(6.345)
    assert sample.position_resolution == 0.001
    assert sample.position_reach == pytest.approx(65.535)
    assert rig.wait_for(lambda: rig.samples['dock'].dock_distance == pytest.approx(5.345))


def test_docked(make_rig):
    rig = make_rig('dock')
    rig.sim.set(position=1.001)
    rig.start()
    rig.online()
    rig.wait_for(lambda: 'dock' in rig.samples and rig.samples['dock'].aligned, what='docked')
    assert rig.samples['dock'].docking_status == 'docked'
    assert rig.samples['dock'].roll == 0.0


class Turning:
    """The driver, and the blocks that it has read; the test holds the clock."""

    def __init__(self, profile, monkeypatch):
        self.now, self.samples = 100.0, []
        monkeypatch.setattr(time, 'monotonic', lambda: self.now)
        self.module = DockModule(
            ModuleSpec('dock', 'dock', profile, 'x', 5, profile.timing),
            SimpleNamespace(name='x', wake=lambda worker: None),
            SimpleNamespace(sample=lambda module_id, sample: self.samples.append(sample)),
        )
        self.blocks = profile.polls

    def read(self, rate, after):
        """Read every block that is due, `after` s later; return the newest sample."""
        self.now += after
        module = self.module
        for block in self.blocks:
            if round(self.now / 0.05) % round(block.period / 0.05):
                continue
            module.read_at, module.stamp = self.now, 1
            for register in block.registers:
                module.values[register.name] = (0.0, 0.0, rate) if register.count == 3 else 0.0
                module._read_times[register.name] = (self.now, 1.0)
            module.on_block(block)
        return self.samples[-1].angular_acceleration


@pytest.mark.parametrize('name', ['oht_v2_dock', 'dock_location_fw'])
def test_the_angular_acceleration_comes_from_the_samples_of_the_gyro(name, monkeypatch):
    turning = Turning(load(name), monkeypatch)
    begin = turning.now
    values = [turning.read(0.1 * (turning.now + 0.05 - begin), 0.05) for _ in range(20)]
    assert math.isnan(values[0]), 'one sample tells nothing'
    known = [value for value in values if not math.isnan(value)]
    assert len(known) >= 12
    assert known == pytest.approx([0.1] * len(known)), 'a sample that is repeated is no jolt'
    assert math.isnan(turning.read(5.0, 2.0)), 'not across a gap'

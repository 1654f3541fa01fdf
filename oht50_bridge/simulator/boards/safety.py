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
"""The safety board: emergency stop chain and distances."""

from __future__ import annotations

from oht50_bridge.simulator.boards.board import Board


class SafetyBoard(Board):
    """Emergency stop chain and distances."""

    def model(self) -> None:
        """Read the inputs, judge, latch."""
        self.put('di_status', list(self.world.input_levels))
        if not self.misbehaviour.stale:
            ahead, behind = self.world.distance(True), self.world.distance(False)
            far = [min(d, 60.0) for d in (ahead, ahead, behind, behind)]
            self.put('distance', far)
        if self.profile.has('latch'):
            self._judge_with_latch()
        else:
            pressed = not self.world.input_levels[0]
            near = min(self.get('distance')) <= self.get('zone_threshold')[0]
            self.put('estop', pressed)
            self.put('proximity_alert', near)
            self.put('status', 'estop' if pressed else 'critical' if near else 'ok')

    def _judge_with_latch(self) -> None:
        if self.get('latch'):
            return  # evaluation is frozen
        zones = self.get('zone_threshold')
        verdict = 0
        for enabled, distance in zip(self.get('analog_enable'), self.get('distance'), strict=True):
            if enabled:
                valid = self.profile.registers['distance'].valid
                if valid is not None and not valid[0] - 1e-9 <= distance <= valid[1] + 1e-9:
                    verdict = 3
                elif distance <= zones[0]:
                    verdict = max(verdict, 2)
                elif distance <= max(zones[1], zones[2]):
                    verdict = max(verdict, 1)
        inputs = zip(
            self.get('di_enable'), self.get('di_status'), self.get('di_active_level'), strict=True
        )
        if any(enabled and level == active for enabled, level, active in inputs):
            verdict = max(verdict, 2)
        self.put('status', self.profile.registers['status'].values[verdict])
        if verdict >= 2:
            self.put('latch', True)

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
"""What the travel motor is to do: the guard's verdict, approached by ramps. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from oht50_bridge.hardware.drivers.velocity_ramp import VelocityRamp
from oht50_bridge.hardware.motion_guard import MotionGuard
from oht50_bridge.hardware.motion_guard import Verdict
from oht50_bridge.stop_reason import StopReason


class MotionDemand:
    """Verdicts of the guard, with velocities that a drive without ramps can follow.

    A cause that forbids motion stops at once. The command to stand is approached by the ramp.

    Args:
        guard: judges.
        ramp: limits the changes.
        clock: s that only rise.

    """

    def __init__(self, guard: MotionGuard, ramp: VelocityRamp, clock: Callable[[], float]) -> None:
        self._guard = guard
        self._ramp = ramp
        self._clock = clock

    def next(self) -> Verdict:
        """Return what to do in this round; the ramp goes on."""
        verdict = self._guard.evaluate()
        now = self._clock()
        if self._stops(verdict):
            self._ramp.stop(now)
            return verdict
        # On its way to the other direction it still moves in this one.
        limit = verdict.limit(self._ramp.velocity or verdict.velocity)
        velocity = self._ramp.step(verdict.velocity, limit, now)
        # A velocity that is wanted but not reached yet is no stop.
        return replace(verdict, stop=verdict.stop and velocity == 0.0, velocity=velocity)

    def stopped(self) -> None:
        """Note that a stop is being written: from now on the ramp begins at 0."""
        self._ramp.stop(self._clock())

    def stops(self) -> bool:
        """Tell whether the motor has to stop at once."""
        return self._stops(self._guard.evaluate())

    def permits(self) -> bool:
        """Tell whether the velocity that the ramp has reached may be sent now."""
        verdict, velocity = self._guard.evaluate(), self._ramp.velocity
        return not self._stops(verdict) and abs(velocity) <= verdict.limit(velocity)

    def _stops(self, verdict: Verdict) -> bool:
        slowing = verdict.reason == StopReason.NONE and self._ramp.velocity != 0.0
        return verdict.stop and not slowing

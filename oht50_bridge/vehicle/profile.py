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
"""A jerk-limited velocity profile along the rail.

Positions are in m along the rail, velocities in m/s, accelerations in m/s^2, jerks in m/s^3, times
in s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ruckig import ControlInterface
from ruckig import InputParameter
from ruckig import Result
from ruckig import Ruckig
from ruckig import RuckigError
from ruckig import Trajectory

from oht50_bridge.settings import setting

SHORTEST_STEP = 1e-6  # m/s, a limit below this is no motion at all
# m/s^2, a rounding error. From the greatest velocity with less than nothing of acceleration Ruckig
# 0.19.4 finds a profile that is half as long again as the shortest.
NO_ACCELERATION = 1e-9
BRAKING_STEP = 0.02  # s, between two plans of a profile above its limit
ZONE_LEAD = 0.2  # s, before its border, that the speed of a zone is reached: two long loop steps


class MotionError(Exception):
    """The vehicle does not follow its command; the message states the deviation."""


@dataclass(frozen=True)
class MotionLimits:
    """What a profile never exceeds; the defaults are the safety profile, the ceiling of all."""

    max_velocity: float = setting(
        0.5, 'Greatest velocity', unit='m/s', minimum=0.01, maximum=0.5, read_only=False
    )
    max_acceleration: float = setting(
        0.3, 'Greatest acceleration', unit='m/s^2', minimum=0.01, maximum=0.3, read_only=False
    )
    max_jerk: float = setting(
        0.2, 'Greatest jerk', unit='m/s^3', minimum=0.01, maximum=0.2, read_only=False
    )


@dataclass(frozen=True)
class ProfileState:
    """A point of a profile."""

    position: float
    velocity: float = 0.0
    acceleration: float = 0.0


@dataclass(frozen=True)
class SpeedZone:
    """A stretch of the rail, start < end in m, with a speed limit in m/s."""

    start: float
    end: float
    speed_limit: float


class VelocityProfile:
    """A jerk-limited profile, planned again from its present state whenever its target changes.

    Position, velocity and acceleration are continuous over a new plan. A velocity above a new
    limit is reduced to it within acceleration and jerk, without a stop before the target.
    """

    def __init__(self, state: ProfileState, limits: MotionLimits):
        self._ruckig = Ruckig(1)
        self.limits = limits
        self.restart(state)

    def restart(self, state: ProfileState) -> None:
        """Restart from another state and brake to a stop, until `move` sets a target."""
        self._plan(state, None, self.limits)

    def move(self, target: float | None, limits: MotionLimits) -> None:
        """Plan from the present state to rest at `target`; None: to a stop.

        Raises:
            MotionError: there is no such profile.

        """
        self._plan(self.state(), target, limits)

    def advance(self, dt: float) -> None:
        """Advance by `dt`, s."""
        while self._too_fast and dt > 0.0:
            step = min(dt, BRAKING_STEP)
            self._elapsed += step
            dt -= step
            self._plan(self.state(), self._target, self.limits)
        self._elapsed += dt

    def state(self, ahead: float = 0.0) -> ProfileState:
        """Return the state `ahead` s from now."""
        time = min(self._elapsed + ahead, self._trajectory.duration)
        (position,), (velocity,), (acceleration,) = self._trajectory.at_time(time)
        return ProfileState(position, velocity, acceleration)

    @property
    def remaining(self) -> float:
        """Time to its end, s."""
        return max(0.0, float(self._duration) - self._elapsed)

    def way_to(self, velocity: float) -> float:
        """Return the distance in which the profile can reach a velocity from its state, m."""
        state = self.state()
        trajectory = _trajectory(self._ruckig, state, None, self.limits, velocity)
        (position,), _, _ = trajectory.at_time(trajectory.duration)
        return float(abs(position - state.position))

    def _plan(self, state: ProfileState, target: float | None, limits: MotionLimits) -> None:
        if limits.max_velocity < SHORTEST_STEP:
            target = None
        peak = peak_velocity(state, limits.max_jerk)
        self._too_fast = target is not None and abs(peak) > limits.max_velocity + SHORTEST_STEP
        if self._too_fast:
            # Ruckig alone would brake to the limit without regard to the target, and reverse when
            # that was too far. So the slower of two plans is used until the limit is met.
            allowed = MotionLimits(abs(peak), limits.max_acceleration, limits.max_jerk)
            ways = (
                _trajectory(self._ruckig, state, target, allowed),
                _trajectory(
                    self._ruckig, state, None, limits, math.copysign(limits.max_velocity, peak)
                ),
            )
            self._trajectory = min(
                ways,
                key=lambda way: (
                    way.at_time(min(BRAKING_STEP, way.duration))[1][0] * math.copysign(1.0, peak)
                ),
            )
            self._duration = ways[0].duration
        else:
            self._trajectory = _trajectory(self._ruckig, state, target, limits)
            self._duration = self._trajectory.duration
        self._elapsed = 0.0
        self._target = target
        self.limits = limits


def peak_velocity(state: ProfileState, jerk: float) -> float:
    """Return the greatest velocity of a state until its acceleration can be 0."""
    coming = state.velocity + state.acceleration * abs(state.acceleration) / (2.0 * jerk)
    return max(state.velocity, coming, key=abs)


def _trajectory(
    ruckig: Ruckig,
    state: ProfileState,
    target: float | None,
    limits: MotionLimits,
    velocity: float = 0.0,
) -> Trajectory:
    """Return the trajectory from a state to rest at a target; target None: to a velocity."""
    wanted = InputParameter(1)
    wanted.current_position = [state.position]
    wanted.current_velocity = [state.velocity]
    wanted.current_acceleration = [
        state.acceleration if abs(state.acceleration) > NO_ACCELERATION else 0.0
    ]
    wanted.max_velocity = [max(limits.max_velocity, SHORTEST_STEP)]
    wanted.max_acceleration = [limits.max_acceleration]
    wanted.max_jerk = [limits.max_jerk]
    if target is None:
        wanted.control_interface = ControlInterface.Velocity
        wanted.target_velocity = [velocity]
    else:
        wanted.target_position = [target]
    trajectory = Trajectory(1)
    try:
        result = ruckig.calculate(wanted, trajectory)
    except RuckigError as error:
        raise MotionError(f'no profile from {state} to {target}: {error}') from error
    if result != Result.Working:
        raise MotionError(f'no profile from {state} to {target}: {result}')
    return trajectory

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
"""Motion along the rail: a jerk-limited profile and the loop that has the vehicle follow it.

Positions are in m along the rail, velocities in m/s, accelerations in m/s^2, jerks in m/s^3, times
in s. The loop knows the drive as it is: it follows a command late, in coarse steps of speed, and
does not hold a position. So the profile is followed on the measured position, and the last
millimetres are gone at the smallest speed until the position is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ruckig import ControlInterface
from ruckig import InputParameter
from ruckig import Result
from ruckig import Ruckig
from ruckig import RuckigError
from ruckig import Trajectory

STANDSTILL = 0.002  # m/s, below the step of every source of velocity
SHORTEST_STEP = 1e-6  # m/s, a limit below this is no motion at all


class MotionError(Exception):
    """The vehicle does not do what it is commanded; the message says what it does."""


@dataclass(frozen=True)
class Limits:
    """What a profile never exceeds; all greater than 0."""

    velocity: float = 0.5
    acceleration: float = 0.3
    jerk: float = 0.2


@dataclass(frozen=True)
class State:
    """A point of a profile."""

    position: float
    velocity: float = 0.0
    acceleration: float = 0.0


@dataclass(frozen=True)
class SpeedZone:
    """A stretch of the rail, start < end, that is not entered or travelled faster than a limit."""

    start: float
    end: float
    speed_limit: float


@dataclass(frozen=True)
class Measurement:
    """A position as a board measured it.

    Attributes:
        position: m.
        resolution: m, smallest step of position.
        velocity: m/s, NaN where the board gives none.
        stamp: s, when the board was read, on the clock of the loop.

    """

    position: float
    resolution: float
    velocity: float
    stamp: float


@dataclass(frozen=True)
class Loop:
    """Constants of the loop.

    Attributes:
        delay: from a command to the motion it makes.
        gain: correction of the velocity for an error of position, 1/s.
        correction: greatest correction, m/s.
        creep_speed: of the last millimetres; not below the smallest step of the drive, m/s.
        tolerance: error allowed at arrival, or the resolution of the position if that is coarser.
        settle: how long the vehicle must stand before it has arrived.
        lag: the profile starts anew from the vehicle when it is this far behind, m.
        runaway: the vehicle must never be further ahead of the profile than this, m.
        stall: way commanded without any change of the position that is no motion, m.

    """

    delay: float = 0.08
    gain: float = 2.0
    correction: float = 0.05
    creep_speed: float = 0.01
    tolerance: float = 0.002
    settle: float = 0.3
    lag: float = 0.05
    runaway: float = 0.1
    stall: float = 0.1


MAXIMUM_CREEPS = 20
BRAKING_STEP = 0.02  # s, between two plans of a profile above its limit
LONGEST_STEP = 0.1  # s, a longer pause of the loop does not move the profile further


class Profile:
    """A jerk-limited profile, planned anew from its present state whenever its end changes.

    Nothing jumps at a new plan: position, velocity and acceleration go on from where they are.
    A velocity above a new limit is braked to it within acceleration and jerk, without a stop
    before the target.
    """

    def __init__(self, state: State, limits: Limits):
        self._ruckig = Ruckig(1)
        self.limits = limits
        self.restart(state)

    def restart(self, state: State) -> None:
        """Go on from another state, to a stop until `move` says where to."""
        self._plan(state, None, self.limits)

    def move(self, target: float | None, limits: Limits) -> None:
        """Plan from the present state to rest at `target`, without one to a stop.

        Raises:
            MotionError: there is no such profile.

        """
        self._plan(self.state(), target, limits)

    def advance(self, dt: float) -> None:
        """Go on by `dt`."""
        while self._too_fast and dt > 0.0:
            step = min(dt, BRAKING_STEP)
            self._elapsed += step
            dt -= step
            self._plan(self.state(), self._target, self.limits)
        self._elapsed += dt

    def state(self, ahead: float = 0.0) -> State:
        """Return the state `ahead` s from now."""
        time = min(self._elapsed + ahead, self._trajectory.duration)
        (position,), (velocity,), (acceleration,) = self._trajectory.at_time(time)
        return State(position, velocity, acceleration)

    @property
    def remaining(self) -> float:
        """Time to its end."""
        return max(0.0, self._duration - self._elapsed)

    def way_to(self, velocity: float) -> float:
        """Return the distance in which the profile can come from its state to a velocity."""
        state = self.state()
        trajectory = _trajectory(self._ruckig, state, None, self.limits, velocity)
        (position,), _, _ = trajectory.at_time(trajectory.duration)
        return abs(position - state.position)

    def _plan(self, state: State, target: float | None, limits: Limits) -> None:
        if limits.velocity < SHORTEST_STEP:
            target = None
        peak = peak_velocity(state, limits.jerk)
        self._too_fast = target is not None and abs(peak) > limits.velocity + SHORTEST_STEP
        if self._too_fast:
            # Left alone, ruckig would brake to the limit without a look at the target, and turn
            # back when that was too much: until the limit is kept, the slower way is taken.
            allowed = Limits(abs(peak), limits.acceleration, limits.jerk)
            ways = (
                _trajectory(self._ruckig, state, target, allowed),
                _trajectory(
                    self._ruckig, state, None, limits, math.copysign(limits.velocity, peak)
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


def peak_velocity(state: State, jerk: float) -> float:
    """Return the greatest velocity of a state until its acceleration can be 0."""
    coming = state.velocity + state.acceleration * abs(state.acceleration) / (2.0 * jerk)
    return max(state.velocity, coming, key=abs)


def _trajectory(
    ruckig: Ruckig, state: State, target: float | None, limits: Limits, velocity: float = 0.0
) -> Trajectory:
    """Return the way from a state to rest at a target, or without one to a velocity."""
    wanted = InputParameter(1)
    wanted.current_position = [state.position]
    wanted.current_velocity = [state.velocity]
    wanted.current_acceleration = [state.acceleration]
    wanted.max_velocity = [max(limits.velocity, SHORTEST_STEP)]
    wanted.max_acceleration = [limits.acceleration]
    wanted.max_jerk = [limits.jerk]
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


def travel_time(
    state: State, target: float, limits: Limits, zones: Iterable[SpeedZone] = ()
) -> float:
    """Return the time from a state to rest at `target`, s; within zones as they allow."""
    time = _trajectory(Ruckig(1), state, target, limits).duration
    low, high = sorted((state.position, target))
    full = limits.velocity
    for zone in zones:
        way = min(high, zone.end) - max(low, zone.start)
        if way <= 0.0 or zone.speed_limit >= full:
            continue
        slow = max(zone.speed_limit, SHORTEST_STEP)
        time += way * (1.0 / slow - 1.0 / full)
        for edge in (zone.start, zone.end):
            if low < edge < high:
                # The change of speed takes place outside, at the mean of both speeds.
                time += _ramp_time(full - slow, limits) * (full - slow) / (2.0 * full)
    return time


def _ramp_time(change: float, limits: Limits) -> float:
    """Return the time that a change of velocity takes."""
    if change < limits.acceleration**2 / limits.jerk:
        return 2.0 * math.sqrt(change / limits.jerk)
    return change / limits.acceleration + limits.acceleration / limits.jerk


class PositionEstimate:
    """Position between and below the steps of a board's measurements.

    Carried on by the measured velocity, and kept within what the last measurement leaves open: it
    is the truth to half of its resolution. So a board in cm gives a position in mm while it moves.
    """

    def __init__(self, measurement: Measurement):
        self._position = measurement.position
        self._measurement = measurement

    @property
    def resolution(self) -> float:
        """Smallest step of the source, m."""
        return self._measurement.resolution

    @property
    def velocity(self) -> float:
        """Measured velocity; 0 where the source gives none."""
        velocity = self._measurement.velocity
        return 0.0 if math.isnan(velocity) else velocity

    @property
    def stamp(self) -> float:
        """When the board was read last."""
        return self._measurement.stamp

    def take(self, measurement: Measurement) -> None:
        """Take a measurement; one that is not newer than the last changes nothing."""
        dt = measurement.stamp - self._measurement.stamp
        if dt <= 0.0:
            return
        before = self.velocity
        self._measurement = measurement
        predicted = self._position + (before + self.velocity) / 2.0 * dt
        half = measurement.resolution / 2.0
        self._position = _clamp(
            predicted, measurement.position - half, measurement.position + half
        )

    def at(self, now: float) -> float:
        """Return the position now."""
        return self._position + self.velocity * _clamp(now - self.stamp, 0.0, LONGEST_STEP)


class Motion:
    """The loop: at each step from the measured position to the velocity to command.

    Args:
        measurement: where the vehicle is; it is taken to move at the measured velocity.
        now: s.
        limits: of the profile.
        loop: constants.

    """

    def __init__(self, measurement: Measurement, now: float, limits: Limits, loop: Loop):
        self._loop = loop
        self._limits = limits
        self._estimate = PositionEstimate(measurement)
        self._now = now
        self._profile = Profile(State(measurement.position, self._estimate.velocity), limits)
        self._target: float | None = None
        self._zones: tuple[SpeedZone, ...] = ()
        self._slowed: set[SpeedZone] = set()
        self._planned: tuple[float | None, Limits] | None = None
        self._creeps = 0
        self._creeping = 0.0  # direction, 0 while not creeping
        self._stopped_at: float | None = None  # s, when the final stop was commanded
        self._seen = measurement.position
        self._way = 0.0  # m, commanded since the measured position changed
        self.travelled = 0.0  # m, both directions added
        self._counted = measurement.position
        self.arrived = False

    @property
    def tolerance(self) -> float:
        """Error allowed at arrival."""
        return max(self._loop.tolerance, self._estimate.resolution)

    @property
    def position(self) -> float:
        """Where the vehicle is."""
        return self._estimate.at(self._now)

    @property
    def velocity(self) -> float:
        """Measured velocity."""
        return self._estimate.velocity

    @property
    def profile(self) -> State:
        """Where the profile is."""
        return self._profile.state()

    def take(self, measurement: Measurement) -> None:
        """Take a measurement of the position."""
        self._estimate.take(measurement)
        if measurement.position != self._seen:
            self._seen = measurement.position
            self._way = 0.0
        # Half a step to and fro is the board's own noise.
        if abs(measurement.position - self._counted) > measurement.resolution:
            self.travelled += abs(measurement.position - self._counted)
            self._counted = measurement.position

    def go(self, target: float | None, zones: Iterable[SpeedZone] = ()) -> None:
        """Say where to, without a target to a stop, and what slows the way."""
        zones = tuple(zones)
        if target != self._target:
            self._target = target
            self.arrived = False
            self._creeps = 0
            self._creeping = 0.0
            self._stopped_at = None
        if zones != self._zones:
            self._zones = zones
            self._slowed.clear()

    def limit(self, limits: Limits) -> None:
        """Take new limits of the profile."""
        self._limits = limits

    def interrupt(self) -> None:
        """Note that the drive does not follow for now: begin anew from where the vehicle is."""
        self._profile.restart(State(self.position, self.velocity))
        self._planned = None
        self._creeping = 0.0
        self._stopped_at = None
        self._way = 0.0

    def remaining_time(self, target: float) -> float:
        """Return the time from here to arrival at `target`."""
        state = State(self.position, self._profile.state().velocity)
        return travel_time(state, target, self._limits, self._zones) + self._loop.settle

    @property
    def target(self) -> float | None:
        """Where to; None to a stop."""
        return self._target

    @property
    def there(self) -> bool:
        """Whether it has come to the target, which becomes an arrival when it has settled."""
        return self.arrived or (
            self._stopped_at is not None and abs(self._target - self.position) <= self.tolerance
        )

    @property
    def standing(self) -> bool:
        """Whether profile and vehicle stand."""
        return self._profile.remaining == 0.0 and abs(self.velocity) <= STANDSTILL

    def rests(self, since: float) -> bool:
        """Return whether the vehicle stands now, so long after `since`, s, that it stays so."""
        return (
            self._estimate.stamp - since >= self._loop.settle and abs(self.velocity) <= STANDSTILL
        )

    def step(self, now: float, speed_limit: float) -> float:
        """Return the velocity to command now.

        Args:
            now: s, only rising.
            speed_limit: m/s, the lowest of all limits that others set.

        Raises:
            MotionError: the vehicle does not follow.

        """
        dt = min(now - self._now, LONGEST_STEP)
        self._now = now
        self._profile.advance(dt)
        self._follow(speed_limit)
        self._plan(speed_limit)
        if self._target is not None and self._profile.remaining <= self._loop.delay:
            command = self._arrive(speed_limit)
        else:
            command = self._track(speed_limit)
        self._way += abs(command) * dt
        if self._way > self._loop.stall + self._estimate.resolution:
            raise MotionError(
                f'the position does not change although {self._way:.2f} m were commanded'
            )
        return command

    def _follow(self, speed_limit: float) -> None:
        """Keep the profile with the vehicle where the vehicle cannot keep with it."""
        state = self._profile.state()
        error = state.position - self.position
        behind = error * math.copysign(1.0, state.velocity)
        if behind < -self._loop.runaway or (
            state.velocity == 0.0 and abs(error) > self._loop.runaway
        ):
            raise MotionError(f'the vehicle is {abs(error):.2f} m off its commanded motion')
        if abs(state.velocity) > speed_limit + SHORTEST_STEP and behind > 0.0:
            # The drive is held to the limit at once, the profile comes down to it by its jerk.
            self._profile.restart(State(self.position, state.velocity, state.acceleration))
            self._planned = None
        elif behind > self._loop.lag:
            self._profile.restart(State(self.position, self.velocity))
            self._planned = None

    def _plan(self, speed_limit: float) -> None:
        velocity = max(0.0, min(speed_limit, self._limits.velocity, self._zone_limit()))
        limits = Limits(velocity, self._limits.acceleration, self._limits.jerk)
        wanted = (self._target, limits)
        if wanted != self._planned:
            self._profile.move(*wanted)
            self._planned = wanted

    def _zone_limit(self) -> float:
        """Return the lowest limit of the zones here and of those so near that braking is due."""
        if self._target is None:
            return math.inf
        state = self._profile.state()
        direction = math.copysign(1.0, self._target - state.position)
        limit = math.inf
        for zone in self._zones:
            near, far = (zone.start, zone.end) if direction > 0 else (zone.end, zone.start)
            if (far - state.position) * direction < 0.0:
                self._slowed.discard(zone)
                continue
            if zone not in self._slowed:
                way = (near - state.position) * direction
                if way > 0.0:
                    # One step of the loop is gone before the next look.
                    margin = abs(state.velocity) * 2.0 * LONGEST_STEP
                    if way > self._profile.way_to(direction * zone.speed_limit) + margin:
                        continue
                self._slowed.add(zone)
            limit = min(limit, zone.speed_limit)
        return limit

    def _track(self, speed_limit: float) -> float:
        """Follow the profile, ahead by the delay of the drive."""
        state, ahead = self._profile.state(), self._profile.state(self._loop.delay)
        if self._target is None and self._profile.remaining == 0.0:
            return 0.0
        error = state.position - self.position
        correction = _clamp(self._loop.gain * error, -self._loop.correction, self._loop.correction)
        limit = min(speed_limit, self._limits.velocity)
        direction = math.copysign(1.0, ahead.velocity or correction)
        speed = _clamp((ahead.velocity + correction) * direction, 0.0, limit)
        # Zero would switch the drive off, and on again takes it time.
        return direction * max(speed, min(limit, self._loop.creep_speed / 10.0))

    def _arrive(self, speed_limit: float) -> float:
        """Creep to the target and stop there; at standstill look whether it is there."""
        error = self._target - self.position
        speed = min(self._loop.creep_speed, speed_limit, self._limits.velocity)
        if self._stopped_at is None:
            if self._creeping == 0.0 and abs(error) > self.tolerance / 2.0:
                self._creeping = math.copysign(1.0, error)
                self._creeps += 1
                if self._creeps > MAXIMUM_CREEPS:
                    raise MotionError(
                        f'{abs(error) * 1000:.1f} mm off after {MAXIMUM_CREEPS} tries'
                    )
            if self._creeping != 0.0 and error * self._creeping > speed * self._loop.delay:
                return self._creeping * speed
            self._stopped_at = self._now
            self._creeping = 0.0
        # What the board measures after the vehicle came to rest counts.
        if abs(self.velocity) > STANDSTILL:
            self._stopped_at = self._now
        elif self._estimate.stamp - self._stopped_at > self._loop.settle:
            if abs(error) <= self.tolerance - self._estimate.resolution / 2.0:
                self.arrived = True
            else:
                self._stopped_at = None
        return 0.0


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))

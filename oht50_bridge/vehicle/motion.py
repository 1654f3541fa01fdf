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
"""The control loop that makes the vehicle follow a profile.

Positions are in m along the rail, velocities in m/s, times in s. The drive follows a command late
and in coarse steps of speed, and does not hold a position. So the loop follows the profile by the
measured position, and travels the last millimetres at the smallest speed until it has arrived.
A stop has no place to reach: nothing is commanded beyond it, wherever the vehicle goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.position import STANDSTILL
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.position import PositionEstimate
from oht50_bridge.vehicle.profile import SHORTEST_STEP
from oht50_bridge.vehicle.profile import ZONE_LEAD
from oht50_bridge.vehicle.profile import MotionError
from oht50_bridge.vehicle.profile import MotionLimits
from oht50_bridge.vehicle.profile import ProfileState
from oht50_bridge.vehicle.profile import SpeedZone
from oht50_bridge.vehicle.profile import VelocityProfile
from oht50_bridge.vehicle.travel_time import travel_time

MAXIMUM_CREEPS = 20
START_DELAY_STEP = 0.03  # s, by which the delay of the drive's start is corrected
LONGEST_STEP = 0.1  # s, a longer pause of the loop does not advance the profile further


@dataclass(frozen=True)
class LoopSettings:
    """Constants of the loop.

    Attributes:
        gain: correction of the velocity for an error of position, 1/s.
        correction: greatest correction, m/s.
        settle: how long the vehicle must stand before it has arrived, s.
        lag: the profile restarts from the vehicle when the vehicle is this far behind, m.
        runaway: the vehicle must never be further ahead of the profile than this, m.
        stall: distance commanded without any change of the position that means no motion, m.

    """

    drive_delay: float = setting(
        0.08, 'Time from a drive command to its motion', unit='s', minimum=0.0, maximum=0.5
    )
    creep_speed: float = setting(
        0.01,
        'Speed of the last millimetres, not below the smallest step of the drive',
        unit='m/s',
        minimum=0.001,
        maximum=0.2,
    )
    tolerance: float = setting(
        0.002,
        'Error allowed at arrival, or the resolution of the position if coarser',
        unit='m',
        minimum=0.001,
        maximum=0.05,
    )
    gain: float = 2.0
    correction: float = 0.05
    settle: float = 0.3
    lag: float = 0.05
    runaway: float = 0.1
    stall: float = 0.1


class MotionLoop:
    """At each step, computes the velocity to command from the measured position.

    Args:
        measurement: where the vehicle is; nothing is commanded there until a target is set.
        now: s.
        limits: of the profile.
        loop: constants.

    """

    def __init__(
        self, measurement: Measurement, now: float, limits: MotionLimits, loop: LoopSettings
    ):
        self._loop = loop
        self._limits = limits
        self._estimate = PositionEstimate(measurement)
        self._now = now
        self._profile = VelocityProfile(ProfileState(measurement.position), limits)
        self._target: float | None = None
        self._zones: tuple[SpeedZone, ...] = ()
        self._slowed: set[SpeedZone] = set()
        self._planned: tuple[float | None, MotionLimits] | None = None
        self._creeps = 0
        self._creeping = 0.0  # direction, 0 while not creeping
        self._creep_until: float | None = None  # s, end of the command of a short way
        self._short_way: tuple[float, float] | None = None  # m, of the last one: start, length
        self._start_delay = 0.0  # s, that the drive starts later than it stops, as far as known
        self._stopped_at: float | None = None  # s, when the final stop was commanded
        self._seen = measurement.position
        self._way = 0.0  # m, commanded since the newest measurement
        self._unmoved = 0.0  # m, commanded before it, while the measured position did not change
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
        """Measured or differentiated velocity; NaN while neither is known."""
        return self._estimate.velocity

    @property
    def resolution(self) -> float:
        """Smallest step of the measured position, m."""
        return self._estimate.resolution

    @property
    def profile(self) -> ProfileState:
        """Where the profile is."""
        return self._profile.state()

    def update(self, measurement: Measurement) -> None:
        """Use a new measurement of the position."""
        if measurement.stamp > self._estimate.stamp:
            # Without a newer measurement nobody knows whether the vehicle moves.
            self._unmoved += self._way
            self._way = 0.0
        self._estimate.update(measurement)
        if measurement.position != self._seen:
            self._seen = measurement.position
            self._unmoved = 0.0
        # Half a step back and forth is the noise of the board.
        if abs(measurement.position - self._counted) > measurement.resolution:
            self.travelled += abs(measurement.position - self._counted)
            self._counted = measurement.position

    def go(self, target: float | None, zones: Iterable[SpeedZone] = ()) -> None:
        """Set the target, None to stop, and the stretches that limit the speed."""
        zones = tuple(zones)
        if target != self._target:
            if self._target is None and target is not None and self._profile.remaining == 0.0:
                self._restart(target - self.position)  # where it may have been moved to
            self._target = target
            self.arrived = False
            self._creeps = 0
            self._creeping = 0.0
            self._short_way = None
            self._stopped_at = None
        if zones != self._zones:
            self._zones = zones
            self._slowed.clear()

    def limit(self, limits: MotionLimits) -> None:
        """Set new limits of the profile."""
        self._limits = limits

    def interrupt(self) -> None:
        """Restart at rest where the vehicle is: the drive does not follow until it stands."""
        self._restart(0.0)
        self.arrived = False  # it may have been moved since
        self._creeping = 0.0
        self._short_way = None
        self._stopped_at = None
        self._way = self._unmoved = 0.0

    def remaining_time(self, target: float) -> float:
        """Return the time from here to arrival at `target`, s."""
        state = ProfileState(self.position, self._profile.state().velocity)
        return travel_time(state, target, self._limits, self._zones) + self._loop.settle

    @property
    def target(self) -> float | None:
        """Position to drive to; None: a stop."""
        return self._target

    @property
    def there(self) -> bool:
        """Whether it has reached the target, which becomes an arrival when it has settled."""
        return self.arrived or (
            self._stopped_at is not None
            and self._target is not None
            and abs(self._target - self.position) <= self.tolerance
        )

    @property
    def standing(self) -> bool:
        """Whether profile and vehicle stand still."""
        return self._profile.remaining == 0.0 and abs(self.velocity) <= STANDSTILL

    def rests(self, since: float) -> bool:
        """Return whether the vehicle has come to rest after the moment `since`, s."""
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
        before = self._profile.state().velocity
        self._profile.advance(dt)
        if self._target is None:
            self._end_stop(before)
        self._follow(speed_limit)
        self._plan(speed_limit)
        if self._target is None:
            # Not counted as a way: below its smallest speed, a drive does not follow a stop.
            return self._brake(speed_limit)
        if self._profile.remaining <= self._loop.drive_delay:
            command = self._arrive(self._target, speed_limit)
        else:
            command = self._track(speed_limit)
        self._way += abs(command) * dt
        if self._unmoved > self._loop.stall + self._estimate.resolution:
            raise MotionError(
                f'the position does not change although {self._unmoved:.2f} m were commanded'
            )
        return command

    def _restart(self, direction: float) -> None:
        """Restart the profile from the vehicle, whose motion counts in a direction alone.

        To command a motion the other way would drive the vehicle where somebody pushes it or where
        it rolls, and hide that from the supervision of the motion.

        Args:
            direction: its sign counts; 0: from rest.

        """
        sign = _sign(direction)
        velocity = sign * max(0.0, sign * self._estimate.drift)
        self._profile.restart(ProfileState(self.position, velocity))
        self._planned = None

    def _end_stop(self, before: float) -> None:
        """End a stop where the velocity, which was `before`, becomes 0 or turns.

        A profile that was about to reverse first does so, for want of jerk, before it stops.
        """
        state = self._profile.state()
        if self._profile.remaining > 0.0 and state.velocity * _sign(before) <= SHORTEST_STEP:
            self._profile.restart(ProfileState(state.position))
            self._planned = None

    def _follow(self, speed_limit: float) -> None:
        """Restart the profile from the vehicle where the vehicle cannot follow it."""
        state = self._profile.state()
        error = state.position - self.position
        direction = _sign(state.velocity)
        behind = error * direction
        if behind < -self._loop.runaway or (direction == 0.0 and abs(error) > self._loop.runaway):
            raise MotionError(f'the vehicle is {abs(error):.2f} m away from its commanded motion')
        late = behind > self._loop.lag
        limited = abs(state.velocity) > speed_limit + SHORTEST_STEP and behind > 0.0
        if limited or (late and self._target is None):
            # The drive is limited at once; the profile approaches the limit within its jerk. And
            # a stop ends when it would have: what the vehicle does meanwhile is no new velocity.
            self._profile.restart(ProfileState(self.position, state.velocity, state.acceleration))
            self._planned = None
        elif late:
            self._restart(direction)

    def _plan(self, speed_limit: float) -> None:
        velocity = max(0.0, min(speed_limit, self._limits.max_velocity, self._zone_limit()))
        limits = MotionLimits(velocity, self._limits.max_acceleration, self._limits.max_jerk)
        wanted = (self._target, limits)
        if wanted != self._planned:
            self._profile.move(*wanted)
            self._planned = wanted

    def _zone_limit(self) -> float:
        """Return the lowest limit of the zones here and of those where braking must begin now."""
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
                    # One step of the loop passes before the next check.
                    margin = abs(state.velocity) * ZONE_LEAD
                    if way > self._profile.way_to(direction * zone.speed_limit) + margin:
                        continue
                self._slowed.add(zone)
            limit = min(limit, zone.speed_limit)
        return limit

    def _track(self, speed_limit: float) -> float:
        """Follow the profile, ahead by the delay of the drive."""
        state, ahead = self._profile.state(), self._profile.state(self._loop.drive_delay)
        error = state.position - self.position
        correction = _clamp(self._loop.gain * error, -self._loop.correction, self._loop.correction)
        limit = min(speed_limit, self._limits.max_velocity)
        direction = math.copysign(1.0, ahead.velocity or correction)
        speed = _clamp((ahead.velocity + correction) * direction, 0.0, limit)
        # Zero would switch the drive off, and switching it on again takes time.
        return direction * max(speed, min(limit, self._loop.creep_speed / 10.0))

    def _brake(self, speed_limit: float) -> float:
        """Follow the profile to a stop: never faster than it, and never the other way."""
        state, ahead = self._profile.state(), self._profile.state(self._loop.drive_delay)
        direction = _sign(state.velocity)
        limit = min(speed_limit, self._limits.max_velocity, max(0.0, ahead.velocity * direction))
        overshoot = (self.position - state.position) * direction
        correction = _clamp(self._loop.gain * overshoot, 0.0, self._loop.correction)
        # As in `_track`, the drive stays switched on.
        return direction * max(limit - correction, min(limit, self._loop.creep_speed / 10.0))

    def _arrive(self, target: float, speed_limit: float) -> float:
        """Creep to the target and stop there; at standstill check whether it has arrived."""
        error = target - self.position
        speed = min(self._loop.creep_speed, speed_limit, self._limits.max_velocity)
        delay_way = speed * self._loop.drive_delay
        if self._stopped_at is None:
            if self._creeping == 0.0 and abs(error) > self.tolerance / 2.0:
                self._creeping = math.copysign(1.0, error)
                self._creeps += 1
                if self._creeps > MAXIMUM_CREEPS:
                    raise MotionError(
                        f'{abs(error) * 1000:.1f} mm from the target after {MAXIMUM_CREEPS} tries'
                    )
                self._time_short_way(error, speed)
            left = error * self._creeping
            if left > 0.0 and (
                left > delay_way if self._creep_until is None else self._now < self._creep_until
            ):
                return self._creeping * speed
            self._stopped_at = self._now
            self._creeping = 0.0
        # Only what the board measures after the vehicle came to rest counts.
        if not abs(self.velocity) <= STANDSTILL:  # NaN too
            self._stopped_at = self._now
        elif self._estimate.stamp - self._stopped_at > self._loop.settle:
            if abs(error) <= self.tolerance - self._estimate.resolution / 2.0:
                self.arrived = True
            else:
                self._stopped_at = None
        return 0.0

    def _time_short_way(self, error: float, speed: float) -> None:
        """Set the end of the command where the position would tell too late when to stop.

        A drive may start later than it stops: ways that were too short or too long tell by how
        much.
        """
        if self._short_way is not None:
            start, length = self._short_way
            if abs(self.position - start) <= self._estimate.resolution:
                self._start_delay += START_DELAY_STEP
            elif error * length < 0.0:
                self._start_delay = max(0.0, self._start_delay - START_DELAY_STEP)
        way = 2.0 * speed * self._loop.drive_delay
        if abs(error) <= way and abs(self.velocity) <= STANDSTILL and speed > 0.0:
            self._creep_until = self._now + abs(error) / speed + self._start_delay
            self._short_way = self.position, error
        else:
            self._creep_until = self._short_way = None


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def _sign(value: float) -> float:
    """Return 1 or -1; 0 near 0, where the sign of a velocity is a rounding error."""
    return 0.0 if abs(value) <= SHORTEST_STEP else math.copysign(1.0, value)

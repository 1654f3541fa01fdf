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
"""Physics of the vehicle: a carrier on a straight rail, its battery, what its sensors see.

Integrated in fixed steps, so that the same inputs at the same times give the same states. SI
units.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field

STEP = 0.005  # s
SENSOR_TIME = 0.1  # s, time constant of the sensor of the battery's current

# Open-circuit voltage of a cell over its state of charge.
_OCV = ((0.0, 3.0), (0.1, 3.45), (0.5, 3.70), (0.9, 4.05), (1.0, 4.20))


@dataclass
class Parameters:
    """What a vehicle is built of."""

    rail_length: float = 50.0  # m
    start: float = 5.0  # m
    mass: float = 120.0  # kg
    full_speed: float = 1.0  # m/s at 100 % drive
    accel: float = 1.5  # m/s^2 the drive can give
    decel: float = 2.0  # m/s^2 the drive or the brake can take
    coast: float = 0.0  # s, time constant of the velocity while switched off; 0: it brakes
    min_duty: float = 0.0  # ratio of full drive below which the wheel does not turn
    travel_channel: int = 1  # motor of the motor board that moves the vehicle
    hoist_channel: int = 0  # the one that hoists; 0: none
    hoist_speed: float = 0.2  # m/s of rope at 100 % drive
    hoist_coast: float = 0.0  # s, time constant of the hoist while switched off; 0: it brakes
    rope: float = 3.5  # m on the spool
    pulse_length: float = 0.0275  # m of rope for a pulse of the encoder
    dock_position: float = 1.0  # m, where the charger is
    cells: int = 6
    capacity: float = 50.0  # Ah
    soc: float = 0.85
    cell_resistance: float = 0.004  # ohm
    idle_current: float = 1.5  # A
    charge_current: float = 10.0  # A
    ambient: float = 25.0  # degC


@dataclass
class World:
    """State of the vehicle and its surroundings, advanced to a given time.

    Attributes:
        obstacles: positions on the rail, m.
        unplugged_distances: terminals of the safety board whose distance sensor gives nothing.
        input_levels: levels at the safety board's digital inputs; the first is the closed
            emergency stop chain.
        charge_relay: the power board has connected the charger to the pack.
        charge_rate: times the true rate at which the state of charge changes.
        travelled: m, both directions added.
        sensed_current: A, as the current sensor has it, which filters what the drive's steps draw.
        drawn: J, from the battery at its terminals; what goes into it is not counted.
        rope: m, unrolled.
        rope_velocity: m/s, of the hoist, positive while it unrolls.
        rope_slip: m/s, at which the rope comes out by itself, as with a brake that does not hold.
        rope_turned: m, of rope past the encoder, both directions added.
        crashes: m/s, at which the vehicle ran into an end of the rail, each time.
        advancing: a step is made; registers that change do so at `now`.
        drive: asked at each step, dt in s, for (wanted velocity in m/s, whether the drive is
            enabled).
        hoist: likewise, positive to unroll.
    """

    parameters: Parameters = field(default_factory=Parameters)
    position: float = math.nan
    velocity: float = 0.0
    acceleration: float = 0.0
    soc: float = math.nan
    battery_temperature: float = math.nan
    charger_temperature: float = math.nan
    charger_connected: bool = False
    charge_requested: bool = False
    charge_relay: bool = False
    current: float = 0.0  # A into the pack
    sensed_current: float = math.nan
    charge_rate: float = 1.0
    travelled: float = 0.0
    drawn: float = 0.0
    rope: float = 0.0
    rope_velocity: float = 0.0
    rope_slip: float = 0.0
    rope_turned: float = 0.0
    crashes: list[float] = field(default_factory=list)
    advancing: bool = False
    obstacles: list[float] = field(default_factory=list)
    unplugged_distances: list[int] = field(default_factory=list)
    input_levels: list[bool] = field(default_factory=lambda: [True, False, False, False])
    drive: Callable[[float], tuple[float, bool]] = lambda dt: (0.0, False)
    hoist: Callable[[float], tuple[float, bool]] = lambda dt: (0.0, False)
    _time: float = math.nan

    def __post_init__(self) -> None:
        parameters = self.parameters
        self.position = parameters.start
        self.soc = parameters.soc
        self.sensed_current = -parameters.idle_current
        self.battery_temperature = self.charger_temperature = parameters.ambient

    def advance(self, now: float) -> None:
        """Step up to `now` (s, any clock that only rises)."""
        if math.isnan(self._time):
            self._time = now
        self.advancing = True
        while self._time + STEP <= now + 1e-9:
            self._time += STEP
            self._step()
        self.advancing = False

    @property
    def now(self) -> float:
        """Moment of the last step, s."""
        return self._time

    def _step(self) -> None:
        wanted, enabled = self.drive(STEP)
        parameters = self.parameters
        target = wanted if enabled else 0.0
        speeding_up = abs(target) > abs(self.velocity) and target * self.velocity >= 0
        limit = parameters.accel if speeding_up else parameters.decel
        if not enabled and parameters.coast > 0.0:
            change = -self.velocity * STEP / parameters.coast
        else:
            change = max(-limit * STEP, min(limit * STEP, target - self.velocity))
        way = (self.velocity + change / 2) * STEP
        inside = 0.0 < self.position < parameters.rail_length
        self.position += way
        self.travelled += abs(way)
        self.velocity += change
        self.acceleration = change / STEP
        if not 0.0 <= self.position <= parameters.rail_length:
            if inside:
                self.crashes.append(abs(self.velocity))
            self.position = max(0.0, min(parameters.rail_length, self.position))
            self.velocity = 0.0
        self._turn_spool()
        self._supply()

    def _turn_spool(self) -> None:
        wanted, enabled = self.hoist(STEP)
        if enabled:
            self.rope_velocity = wanted
        elif self.parameters.hoist_coast > 0.0:
            self.rope_velocity -= self.rope_velocity * STEP / self.parameters.hoist_coast
        else:
            self.rope_velocity = 0.0
        self.wind(self.rope + (self.rope_velocity + self.rope_slip) * STEP)

    def wind(self, length: float) -> None:
        """Turn the spool until `length` m are out, or as far as it goes."""
        before = self.rope
        self.rope = max(0.0, min(self.parameters.rope, length))
        self.rope_turned += abs(self.rope - before)

    @property
    def wound_up(self) -> bool:
        """Whether the rope holds the reference input of the hoist active."""
        return self.rope < 0.002

    def _supply(self) -> None:
        parameters = self.parameters
        force = parameters.mass * max(self.acceleration * math.copysign(1.0, self.velocity), 0.0)
        power = (force + 0.02 * parameters.mass * 9.81) * abs(self.velocity)
        load = parameters.idle_current + power / self.open_voltage
        self.current = (parameters.charge_current if self.charging else 0.0) - load
        self.sensed_current += (self.current - self.sensed_current) * STEP / SENSOR_TIME
        self.drawn += max(-self.current, 0.0) * self.voltage * STEP
        self.soc += self.charge_rate * self.current * STEP / 3600.0 / parameters.capacity
        self.soc = max(0.0, min(1.0, self.soc))
        heat = parameters.ambient + 0.002 * self.current**2 * 5
        self.battery_temperature += (heat - self.battery_temperature) * STEP / 600.0
        hot = parameters.ambient + (20.0 if self.charging else 0.0)
        self.charger_temperature += (hot - self.charger_temperature) * STEP / 120.0

    @property
    def charger_present(self) -> bool:
        """Whether the vehicle stands at the charger, or one was plugged in."""
        return self.charger_connected or abs(self.position - self.parameters.dock_position) < 0.02

    @property
    def docked(self) -> bool:
        """Whether the vehicle stands aligned in the dock."""
        return abs(self.position - self.parameters.dock_position) < 0.005 and self.velocity == 0.0

    @property
    def charger_powered(self) -> bool:
        """Whether the charger has its supply: in the dock, or where one was plugged in."""
        return self.charger_connected or self.docked

    @property
    def charging(self) -> bool:
        """Whether current flows from the charger."""
        return self.charger_powered and self.charge_relay and self.soc < 1.0

    @property
    def open_voltage(self) -> float:
        """Voltage of the unloaded pack."""
        (low, v_low), (high, v_high) = next(
            pair for pair in itertools.pairwise(_OCV) if self.soc <= pair[1][0]
        )
        share = (self.soc - low) / (high - low)
        return self.parameters.cells * (v_low + share * (v_high - v_low))

    @property
    def voltage(self) -> float:
        """Voltage at the terminals of the pack."""
        return (
            self.open_voltage
            + self.current * self.parameters.cell_resistance * self.parameters.cells
        )

    def distance(self, forward: bool) -> float:
        """Way to the nearest obstacle ahead or behind, m; infinity without one."""
        ways = ((p - self.position) * (1 if forward else -1) for p in self.obstacles)
        return min((way for way in ways if way >= 0), default=math.inf)

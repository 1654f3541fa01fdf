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
"""The speed that the vehicle may have now, of all that limits or forbids motion."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.board_reports import BoardReport
from oht50_bridge.vehicle.board_reports import InputsReport
from oht50_bridge.vehicle.hoist import ChannelSettings
from oht50_bridge.vehicle.hoist import Hoist
from oht50_bridge.vehicle.hoist import HoistSettings
from oht50_bridge.vehicle.interlocks import Conditions
from oht50_bridge.vehicle.interlocks import interlock_limit
from oht50_bridge.vehicle.obstacles import DistanceSettings
from oht50_bridge.vehicle.obstacles import DockApproach
from oht50_bridge.vehicle.obstacles import ObstacleSettings
from oht50_bridge.vehicle.obstacles import dock_floor
from oht50_bridge.vehicle.obstacles import obstacle_limits
from oht50_bridge.vehicle.position_source import PositionOrigin
from oht50_bridge.vehicle.position_source import PositionOriginSettings
from oht50_bridge.vehicle.position_source import PositionSettings
from oht50_bridge.vehicle.position_source import PositionSource
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.speed_limits import SLOWEST_LIMIT
from oht50_bridge.vehicle.speed_limits import Braking
from oht50_bridge.vehicle.speed_limits import DirectedLimits
from oht50_bridge.vehicle.speed_limits import Direction
from oht50_bridge.vehicle.speed_limits import Limit
from oht50_bridge.vehicle.speed_limits import lowest
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import rail_end_limit
from oht50_bridge.vehicle.zones import widened
from oht50_bridge.vehicle.zones import zone_limits

# After this long without a drive command the direction of travel is unknown.
COMMAND_LIFETIME = 0.3  # s
# A mission that docks says so each DOCK_PERIOD.
DOCK_LIFETIME = 1.0  # s
# Up to this age of a measurement the reaction time counts it in; two periods of the sources.
FRESH = 0.1  # s
MOST_LATE = 2.0  # s, no limit is above 0 by anything older


@dataclass(frozen=True)
class SpeedLimitSettings:
    """What may be set while the vehicle runs."""

    speed_limit: float = setting(
        0.5, 'No motion is faster than this', unit='m/s', minimum=0.0, maximum=2.0, read_only=False
    )


@dataclass(frozen=True)
class InterlockSettings:
    """When the interlocks forbid motion."""

    safety_timeout: float = setting(
        0.3,
        "Age of the safety board's report beyond which motion is forbidden",
        unit='s',
        minimum=0.1,
        maximum=2.0,
    )
    power_timeout: float = setting(
        5.0,
        'Time after which a lost power board forbids motion',
        unit='s',
        minimum=0.5,
        maximum=60.0,
    )
    guard_input: int = setting(
        0,
        'Digital input that is active while a guard is open, 1 to 4; 0: none',
        minimum=0,
        maximum=4,
    )


@dataclass(frozen=True)
class LimiterSettings:
    """All settings of the limiter that do not change while the vehicle runs."""

    interlocks: InterlockSettings
    braking: Braking
    obstacles: ObstacleSettings
    distances: DistanceSettings
    track: TrackSettings
    position: PositionSettings = field(default_factory=PositionSettings)
    origin: PositionOriginSettings = field(default_factory=PositionOriginSettings)
    channels: ChannelSettings = field(default_factory=ChannelSettings)
    hoist: HoistSettings = field(default_factory=HoistSettings)


class SpeedLimiter:
    """The lowest of all limits of speed; without a recent report of the safety board it is 0.

    All times `now` are in s on one monotonic clock, and reports are as old as their receipt.

    Args:
        fixed: settings.

    Attributes:
        settings: speed limit.
        maintenance: who is at work on the vehicle; empty: nobody.
        neighbour: who else is in the namespace of the vehicle; None: nobody.
        position: the position along the rail.
        hoist: what its rope forbids.
        confirmed: config_node has confirmed the parameters since the start. Before, they are
            those of the files, and zones may be missing.

    """

    def __init__(self, fixed: LimiterSettings, settings: SpeedLimitSettings) -> None:
        self._fixed = fixed
        self._directions = fixed.distances.directions
        self.settings = settings
        self._zones: tuple[Zone, ...] = ()
        self._widened: tuple[Zone, ...] = ()  # for positions of the middle of the vehicle
        self.position = PositionSource(fixed.position, fixed.track)
        self.hoist = Hoist(fixed.channels, fixed.hoist)
        self.maintenance = ''
        self.neighbour: str | None = None
        self.confirmed = False
        self._dock = DockApproach(), -math.inf  # and the moment of the report
        self._in_stop_zones: frozenset[str] = frozenset()
        self._entered = ''  # stop zone in which a new command is needed
        self._inputs: tuple[InputsReport, float] | None = None
        self._command = Direction.NONE
        self._commanded_at = -math.inf
        self._power_lost_since: float | None = None

    @property
    def zones(self) -> tuple[Zone, ...]:
        """Zones of the rail, as they are configured."""
        return self._zones

    @zones.setter
    def zones(self, zones: Sequence[Zone]) -> None:
        self._zones = tuple(zones)
        self._widened = widened(zones, self._fixed.track)

    def update_inputs(self, report: InputsReport, read_at: float) -> None:
        """Use a report of what the safety board had when it was read, s."""
        self._inputs = report, read_at

    def update_boards(self, boards: Iterable[BoardReport], now: float) -> None:
        """Use a report of the states of all boards."""
        for board in boards:
            if board.kind != 'power':
                continue
            if board.online:
                self._power_lost_since = None
            elif board.error and self._power_lost_since is None:
                self._power_lost_since = now

    def update_dock(self, dock: DockApproach, now: float) -> None:
        """Use the report of a mission of the dock that it drives into."""
        self._dock = dock, now

    def update_command(self, direction: Direction, now: float) -> None:
        """Use the direction of a drive command."""
        self._command = direction
        self._commanded_at = now

    def direction(self, now: float) -> Direction:
        """Return the commanded direction of travel, NONE when there is no recent command."""
        return self._command if now - self._commanded_at <= COMMAND_LIFETIME else Direction.NONE

    def limit(self, estop: str | None, now: float) -> Limit:
        """Return the limit that concerns the present command; arguments as of `limits`."""
        return self.limits(estop, now).towards(self.direction(now))

    def limits(self, estop: str | None, now: float) -> DirectedLimits:
        """Return the lowest of all limits in each direction.

        Args:
            estop: reason of the latched emergency stop, None without one.
            now: s.

        """
        inputs = self._recent_inputs(now)
        stop = interlock_limit(self._conditions(estop, inputs, now)) or self._position_limit(now)
        stop = stop or self.hoist.limit(now) or self._zone_stop(now)
        if stop is not None:
            return DirectedLimits(stop, stop)
        report = inputs or InputsReport()
        return DirectedLimits(
            self._directional_limit(Direction.FORWARD, report, now),
            self._directional_limit(Direction.BACKWARD, report, now),
        )

    def _recent_inputs(self, now: float) -> InputsReport | None:
        if self._inputs is None or now - self._inputs[1] > self._fixed.interlocks.safety_timeout:
            return None
        return self._inputs[0]

    def _conditions(
        self, estop: str | None, inputs: InputsReport | None, now: float
    ) -> Conditions:
        return Conditions(
            estop=estop,
            neighbour=self.neighbour,
            inputs_fresh=inputs is not None,
            configured=inputs is not None and inputs.configured,
            board_latched=inputs is not None and inputs.latched,
            alarm=inputs is not None and inputs.alarm,
            confirmed=self.confirmed,
            maintenance=self.maintenance or None,
            guard_open=inputs is not None and self._guard_open(inputs),
            power_lost=self._power_lost_since is not None
            and now - self._power_lost_since > self._fixed.interlocks.power_timeout,
        )

    def _guard_open(self, inputs: InputsReport) -> bool:
        """Return whether a guard is open; an input that is not reported counts as open."""
        guard, states = self._fixed.interlocks.guard_input, inputs.digital_inputs
        return guard > 0 and (len(states) < guard or bool(states[guard - 1]))

    def _recent_dock(self, now: float) -> DockApproach:
        dock, at = self._dock
        return dock if now - at <= DOCK_LIFETIME else DockApproach()

    def _zone_stop(self, now: float) -> Limit | None:
        """Stop a vehicle that comes to be in a stop zone, until a new command is to leave it."""
        position = self.position.position(now)
        inside = frozenset(
            zone.zone_id
            for zone in self._widened
            if zone.action == ZoneAction.STOP and zone.contains(position)
        )
        entered = inside - self._in_stop_zones
        if entered:
            self._entered = min(entered)
        if not inside or self.direction(now) == Direction.NONE:
            self._entered = ''  # what is commanded from now on is a new command
        self._in_stop_zones = inside
        if self._entered:
            return Limit(0.0, f'in stop zone {self._entered}: leaving it takes a new command')
        return None

    def _position_limit(self, now: float) -> Limit | None:
        """Return the stop while the position is not known, None while it is."""
        if self._fixed.origin.origin is PositionOrigin.NONE:
            return Limit(0.0, 'no position source is configured (position_source)')
        if self.position.newest(now) is None:
            return Limit(0.0, self.position.reason)
        return None

    def _directional_limit(self, direction: Direction, inputs: InputsReport, now: float) -> Limit:
        speed_limit = self.settings.speed_limit
        stands = not speed_limit > SLOWEST_LIMIT
        measurement = self.position.newest(now)
        position = math.nan if measurement is None else measurement.position
        step = 0.0 if measurement is None else measurement.resolution
        braking = self._braking(math.inf if measurement is None else now - measurement.stamp)
        inputs_at = -math.inf if self._inputs is None else self._inputs[1]
        return lowest(
            [
                Limit(speed_limit, f'speed_limit is {speed_limit:g}' if stands else ''),
                rail_end_limit(position, direction, self._fixed.track, braking, step),
                *zone_limits(self._widened, position, direction, self._fixed.track, braking, step),
                *obstacle_limits(
                    self._fixed.obstacles,
                    inputs.distances,
                    self._directions,
                    direction,
                    dock_floor(self._fixed.obstacles, self._recent_dock(now), position, direction),
                    self._braking(now - inputs_at),
                ),
            ]
        )

    def _braking(self, age: float) -> Braking:
        """Return how the vehicle slows down by what was measured `age` s ago."""
        braking = self._fixed.braking
        late = min(age - FRESH, MOST_LATE)
        if late <= 0.0:
            return braking
        return replace(braking, reaction_time=braking.reaction_time + late)

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
"""What mission_node knows of the vehicle, and what forbids, holds or interrupts a mission."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oht50_bridge.stop_reason import StopReason
from oht50_bridge.timing import HEARTBEAT_TIMEOUT
from oht50_bridge.vehicle.admission import Readiness
from oht50_bridge.vehicle.docking import DockReading
from oht50_bridge.vehicle.mission import MissionInputs
from oht50_bridge.vehicle.position import Measurement
from oht50_bridge.vehicle.position_source import POSITION_LIFETIME
from oht50_bridge.vehicle.profile import SpeedZone
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import widened

DRIVE_LIFETIME = 0.5  # s, of a report of the travel motor
POWER_LIFETIME = 5.0  # s, of a report of the battery

#: Stop reasons that end without anybody's action.
HOLDS = {
    StopReason.CHARGING: 'the charger is engaged',
    StopReason.SCAN: 'a scan of the modules runs',
}
#: Stop reasons after which the travel motor needs more than a new command.
DRIVE_FAULTS = (
    StopReason.ESTOP,
    StopReason.LAYOUT,
    StopReason.SHUTDOWN,
    StopReason.DRIVE_FAULT,
    StopReason.MODULE_LOST,
)


@dataclass(frozen=True)
class Permission:
    """The safety heartbeat.

    Attributes:
        permitted: nothing forbids motion.
        hold: what forbids motion clears by itself.
        speed_limit: m/s.
        reason: why motion is forbidden or limited, for a person.

    """

    permitted: bool
    hold: bool
    speed_limit: float
    reason: str


@dataclass(frozen=True)
class Battery:
    """What the power board reports.

    Attributes:
        percentage: state of charge, ratio 0..1; NaN where it is not measured.
        drawn: power drawn from the battery, W; 0 while it is charged.
        charger: it sees a charger.

    """

    percentage: float
    drawn: float
    charger: bool


class VehicleView:
    """The newest report of each kind, with its age.

    All times are in s on one monotonic clock, which the caller reads.

    Args:
        track: the rail.

    Attributes:
        zones: zones of the rail, as they are configured; None until they are known.
        confirmed: config_node has confirmed the configuration since the start.
        speed_limit: m/s, no motion is faster anywhere on the rail.

    """

    def __init__(self, track: TrackSettings) -> None:
        self._track = track
        self._measurement: Measurement | None = None
        self._lost = ''  # why the position is lost
        self._dock_at = -math.inf  # moment of the newest report of the dock
        self.zones: Sequence[Zone] | None = None
        self.confirmed = False
        self.speed_limit = math.inf
        self._widened: tuple[Zone, ...] = ()  # for positions of the middle of the vehicle
        self._dock_distance = math.nan
        self._dock_aligned = False
        self._drive: tuple[str, float] | None = None  # stop reason, moment of receipt
        self._permission: tuple[Permission, float] | None = None
        self._battery: tuple[Battery, float] | None = None
        self._estop: str | None = None  # reason of the latched stop

    # Reports.

    def update_position(self, measurement: Measurement | None, lost: str = '') -> None:
        """Keep the position as safety_node judges it.

        Args:
            measurement: None when the position is not known.
            lost: why it is lost, empty when it is not.

        """
        self._measurement = measurement
        self._lost = lost

    def update_dock(self, distance: float, aligned: bool, now: float) -> None:
        """Keep what is reported of the dock; the distance to it in m or NaN."""
        self._dock_distance = distance
        self._dock_aligned = aligned
        self._dock_at = now

    def update_drive(self, stop_reason: str, now: float) -> None:
        """Keep the report of the travel motor."""
        self._drive = stop_reason, now

    def update_permission(self, permission: Permission, now: float) -> None:
        """Keep a safety heartbeat."""
        self._permission = permission, now

    def update_battery(self, battery: Battery, now: float) -> None:
        """Keep the report of the power board."""
        self._battery = battery, now

    def update_estop(self, latched: bool, reason: str) -> None:
        """Keep the state of the emergency-stop latch."""
        self._estop = reason if latched else None

    def update_zones(self, zones: Sequence[Zone], speed_limit: float = math.inf) -> None:
        """Keep the zones of the rail.

        Args:
            zones: the zones.
            speed_limit: m/s, everywhere.

        """
        self.zones = zones
        self.speed_limit = speed_limit
        self._widened = widened(zones, self._track)

    # What they mean.

    def speed_zones(self, now: float) -> tuple[SpeedZone, ...]:
        """Return the stretches of the rail that limit the speed.

        Of the stop zones only one that the vehicle is in: it leaves it at the zone's speed.
        """
        position = self.position(now)
        return tuple(
            SpeedZone(zone.start, zone.end, zone.speed_limit)
            for zone in self._widened
            if zone.action != ZoneAction.STOP or zone.contains(position)
        )

    def drawn(self, now: float) -> float:
        """Return the power drawn from the battery, W; NaN while it is not known."""
        battery = self._recent_battery(now)
        return math.nan if battery is None else battery.drawn

    def measurement(self, now: float) -> Measurement | None:
        """Return the newest position, None when it is not known or too old."""
        newest = self._measurement
        if newest is None or not now - newest.stamp <= POSITION_LIFETIME:
            return None
        return newest

    def position(self, now: float) -> float:
        """Return the position along the rail, m; NaN when it is not known."""
        measurement = self.measurement(now)
        return math.nan if measurement is None else measurement.position

    def sees_dock(self, now: float) -> bool:
        """Return whether a board reports of the dock."""
        return now - self._dock_at <= POSITION_LIFETIME

    def left_dock(self, now: float) -> bool:
        """Return whether the dock board reports that the vehicle is not in the dock."""
        return self.sees_dock(now) and not self._dock_aligned

    def forbidden(self, now: float) -> str:
        """Return why motion is forbidden until someone acts, empty when it is not."""
        if self._estop is not None:
            return f'emergency stop: {self._estop}'
        stop_reason = self._stop_reason(now)
        if stop_reason in DRIVE_FAULTS:
            return f'the travel motor is stopped: {stop_reason}'
        if self._lost:
            return self._lost
        permission = self._recent_permission(now)
        if permission is not None and not permission.permitted and not permission.hold:
            return permission.reason or 'motion is not permitted'
        return ''

    def hold(self, now: float) -> str:
        """Return what forbids motion and clears by itself, empty when nothing does."""
        permission = self._recent_permission(now)
        if permission is not None and not permission.permitted:
            return permission.reason
        stop_reason = self._stop_reason(now)
        return next((text for reason, text in HOLDS.items() if reason == stop_reason), '')

    def missing(self, now: float) -> str:
        """Return what is missing for motion and may return by itself, empty when nothing is."""
        if self._recent_permission(now) is None:
            return 'no safety heartbeat'
        return 'no report of the travel motor' if self._stop_reason(now) is None else ''

    def readiness(self, now: float) -> Readiness:
        """Return the state of the vehicle before a mission."""
        battery = self._recent_battery(now)
        unconfirmed = (
            ''
            if self.confirmed
            else 'the configuration is not confirmed since the start; check config_node'
        )
        return Readiness(
            not_ready=self.forbidden(now) or self.missing(now) or unconfirmed,
            position=self.position(now),
            battery=battery.percentage if battery is not None else math.nan,
            zones=self.zones,
        )

    def inputs(self, now: float) -> MissionInputs:
        """Return what a mission sees now."""
        measurement = self._measurement
        permission = self._recent_permission(now)
        stop_reason = self._stop_reason(now)
        if stop_reason is None:
            stopped = 'it does not report'
        else:
            stopped = '' if stop_reason == StopReason.NONE else stop_reason
        return MissionInputs(
            measurement=measurement,
            position_age=now - measurement.stamp if measurement is not None else math.inf,
            forbidden=self.forbidden(now),
            missing=self.missing(now),
            speed_limit=permission.speed_limit if permission is not None else 0.0,
            dock=self._dock_reading(now),
            stopped=stopped,
            zones=self.speed_zones(now),
            hold=self.hold(now),
        )

    def _dock_reading(self, now: float) -> DockReading:
        known = self.sees_dock(now)
        battery = self._recent_battery(now)
        return DockReading(
            distance=self._dock_distance if known else math.nan,
            aligned=known and self._dock_aligned,
            charger=battery is not None and battery.charger,
        )

    def _stop_reason(self, now: float) -> str | None:
        if self._drive is None or now - self._drive[1] > DRIVE_LIFETIME:
            return None
        return self._drive[0]

    def _recent_permission(self, now: float) -> Permission | None:
        if self._permission is None or now - self._permission[1] > HEARTBEAT_TIMEOUT:
            return None
        return self._permission[0]

    def _recent_battery(self, now: float) -> Battery | None:
        if self._battery is None or now - self._battery[1] > POWER_LIFETIME:
            return None
        return self._battery[0]

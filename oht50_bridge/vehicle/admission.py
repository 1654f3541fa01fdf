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
"""Admission of missions: which requests are refused, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.mission_limits import FULL_LOAD
from oht50_bridge.vehicle.rail import TrackSettings
from oht50_bridge.vehicle.refusal import RefusedError
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import widened

MISSION_TYPES = ('transport', 'inspection', 'maintenance')
ON_RAIL = 0.001  # m, from the rail's axis


@dataclass(frozen=True)
class MissionRules:
    """What a mission must comply with."""

    minimum_battery: float = setting(
        0.30, 'Least charge at the start, ratio 0..1', minimum=0.0, maximum=1.0
    )
    maximum_payload: float = setting(
        FULL_LOAD, 'Greatest payload', unit='kg', minimum=0.0, maximum=FULL_LOAD
    )
    maximum_duration: float = setting(
        3600.0, 'Longest estimated duration', unit='s', minimum=1.0, maximum=3600.0
    )


@dataclass(frozen=True)
class MissionRequest:
    """A mission that is requested.

    Attributes:
        mission_type: one of MISSION_TYPES.
        target: x, y, z in m.
        payload: kg.
        to_charger: it ends at a charger, so an empty battery is no reason to refuse it.

    """

    mission_type: str
    target: tuple[float, float, float]
    payload: float
    to_charger: bool = False


@dataclass(frozen=True)
class Readiness:
    """What is known of the vehicle before a mission; NaN and None where nothing is.

    Attributes:
        not_ready: why the vehicle cannot move, empty when it can.
        position: m.
        battery: state of charge, ratio 0..1.
        zones: zones of the rail.

    """

    not_ready: str
    position: float
    battery: float
    zones: Sequence[Zone] | None


def check_request(
    request: MissionRequest, readiness: Readiness, rules: MissionRules, track: TrackSettings
) -> None:
    """Check a request against the rules and the state of the vehicle.

    Args:
        request: the mission.
        readiness: the state of the vehicle.
        rules: what a mission must comply with.
        track: the rail.

    Raises:
        RefusedError: it names the field or the state, and what is allowed.

    """
    if request.mission_type not in MISSION_TYPES:
        raise RefusedError(
            f'mission_type {request.mission_type!r}: must be one of {", ".join(MISSION_TYPES)}'
        )
    x, y, z = request.target
    first, last = track.targets
    if not first <= x <= last:  # NaN too
        raise RefusedError(f'target x {x:g} m: must be on the rail, {first:g} to {last:g} m')
    if not (abs(y) <= ON_RAIL and abs(z) <= ON_RAIL):
        raise RefusedError(f'target y {y:g} m, z {z:g} m: the vehicle moves on the rail, give 0')
    if not 0.0 <= request.payload <= rules.maximum_payload:
        raise RefusedError(
            f'payload {request.payload:g} kg: must be 0 to {rules.maximum_payload:g} kg'
        )
    _check_readiness(request, readiness, rules)
    assert readiness.zones is not None
    _check_zones(x, readiness.position, widened(readiness.zones, track))


def _check_readiness(request: MissionRequest, readiness: Readiness, rules: MissionRules) -> None:
    if readiness.not_ready:
        raise RefusedError(f'the vehicle is not ready: {readiness.not_ready}')
    if math.isnan(readiness.position):
        raise RefusedError('the vehicle is not ready: its position is not known')
    if math.isnan(readiness.battery):
        raise RefusedError('the vehicle is not ready: the charge of its battery is not known')
    if readiness.battery < rules.minimum_battery and not request.to_charger:
        raise RefusedError(
            f'battery at {readiness.battery:.0%}: charge to at least '
            f'{rules.minimum_battery:.0%} first'
        )
    if readiness.zones is None:
        raise RefusedError('the vehicle is not ready: its zones are not known')


def _check_zones(target: float, position: float, zones: Sequence[Zone]) -> None:
    low, high = sorted((position, target))
    for zone in zones:
        if zone.action != ZoneAction.STOP:
            continue
        if zone.contains(target):
            raise RefusedError(
                f'target x {target:g} m: in zone {zone.zone_id}, must not be entered'
            )
        # A vehicle that stands in one may leave it.
        if zone.start <= high and low <= zone.end and not zone.contains(position):
            raise RefusedError(
                f'target x {target:g} m: zone {zone.zone_id} is on the way, must not be entered'
            )


def check_duration(duration: float, rules: MissionRules) -> None:
    """Check the estimated duration of a mission, s.

    Raises:
        RefusedError: it is too long.

    """
    if duration > rules.maximum_duration:
        raise RefusedError(
            f'estimated duration {duration:.0f} s: must not exceed '
            f'{rules.maximum_duration:.0f} s; give a nearer target'
        )

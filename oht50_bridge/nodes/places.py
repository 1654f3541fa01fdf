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
"""Places on the rail as messages."""

from __future__ import annotations

import math

from geometry_msgs.msg import Point

from oht50_bridge.msg import HoistState
from oht50_bridge.msg import Zones
from oht50_bridge.nodes.newest import Newest
from oht50_bridge.vehicle.hoist import HOIST_LIFETIME
from oht50_bridge.vehicle.zones import Zone
from oht50_bridge.vehicle.zones import ZoneAction
from oht50_bridge.vehicle.zones import ZoneType


def place_on_rail(x: float, measured: Point) -> Point:
    """Return a place of the vehicle, m.

    Args:
        x: along the rail.
        measured: y and z as the position source reports them; where it measures none they are 0,
            as the vehicle hangs on the rail.

    """
    return Point(
        x=x,
        y=measured.y if math.isfinite(measured.y) else 0.0,
        z=measured.z if math.isfinite(measured.z) else 0.0,
    )


def zones_of(message: Zones) -> list[Zone]:
    """Return the zones of a message."""
    return [
        Zone(
            zone.zone_id,
            ZoneType(zone.zone_type),
            ZoneAction(zone.action),
            zone.start,
            zone.end,
            zone.speed_limit,
        )
        for zone in message.zones
    ]


class Rope:
    """The rope of the hoist, at which the load hangs below the rail."""

    def __init__(self) -> None:
        self._newest: Newest[HoistState] = Newest(HOIST_LIFETIME)
        self._is_configured = False

    def put(self, hoist: HoistState) -> None:
        """Keep a report of the hoist; without a hoist there is none."""
        self._is_configured = True
        self._newest.put(hoist, hoist.age)

    def hang(self, place: Point) -> Point:
        """Return a place, m, with z of minus the rope: NaN while its length is not known.

        Without a hoist, z stays. Nothing is said of a place whose x is NaN.
        """
        if not self._is_configured or math.isnan(place.x):
            return place
        hoist = self._newest.get()
        known = hoist is not None and hoist.referenced and math.isfinite(hoist.rope_length)
        # 0 would say that the hoist is up, and rope may be out.
        z = 0.0 - hoist.rope_length if hoist is not None and known else math.nan
        return Point(x=place.x, y=place.y, z=z)

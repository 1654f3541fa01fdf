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
"""What a client is to know of the emergency stop and of what forbids motion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace

from oht50_bridge.first_and_newest import first_and_newest
from oht50_bridge.text import reason_text
from oht50_bridge.text import shown
from oht50_bridge.vehicle.estop import Estop
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.speed_limits import DirectedLimits
from oht50_bridge.vehicle.speed_limits import Limit

# A message to a client has 16 KiB at most, whatever was written into the reasons.
LISTED_STOPS = 8
LISTED_HINDRANCES = 4
SHOWN_SOURCE = 64  # characters of a source


@dataclass(frozen=True)
class SafetyReport:
    """Whether the vehicle is stopped, and what forbids a reset and motion.

    Attributes:
        stops: that are latched, the oldest first; of many the first and the newest.
        more_stops: number of those that are latched and not in `stops`.
        reset: what forbids to clear, for a person; empty without a latched stop.
        forward: why nothing moves towards growing x, for a person; empty when it may.
        backward: why nothing moves towards falling x.
        motor: why the travel motor follows no command.

    """

    stops: tuple[Estop, ...] = ()
    more_stops: int = 0
    reset: tuple[str, ...] = ()
    forward: str = ''
    backward: str = ''
    motor: str = ''


def safety_report(
    latch: EstopLatch, reset: Iterable[str], limits: DirectedLimits, motor: str
) -> SafetyReport:
    """Return what is to be reported; arguments as of `SafetyReport`, and the limits of speed."""
    stops = first_and_newest(latch.stops, LISTED_STOPS)
    # The latch itself keeps not all of them. No clear is between two stops that are latched.
    latched = stops[-1].counter - stops[0].counter + 1 if stops else 0
    return SafetyReport(
        tuple(
            replace(stop, reason=reason_text(stop.reason), source=shown(stop.source, SHOWN_SOURCE))
            for stop in stops
        ),
        latched - len(stops),
        tuple(reason_text(text) for text in [*reset][:LISTED_HINDRANCES]),
        _forbidden(limits.forward),
        _forbidden(limits.backward),
        motor,
    )


def _forbidden(limit: Limit) -> str:
    return '' if limit.speed > 0.0 else reason_text(limit.reason)

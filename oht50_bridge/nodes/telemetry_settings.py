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
"""Parameters of telemetry_node beside those that several nodes have alike."""

from __future__ import annotations

from dataclasses import dataclass

from oht50_bridge.settings import setting
from oht50_bridge.vehicle.position_source import POSITION_LIFETIME

MINIMUM_RATE = 0.1  # Hz
MAXIMUM_RATE = 10.0  # Hz, the specification's limit of telemetry.realtime


@dataclass(frozen=True)
class TelemetrySettings:
    """Rates, ages, frames, and the range of the distance inputs."""

    rate: float = setting(
        10.0,
        'Publishing rate',
        unit='Hz',
        minimum=MINIMUM_RATE,
        maximum=MAXIMUM_RATE,
        read_only=False,
    )
    position_lifetime: float = setting(
        POSITION_LIFETIME,
        'Age beyond which a position is not reported',
        unit='s',
        minimum=0.05,
        maximum=10.0,
    )
    power_lifetime: float = setting(
        5.0,
        'Age beyond which battery values are not reported',
        unit='s',
        minimum=0.5,
        maximum=60.0,
    )
    map_frame: str = setting('map', 'Frame of positions')
    odom_frame: str = setting('odom', 'Frame of the odometry; it coincides with map_frame')
    base_frame: str = setting('base_link', 'Frame of the vehicle')
    range_minimum: float = setting(
        0.1,
        'Least distance that the distance inputs measure',
        unit='m',
        minimum=0.0,
        maximum=100.0,
    )
    range_maximum: float = setting(
        0.95,
        'Greatest distance that the distance inputs measure',
        unit='m',
        minimum=0.0,
        maximum=100.0,
    )

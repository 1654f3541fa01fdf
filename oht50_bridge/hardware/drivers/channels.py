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
"""Which motor of a motor board moves the vehicle, and which one hoists."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.registers import RegisterProfile


def for_channels(
    profile: RegisterProfile,
    options: Mapping[str, Any],
    error: Callable[[str, str], HardwareConfigError],
) -> RegisterProfile:
    """Return a layout whose `drive` is the motor that travels, and whose `hoist` is one in use.

    Args:
        profile: the layout of the board.
        options: travel_channel, 1 or 2, default 1; hoist_channel, likewise, or 0, the default,
            for none.
        error: makes an error of a field and its remedy.

    Raises:
        HardwareConfigError: a channel is none of the board, or both are the same.

    """
    travel = options.get('travel_channel', 1)
    hoist = options.get('hoist_channel', 0)
    if isinstance(travel, bool) or travel not in (1, 2):
        raise error('options.travel_channel', f'{travel!r} must be 1 or 2')
    if isinstance(hoist, bool) or hoist not in (0, 1, 2):
        raise error('options.hoist_channel', f'{hoist!r} must be 1 or 2, or 0 for none')
    if hoist == travel:
        raise error('options.hoist_channel', f'{hoist} is travel_channel, choose the other or 0')
    if travel == 2 and profile.second_drive is None:
        raise error('options.travel_channel', f'{profile.name} drives no motor 2, set 1')
    if hoist and profile.hoist is None:
        raise error('options.hoist_channel', f'{profile.name} counts no rope, set 0')
    return replace(
        profile,
        drive=profile.second_drive if travel == 2 else profile.drive,
        hoist=profile.hoist if hoist else None,
    )

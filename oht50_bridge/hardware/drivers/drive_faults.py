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
"""Tells when a motor board is no longer what the driver made of it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.hardware.registers import Value

UNNAMED = -1  # in place of the error code of a board that reports a fault without one


class DriveFaults:
    """Compares what a board reports with what was seen of it before.

    A board that loses its supply for some milliseconds comes back with power-up values and answers
    as before; one with a protection of its own clears `enable`. Neither may be driven on as if
    nothing had been.

    Args:
        profile: of the board; it has a drive.
        settle: s after which the board no longer takes a write back.

    """

    def __init__(self, profile: RegisterProfile, settle: float) -> None:
        assert profile.drive is not None
        self._profile = profile
        self._drive = profile.drive
        self._settle = settle
        self._code: Value = 0  # error code that was reported, UNNAMED for a fault without one
        self._marked = False  # the mark was seen on the board
        self._enabled_since: float | None = None  # s; no stop was written since

    def forget(self) -> None:
        """Begin with a board that was just set up."""
        self._marked = False
        self._enabled_since = None

    def stopped(self) -> None:
        """Note that a stop is being written."""
        self._enabled_since = None

    @property
    def marked(self) -> bool:
        """Whether the board had the mark when it was last read: a restart would take it."""
        return self._marked

    @property
    def persists(self) -> bool:
        """Whether the board itself reported a fault when it was last read."""
        return self._code != 0

    @property
    def reported(self) -> str:
        """What the board itself reported when it was last read; empty when it was nothing."""
        if not self.persists:
            return ''
        named = 'a fault' if self._code == UNNAMED else f'error code {self._code}'
        return f'the board reports {named}'

    def look(self, values: Mapping[str, Value], read_at: float) -> str:
        """Return what has become wrong with the values that were read at `read_at` s, or ''."""
        # First of all: what persists must not depend on what else is wrong.
        before, self._code = self._code, values.get('error_code', 0)
        if self._code == 0 and values.get('fault') is True:
            self._code = UNNAMED
        marked = all(values[name] == value for name, value in self._drive.mark.items())
        if self._marked and not marked:
            return 'the board has restarted: its registers have their power-up values'
        self._marked = marked and bool(self._drive.mark)
        enable = values[self._drive.enable]
        if enable is True:
            self._enabled_since = read_at if self._enabled_since is None else self._enabled_since
        elif self._enabled_since is not None:
            settled = read_at - self._enabled_since >= self._settle
            self._enabled_since = None
            if settled:
                return f'{self._drive.enable} is {enable}, but nobody wrote that'
        if self._code not in (0, before):
            return self.reported
        # By its own input. After a stop that was written it may be one that the driver asked for.
        if enable is True and values.get('emergency_stopped') is True:
            return 'the board has made an emergency stop by itself'
        return ''

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
"""Which emergency stop a client means that clears without naming one."""

from __future__ import annotations

from collections import deque

#: s that a client has known of a stop before it can mean it. The message may be on its way while
#: the client sends the clear of an earlier stop, and a person has to read it.
READING_TIME = 0.5


class ReportedStops:
    """The emergency stops that were reported to one client."""

    def __init__(self) -> None:
        self._known = ''
        self._recent: deque[tuple[float, str]] = deque()

    def add(self, estop_id: str, now: float) -> None:
        """Note that a stop is reported to the client; now in s of a monotonic clock."""
        self._settle(now)  # here too: most clients never clear one
        if estop_id not in (recent for _, recent in self._recent) and estop_id != self._known:
            self._recent.append((now, estop_id))

    def meant(self, now: float) -> str | None:
        """Return the newest stop that the client has known of for long enough, None without."""
        self._settle(now)
        return self._known or None

    def _settle(self, now: float) -> None:
        """Keep the newest of those that were known of for long enough, and forget the others."""
        while self._recent and self._recent[0][0] + READING_TIME <= now:
            _, self._known = self._recent.popleft()

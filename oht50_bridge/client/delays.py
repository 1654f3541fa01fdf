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
"""How long a client waits before it connects again."""

from __future__ import annotations

from collections.abc import Callable

from oht50_bridge.client.options import BackoffLimits
from oht50_bridge.protocol.errors import CLOSE_IDLE
from oht50_bridge.protocol.errors import CLOSE_RATE_LIMIT
from oht50_bridge.protocol.errors import ErrorCode

STABLE = 10.0  # s, after which a connection was no failed attempt
#: The first delay, in times of `BackoffLimits.first`, where docs/protocol.md asks for another one.
FIRST = {ErrorCode.CONNECTION_LIMIT_REACHED.close: 5.0, CLOSE_RATE_LIMIT: 5.0, CLOSE_IDLE: 0.0}
TOKEN_RETRY = 5.0  # times BackoffLimits.first, and up to twice that: after a function failed


class Delays:
    """Counts failed attempts and chooses delays.

    Args:
        backoff: its limits.
        random: returns a number from 0 to 1.

    """

    def __init__(self, backoff: BackoffLimits, random: Callable[[], float]) -> None:
        self._backoff = backoff
        self._random = random
        self._live_since: float | None = None
        self.failures = 0

    def live(self, now: float) -> None:
        """Note that the connection is live."""
        self._live_since = now

    def fail(self, now: float) -> None:
        """Count an attempt that failed, or a connection that was lost."""
        if self._live_since is not None and now - self._live_since >= STABLE:
            self.failures = 0
        self._live_since = None
        self.failures += 1

    def after(self, code: int | None) -> float:
        """Return the delay after a close code, s; None: none was received."""
        backoff = self._backoff
        times = FIRST.get(code, 1.0)
        if times == 0.0 and self.failures <= 1:
            return 0.0
        # At least what docs/protocol.md asks for, and not all clients at the same moment.
        least = backoff.first * times * (1.0 + self._random() / 2.0)
        # The power is limited so that it stays a number.
        grown = backoff.first * backoff.factor ** min(self.failures - 1, 64)
        return max(least, min(backoff.longest, grown) * (1.0 + self._random()) / 2.0)

    def before_token(self) -> float:
        """Return the delay after the function that supplies tokens failed, s."""
        return self._backoff.first * TOKEN_RETRY * (1.0 + self._random())

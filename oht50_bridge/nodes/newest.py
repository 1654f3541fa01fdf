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
"""The newest message of a topic, while it is recent enough."""

from __future__ import annotations

import math
import time
from typing import Generic
from typing import TypeVar

MessageT = TypeVar('MessageT')


class Newest(Generic[MessageT]):
    """The newest message of a topic, until it is older than its lifetime.

    Args:
        lifetime: s.

    """

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._message: MessageT | None = None
        self._at = -math.inf

    def put(self, message: MessageT, age: float = 0.0) -> None:
        """Keep a message that has just arrived; `age` in s, from its reading to its sending."""
        self._message = message
        self._at = read_at(time.monotonic(), age)

    def get(self) -> MessageT | None:
        """Return the newest message, None without one or when it is older than its lifetime."""
        return self._message if time.monotonic() - self._at <= self._lifetime else None


def read_at(now: float, age: float) -> float:
    """Return the moment of a reading, s, on the clock of `now`.

    Args:
        now: s, receipt of the message, on a steady clock.
        age: s, from the reading to the message, as its sender states it; no number: infinite.

    """
    return -math.inf if math.isnan(age) else now - max(age, 0.0)

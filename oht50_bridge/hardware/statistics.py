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
"""Counters and response times of modules, load of a line."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

_WINDOW = 512  # response times kept
_LOAD_WINDOW = 10.0  # s over which utilisation is taken


@dataclass(frozen=True)
class ModuleStatistics:
    """Transactions with one module since the start.

    Response times are s over the last replies, NaN before the first.

    `requests` counts every try, so requests = replies + timeouts + crc_errors + exceptions (+ one
    on the wire). One that the loss of the port ended is among the timeouts.
    """

    requests: int
    replies: int
    timeouts: int
    crc_errors: int
    exceptions: int
    retries: int
    response_time_min: float
    response_time_mean: float
    response_time_max: float
    response_time_p99: float
    last_error: str


class Statistics:
    """Counters of one module: written by the line's thread, read by any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(
            ('requests', 'replies', 'timeouts', 'crc_errors', 'exceptions', 'retries'), 0
        )
        self._times: deque[float] = deque(maxlen=_WINDOW)
        self._last_error = ''

    def count(self, name: str) -> None:
        """Add one to a counter of ModuleStatistics."""
        with self._lock:
            self._counts[name] += 1

    def reply(self, response_time: float) -> None:
        """Note a good reply that took `response_time` s."""
        with self._lock:
            self._counts['replies'] += 1
            self._times.append(response_time)

    def error(self, text: str) -> None:
        """Note the text of the latest error."""
        with self._lock:
            self._last_error = text

    def snapshot(self) -> ModuleStatistics:
        """Take a consistent copy."""
        with self._lock:
            times = sorted(self._times)
            counts = dict(self._counts)
            last_error = self._last_error
        if not times:
            times = [float('nan')]
        return ModuleStatistics(
            **counts,
            response_time_min=times[0],
            response_time_mean=sum(times) / len(times),
            response_time_max=times[-1],
            response_time_p99=times[min(len(times) - 1, int(len(times) * 0.99))],
            last_error=last_error,
        )


class Load:
    """Share of the time a line is busy."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: deque[tuple[float, float]] = deque()
        self._since = time.monotonic()

    def add(self, start: float, end: float) -> None:
        """Note that the line was busy from `start` to `end` (monotonic s)."""
        with self._lock:
            self._busy.append((start, end))
            self._trim(end)

    def utilisation(self) -> float:
        """Ratio 0..1 over the last 10 s."""
        now = time.monotonic()
        with self._lock:
            self._trim(now)
            elapsed = min(now - self._since, _LOAD_WINDOW)
            busy = sum(end - start for start, end in self._busy)
        return min(busy / elapsed, 1.0) if elapsed > 0 else 0.0

    def _trim(self, now: float) -> None:
        while self._busy and self._busy[0][1] < now - _LOAD_WINDOW:
            self._busy.popleft()

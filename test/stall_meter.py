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
"""A process that measures how long the scheduler keeps a process of normal priority waiting.

On each processor a thread sleeps for PERIOD in a loop; what a sleep lasts beyond that is a stall.
What follows from one process to the next waits in each of them, so stalls of one processor that
end within WINDOW of one another count together.
Being a process of its own, it waits neither for the interpreter lock of the tests nor for them.

It reads moments (CLOCK_MONOTONIC, s), one a line, and answers each with the longest stall that
ended later or lasts still, in seconds. It ends with its standard input.
"""

import os
import sys
import threading
import time

PERIOD = 0.02  # s
# Shorter stalls are not kept: every sleep has some.
WORTH_KEEPING = 0.02  # s
WINDOW = 0.5  # s


class StallMeter:
    """Measures from its construction on."""

    def __init__(self) -> None:
        processors = os.sched_getaffinity(0)
        # By processor: the end of each stall and its length, s; CLOCK_MONOTONIC.
        self._stalls: dict[int, list[tuple[float, float]]] = {each: [] for each in processors}
        self._asleep_since: dict[int, float] = {}  # by processor; CLOCK_MONOTONIC, s
        started = threading.Barrier(len(processors) + 1)
        for processor in processors:
            threading.Thread(target=self._measure, args=(processor, started), daemon=True).start()
        started.wait()

    def _measure(self, processor: int, started: threading.Barrier) -> None:
        # A stall may concern one processor: the host of a virtual machine stops each by itself.
        os.sched_setaffinity(0, {processor})  # of this thread
        now = self._asleep_since[processor] = time.monotonic()
        started.wait()
        while True:
            time.sleep(PERIOD)
            before, now = now, time.monotonic()
            if now - before - PERIOD > WORTH_KEEPING:
                self._stalls[processor].append((now, now - before - PERIOD))
            self._asleep_since[processor] = now

    def longest(self, since: float) -> float:
        """Return the longest stall that ended after a moment or lasts still, s."""
        now = time.monotonic()
        longest = 0.0
        for processor, stalls in self._stalls.items():
            lasting = (now, max(0.0, now - self._asleep_since[processor] - PERIOD))
            later = [(end, length) for end, length in [*stalls, lasting] if end >= since]
            for last, _ in later:
                together = sum(length for end, length in later if last - WINDOW < end <= last)
                longest = max(longest, together)
        return longest


if __name__ == '__main__':
    meter = StallMeter()
    print('ready', flush=True)
    for line in sys.stdin:
        print(meter.longest(float(line)), flush=True)

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
"""Gives memory back to the system that a burst of work has needed.

The allocator of glibc keeps what lies beneath memory that is still in use: a bridge that 60
clients attacked for some seconds kept 23 MB for good. With another C library only garbage is
collected. Python collects that by the number of new objects, not by their size: 50 TLS handshakes
that their clients tore left 13 MB in objects that refer to each other, until it did.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
from collections.abc import Callable
from pathlib import Path

WORTH_IT = 4 << 20  # bytes of growth; a look at the heap takes some ms
TIMES = 10  # trims after it: what was needed is not free at once


def resident() -> int:
    """Return the resident memory of this process, bytes."""
    pages = Path('/proc/self/statm').read_text(encoding='ascii').split()[1]
    return int(pages) * os.sysconf('SC_PAGESIZE')


def release() -> None:
    """Collect garbage, and have the allocator give back what is free."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # it is not glibc
        ctypes.CDLL(None).malloc_trim(0)


class HeapTrimmer:
    """Has the allocator give memory back after the process has grown.

    Args:
        measure: returns the resident memory, bytes.
        trim: gives back what is free.

    """

    def __init__(
        self, measure: Callable[[], int] = resident, trim: Callable[[], None] = release
    ) -> None:
        self._measure = measure
        self._trim = trim
        self._level = measure()
        self._left = 0  # trims that are to come

    def check(self) -> None:
        """Trim if the process has grown, and some times more; call this every second."""
        if self._measure() - self._level >= WORTH_IT:
            self._left = TIMES
        if self._left > 0:
            self._left -= 1
            self._trim()
            self._level = self._measure()
        else:
            self._level = min(self._level, self._measure())

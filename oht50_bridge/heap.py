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
"""The memory of a process: kept small, given back after a burst, and the end where there is none.

The allocator of glibc keeps what lies beneath memory that is still in use: a bridge that 60
clients attacked for some seconds kept 23 MB for good. With another C library only garbage is
collected. Python collects that by the number of new objects, not by their size: 50 TLS handshakes
that their clients tore left 13 MB in objects that refer to each other, until it did.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

WORTH_IT = 4 << 20  # bytes of growth; a look at the heap takes some ms
TIMES = 10  # trims after it: what was needed is not free at once
#: A full pass of the garbage collector stops the process, with 1,000 clients for 70 ms: it may
#: take this share of the time, and is made all the same after a growth by so many bytes.
COLLECTING = 1e-4
TOO_MUCH = 32 << 20
PROBE = 1 << 20  # bytes
ENDING = b'no memory is left: the process ends\n'
LARGE = 128 << 10  # bytes, of blocks that are given back when they are freed
_M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -2, -3, -8  # of <malloc.h>


def resident() -> int:
    """Return the resident memory of this process, bytes."""
    pages = Path('/proc/self/statm').read_text(encoding='ascii').split()[1]
    return int(pages) * os.sysconf('SC_PAGESIZE')


def lacks_memory(error: BaseException | None) -> bool:
    """Return whether an error, or one that it was raised at, is that no memory is left."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, 'errno', None) == errno.ENOMEM:
            return True
        if isinstance(error, SystemError) and not _gets_memory():
            return True  # the interpreter loses a MemoryError at times
        error = error.__cause__ or error.__context__
    return False


def _gets_memory() -> bool:
    try:
        bytearray(PROBE)
    except MemoryError:
        return False
    return True


def end_without_memory(error: BaseException | None) -> None:
    """End the process at once, by exit code 1, if an error is that no memory is left.

    What was amid its work is left half done, and to put that in order would need memory too. Who
    has started the process starts it again.
    """
    if lacks_memory(error):
        with contextlib.suppress(OSError):
            os.write(2, ENDING)
        os._exit(1)


def end_threads_without_memory() -> None:
    """Have such an error end the process also in a thread, or where Python only prints it."""
    thread_ended, printed = threading.excepthook, sys.unraisablehook

    def on_thread(args: threading.ExceptHookArgs) -> None:
        end_without_memory(args.exc_value)
        thread_ended(args)

    def on_unraisable(args: sys.UnraisableHookArgs) -> None:
        end_without_memory(args.exc_value)
        printed(args)

    threading.excepthook, sys.unraisablehook = on_thread, on_unraisable


def keep_heap_whole() -> None:
    """Have the allocator keep one heap, without large blocks; call this before threads start.

    glibc gives each thread a heap of its own, and what one has freed the others do not use. It
    also takes blocks of some 100 KiB from the heap once one was freed, and what has got a small
    block in it meanwhile is too small for the next of them: receive buffers of DDS made the bridge
    grow by 4 MB in an hour.
    """
    with contextlib.suppress(AttributeError):  # it is not glibc
        library = ctypes.CDLL(None)
        library.mallopt(_M_ARENA_MAX, 1)
        library.mallopt(_M_MMAP_THRESHOLD, LARGE)
        # By as much as this the heap grows beyond what is needed: no large block fits there.
        library.mallopt(_M_TOP_PAD, LARGE // 2)


def give_back() -> None:
    """Have the allocator give back what is free."""
    with contextlib.suppress(AttributeError):  # it is not glibc
        ctypes.CDLL(None).malloc_trim(0)


class HeapTrimmer:
    """Collects garbage and has the allocator give memory back after the process has grown.

    Args:
        measure: returns the resident memory, bytes.
        collect: collects garbage.
        trim: gives back what is free.
        clock: returns the time, s.

    """

    def __init__(
        self,
        measure: Callable[[], int] = resident,
        collect: Callable[[], object] = gc.collect,
        trim: Callable[[], None] = give_back,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._measure = measure
        self._collect = collect
        self._trim = trim
        self._clock = clock
        self._level = self._collected_level = measure()
        self._collect_at = clock()  # not before it
        self._left = 0  # trims that are to come
        self._is_due = False  # a pass of the garbage collector, as soon as one may be made

    def check(self) -> None:
        """Trim if the process has grown, and some times more; call this every second."""
        try:
            self._check()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            # There was no file descriptor to measure with; the next look may have one.

    def _check(self) -> None:
        now = self._measure()
        self._collected_level = min(self._collected_level, now)
        if now - self._level >= WORTH_IT:
            self._left, self._is_due = TIMES, True
        start = self._clock()
        collects = self._is_due and (
            start >= self._collect_at or now - self._collected_level >= TOO_MUCH
        )
        if self._left == 0 and not collects:
            self._level = min(self._level, now)
            return
        self._left = max(0, self._left - 1)
        if collects:
            self._collect()
            end = self._clock()
            self._collect_at = end + (end - start) / COLLECTING
            self._is_due = self._left > 0  # what is needed now may be garbage later
        self._trim()
        self._level = self._measure()
        if collects:
            self._collected_level = self._level

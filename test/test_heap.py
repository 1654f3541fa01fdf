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
"""Memory that a burst needed is given back, and nothing is done without one."""

import errno
import gc
import subprocess
import sys
import threading
import weakref

import pytest
from support import no_descriptor_left

from oht50_bridge.heap import COLLECTING
from oht50_bridge.heap import TIMES
from oht50_bridge.heap import TOO_MUCH
from oht50_bridge.heap import WORTH_IT
from oht50_bridge.heap import HeapTrimmer
from oht50_bridge.heap import end_threads_without_memory
from oht50_bridge.heap import end_without_memory
from oht50_bridge.heap import lacks_memory
from oht50_bridge.heap import resident

pytestmark = pytest.mark.cover_processes

# Blocks of which each second one stays in use, so that the allocator alone keeps what is beneath.
BURST = """
from oht50_bridge.heap import HeapTrimmer, resident
trimmer = HeapTrimmer()
before = resident()
blocks = [bytearray(2000) for _ in range(40_000)]
after = resident()
del blocks[:-1]
kept = resident()
trimmer.check()
print(before, after, kept, resident())
"""


@pytest.mark.processes
def test_what_a_burst_needed_is_given_back():
    done = subprocess.run(
        [sys.executable, '-c', BURST], check=True, capture_output=True, text=True, timeout=60
    )
    before, after, kept, trimmed = map(int, done.stdout.split())
    assert after - before > 60e6
    assert kept - before > 60e6, 'the allocator would have given it back by itself'
    assert trimmed - before < 20e6


ARENAS = """
import ctypes, sys, threading
from oht50_bridge.heap import keep_heap_whole
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
library.malloc_info.argtypes = ctypes.c_int, ctypes.c_void_p
library.fflush.argtypes = ctypes.c_void_p,
if sys.argv[1] == 'whole':
    keep_heap_whole()
together = threading.Barrier(8)

def allocate():
    together.wait()
    blocks = [bytearray(2000) for _ in range(1000)]
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
stream = library.fdopen(1, b'w')
library.malloc_info(0, stream)
library.fflush(stream)
"""


@pytest.mark.processes
def test_all_threads_share_one_arena():
    def arenas(wanted):
        done = subprocess.run(
            [sys.executable, '-c', ARENAS, wanted], check=True, capture_output=True, timeout=60
        )
        return done.stdout.count(b'<heap nr=')

    assert arenas('as the library decides') > 1
    assert arenas('whole') == 1


LARGE_BLOCKS = """
import sys
from oht50_bridge.heap import LARGE, keep_heap_whole, resident
if sys.argv[1] == 'whole':
    keep_heap_whole()
first = bytearray(8 * LARGE)
del first  # after that glibc takes such blocks from the heap
before = resident()
large, small = [], []
for _ in range(400):
    block = bytearray(LARGE)
    block[::4096] = b'x' * len(block[::4096])
    large.append(block)
    small.append(bytearray(1000))
del block, large
print(resident() - before)
"""


@pytest.mark.processes
def test_large_blocks_are_given_back_from_beneath_small_ones():
    def kept(wanted):
        done = subprocess.run(
            [sys.executable, '-c', LARGE_BLOCKS, wanted],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return int(done.stdout)

    assert kept('as the library decides') > 40e6
    assert kept('whole') < 2e6


def test_garbage_that_nobody_else_collects_is_given_back():
    class Torn:
        """A peer and its connection refer to each other, as asyncio's TLS does."""

        def __init__(self):
            self.itself = self

    torn = Torn()
    connection = weakref.ref(torn)
    memory = [100 << 20]
    trimmer = HeapTrimmer(lambda: memory[0])
    gc.disable()
    try:
        del torn
        memory[0] += WORTH_IT
        assert connection() is not None
        trimmer.check()
        assert connection() is None
    finally:
        gc.enable()


def test_passes_of_the_garbage_collector_take_little_of_the_time():
    memory, now, taken, passes = [100 << 20], [0.0], [0.001], []

    def collect():
        passes.append(now[0])
        now[0] += taken[0]

    trimmer = HeapTrimmer(lambda: memory[0], collect, lambda: None, lambda: now[0])

    def after(growth, seconds):
        memory[0] += growth
        for _ in range(seconds):
            now[0] = int(now[0]) + 1.0
            trimmer.check()

    after(WORTH_IT, TIMES)
    after(WORTH_IT, TIMES)
    assert passes == [1.0, 12.0], 'one of 1 ms each 10 s'
    taken[0] = 0.07
    after(WORTH_IT, TIMES)
    assert passes == [1.0, 12.0, 23.0]
    for _ in range(TOO_MUCH // WORTH_IT - 1):
        after(WORTH_IT, TIMES)
    assert len(passes) == 3, 'none for 0.07 s / COLLECTING'
    after(WORTH_IT, TIMES)
    assert len(passes) == 4, 'but it has grown by too much since'
    after(-TOO_MUCH, TIMES)
    after(TOO_MUCH, TIMES)
    assert len(passes) == 5, 'also when that was needed before'
    after(0, int(taken[0] / COLLECTING))
    after(WORTH_IT, TIMES)
    assert len(passes) == 6


def test_a_pass_that_had_to_wait_is_made_though_nothing_grows_any_more():
    memory, now, passes = [100 << 20], [0.0], []

    def collect():
        passes.append(now[0])
        now[0] += 0.01

    trimmer = HeapTrimmer(lambda: memory[0], collect, lambda: None, lambda: now[0])
    memory[0] += WORTH_IT
    trimmer.check()
    assert len(passes) == 1, 'while there is a burst'
    for _ in range(99):
        now[0] += 1.0
        trimmer.check()
    assert len(passes) == 1, 'none for 0.01 s / COLLECTING'
    for _ in range(1000):
        now[0] += 1.0
        trimmer.check()
    assert len(passes) == 2, 'one after it, and no more'


def test_nothing_is_done_before_the_process_has_grown():
    memory, trims = [100 << 20], []
    trimmer = HeapTrimmer(lambda: memory[0], lambda: None, lambda: trims.append(memory[0]))
    memory[0] += WORTH_IT - 1
    for _ in range(10):
        trimmer.check()
    assert not trims
    memory[0] += 1
    for _ in range(10):
        trimmer.check()
    assert len(trims) == TIMES, 'what is in use cannot be given back, and is not tried for ever'
    memory[0] = 90 << 20
    trimmer.check()
    memory[0] += WORTH_IT
    trimmer.check()
    assert len(trims) == TIMES + 1


def test_without_a_file_descriptor_it_looks_again_later():
    memory, trims = [100 << 20], []

    def measure():
        resident()
        return memory[0]

    trimmer = HeapTrimmer(measure, lambda: None, lambda: trims.append(memory[0]))
    memory[0] += WORTH_IT
    with no_descriptor_left():
        trimmer.check()
    assert not trims
    trimmer.check()
    assert trims


def _raised(first, then=None):
    """Return an error, and where `then` is given that one, raised at the first."""
    try:
        try:
            raise first
        except Exception:
            if then is not None:
                raise then  # noqa: B904 - with the other one as its context
            raise
    except Exception as error:
        return error


@pytest.mark.parametrize(
    ('error', 'lacks'),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, 'no memory'), True),
        (_raised(MemoryError(), ValueError('hides it')), True),
        (_raised(ValueError('is hidden'), MemoryError()), True),
        (SystemError('a defect of an extension'), False),
        (OSError(errno.ENOSPC, 'disk full'), False),
        (ValueError('a defect'), False),
        (None, False),
    ],
)
def test_what_is_for_want_of_memory_is_known(error, lacks):
    assert lacks_memory(error) == lacks
    if not lacks:
        end_without_memory(error)  # and goes on


def test_other_errors_of_threads_and_of_finalizers_are_printed_as_before(monkeypatch):
    printed = []
    monkeypatch.setattr(threading, 'excepthook', lambda args: printed.append(args.exc_type))
    monkeypatch.setattr(sys, 'unraisablehook', lambda args: printed.append(args.exc_type))

    class Finalized:
        def __del__(self):
            raise KeyError

    def fail():
        raise ValueError

    end_threads_without_memory()
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    Finalized()
    gc.collect()
    assert printed == [ValueError, KeyError]

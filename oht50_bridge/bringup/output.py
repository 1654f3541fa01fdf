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
"""The output of a vehicle's processes, which never waits for who reads it.

A terminal that was stopped by Ctrl-S, or a program that does not read its input, makes a process
wait that writes to it: a node would hang in the middle of its work, and so would the supervisor.
So the processes write to a pipe that is always read, and what cannot be passed on is dropped and
counted.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections import deque

STDERR = 2
CAPACITY = 1_000_000  # bytes that wait for a reader; beyond that, new ones are dropped
BLOCK = 4096  # bytes; a pipe that can be written to takes as many without waiting
RETRY = 1.0  # s, after a write failed


class OutputQueue:
    """Writes to a descriptor in a thread of its own. Close it after use.

    Args:
        descriptor: where to; it stays open.

    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0  # bytes
        self._wake = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name='output', daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Write a line. It returns at once and never fails."""
        self.write(f'{text}\n'.encode(errors='replace'))

    def write(self, data: bytes) -> None:
        """Write bytes. It returns at once and never fails."""
        with self._wake:
            if self._size + len(data) > CAPACITY:
                self._dropped += len(data)
                return
            self._waiting.append(data)
            self._size += len(data)
            self._wake.notify()

    def close(self, timeout: float = 3.0) -> None:
        """Write what waits, as far as it is read within `timeout` s, and end the thread."""
        with self._wake:
            self._closing.set()
            self._wake.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closing.is_set():
                    self._wake.wait()
                if not self._waiting:
                    return
                data = self._waiting.popleft()
                self._size -= len(data)
                dropped, self._dropped = self._dropped, 0
            if dropped:
                data = f'({dropped} bytes of output were dropped: nobody read)\n'.encode() + data
            for start in range(0, len(data), BLOCK):
                if not self._write(data[start : start + BLOCK]):
                    with self._wake:
                        self._dropped += dropped + len(data) - start
                    self._closing.wait(RETRY)
                    break

    def _write(self, data: bytes) -> bool:
        """Write a block, and wait for its reader; return False if it cannot be written."""
        try:
            while data:
                select.select([], [self._descriptor], [])
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(self._descriptor, data) :]
        except (OSError, ValueError):
            return False
        return True


class ProcessOutput(OutputQueue):
    """An output for other processes, which write to a pipe and never wait.

    Args:
        descriptor: where to; it stays open.

    Attributes:
        pipe: the descriptor that the processes write to. When they write faster than it is read,
            their writes fail; a log does without that line.

    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._source, self.pipe = os.pipe()
        os.set_blocking(self.pipe, False)
        self._reader = threading.Thread(target=self._read, name='output-pipe', daemon=True)
        self._reader.start()

    def close(self, timeout: float = 3.0) -> None:
        """Close the pipe, once the processes have ended, and write what waits."""
        os.close(self.pipe)
        self._reader.join(timeout)
        super().close(timeout)

    def _read(self) -> None:
        with os.fdopen(self._source, 'rb', buffering=0) as source:
            while data := source.read(65536):
                self.write(data)

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
"""What a process has in use over time: memory, descriptors and threads; how fast they grow."""

from __future__ import annotations

import contextlib
import json
import statistics
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import NamedTuple
from typing import TextIO

import psutil

HOUR = 3600.0  # s
MB = 1e6


class Use(NamedTuple):
    """What a process has in use.

    Attributes:
        at: s, monotonic.
        rss: bytes of memory, with what it shares with others.
        uss: bytes of memory of its own.
        descriptors: open files.
        threads: its threads.

    """

    at: float
    rss: int
    uss: int
    descriptors: int
    threads: int


def use(pid: int) -> Use | None:
    """Return what a process has in use now; None when it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess, FileNotFoundError):
        process = psutil.Process(pid)
        memory = process.memory_full_info()
        return Use(
            time.monotonic(), memory.rss, memory.uss, process.num_fds(), process.num_threads()
        )
    return None


def slope(points: list[tuple[float, float]]) -> float:
    """Return the slope of the line with the least squares through points; NaN of fewer than 3."""
    if len(points) < 3:
        return float('nan')
    return statistics.linear_regression(*zip(*points, strict=True)).slope


@dataclass
class Series:
    """What a process had in use, from the end of its warm-up on."""

    uses: list[Use] = field(default_factory=list)

    def growth(self, what: str) -> float:
        """Return how fast something grows, per hour."""
        return HOUR * slope([(use.at, getattr(use, what)) for use in self.uses])

    def most(self, what: str) -> int:
        """Return the greatest value."""
        return max(int(getattr(use, what)) for use in self.uses)

    def report(self) -> dict[str, float]:
        """Return how fast it grows, and what was the most."""
        return {
            'minutes': round((self.uses[-1].at - self.uses[0].at) / 60.0, 1),
            'samples': len(self.uses),
            'rss_first_mb': round(self.uses[0].rss / MB, 2),
            'rss_last_mb': round(self.uses[-1].rss / MB, 2),
            'rss_mb_per_h': round(self.growth('rss') / MB, 3),
            'uss_mb_per_h': round(self.growth('uss') / MB, 3),
            'descriptors_first': self.uses[0].descriptors,
            'descriptors_last': self.uses[-1].descriptors,
            'descriptors_most': self.most('descriptors'),
            'descriptors_per_h': round(self.growth('descriptors'), 2),
            'threads_first': self.uses[0].threads,
            'threads_last': self.uses[-1].threads,
            'threads_most': self.most('threads'),
        }


class Sampler:
    """Samples processes in a thread of its own until it is stopped.

    A process that ends has no series: one that follows it has a series of its own.
    """

    def __init__(
        self, processes: Mapping[str, int], interval: float, warm_up: float, out: TextIO | None
    ) -> None:
        """Begin.

        Args:
            processes: name to pid.
            interval: s between two samples.
            warm_up: s, of which the samples are written but not kept.
            out: takes each sample as a line of JSON.

        """
        self.series: dict[str, Series] = {}
        self._processes = dict(processes)
        self._interval = interval
        self._out = out
        self._begin = time.monotonic()
        self._warm_up = warm_up
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name='sampler', daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._end.wait(self._interval):
            for name, pid in self._processes.items():
                found = use(pid)
                if found is None:
                    continue
                if self._out is not None:
                    self._out.write(json.dumps({'name': name, **found._asdict()}) + '\n')
                    self._out.flush()
                if found.at - self._begin >= self._warm_up:
                    self.series.setdefault(name, Series()).uses.append(found)

    def stop(self) -> dict[str, dict[str, float]]:
        """End; return the report of each process."""
        self._end.set()
        self._thread.join()
        return {name: series.report() for name, series in self.series.items()}


def processes_of_vehicle(root: int, marker: str) -> dict[str, int]:
    """Return the processes of a vehicle, name to pid.

    Args:
        root: pid of `oht50 up`.
        marker: what their command lines or environments hold, such as the state directory.

    """
    found: dict[str, int] = {}
    for process in psutil.process_iter(['pid', 'cmdline']):
        words = ' '.join(process.info['cmdline'] or ())
        with contextlib.suppress(psutil.Error, OSError):
            if marker in words + Path(f'/proc/{process.pid}/environ').read_text(errors='replace'):
                found[_name(process.pid == root, words, found)] = process.pid
    return found


def _name(is_root: bool, words: str, taken: Mapping[str, int]) -> str:
    if is_root:
        return 'oht50 up'
    parts = words.replace('/', ' ').replace('.', ' ').split()
    name = next((part for part in parts if part.endswith('_node')), '')
    name = name or next(
        (part for part in ('watchdog', 'preload', 'simulator') if part in parts), words[-20:]
    )
    while name in taken:
        name += '+'
    return name


def table(reports: Mapping[str, Mapping[str, float]]) -> str:
    """Return reports as a table in Markdown."""
    lines = [
        '| process | RSS at first, MB | at last, MB | RSS, MB/h | of its own, MB/h '
        '| descriptors | threads |',
        '|---|---|---|---|---|---|---|',
    ]
    for name, report in sorted(reports.items()):
        lines.append(
            f'| `{name}` | {report["rss_first_mb"]:.1f} | {report["rss_last_mb"]:.1f} '
            f'| {report["rss_mb_per_h"]:.2f} | {report["uss_mb_per_h"]:.2f} '
            f'| {report["descriptors_first"]:.0f} to {report["descriptors_last"]:.0f} '
            f'| {report["threads_first"]:.0f} to {report["threads_last"]:.0f} |'
        )
    return '\n'.join(lines)

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
"""Clients that read everything for hours, in a process of their own: what was lost, or old.

Each has its events numbered, as one that resumes does, and checks that no number is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import multiprocessing
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from multiprocessing.connection import Connection

from load import Load
from load import OurClient
from load import Report
from load import seconds_of

from oht50_bridge.cli.main import main as cli
from oht50_bridge.protocol.catalogue import EVENTS

BINS = 100_000  # of 0.1 ms; what is older is in the last one
NUMBERED = frozenset(name for name, event in EVENTS.items() if not event.is_state)


@dataclass
class Minute:
    """What all clients received in a minute.

    Attributes:
        frames: of any type.
        events: numbered ones.
        ages: how often each age of those measured, in 0.1 ms, was seen.

    """

    frames: int = 0
    events: int = 0
    ages: list[int] = field(default_factory=lambda: [0] * BINS)

    def age(self, share: float) -> float:
        """Return a percentile of the ages, ms; NaN without any."""
        total, seen = sum(self.ages), 0
        for index, count in enumerate(self.ages):
            seen += count
            if total and seen >= share * total:
                return index / 10.0
        return float('nan')


@dataclass
class Totals:
    """What all clients received.

    Attributes:
        minutes: in their order.
        least: numbered events of the client that received the fewest.
        most: of the one that received the most.
        missing: numbers that clients did not see.
        overtaking: events that overtook others, which therefore had no number.
        doubled: numbers that a client received again.
        lost: connections that ended.
        errors: error messages by their code.

    """

    minutes: list[Minute] = field(default_factory=list)
    least: int = 0
    most: int = 0
    missing: int = 0
    overtaking: int = 0
    doubled: int = 0
    lost: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def events_lost(self) -> int:
        """Return how many events clients did not receive at all."""
        return self.missing - self.overtaking


class Reader(OurClient):
    """One client."""

    def __init__(
        self, load: Load, totals: Totals, begin: float, new_token: Callable[[], str]
    ) -> None:
        super().__init__(load, Report())
        self._new_token = new_token
        self._totals = totals
        self._begin = begin
        self._last = 0
        self.events = 0
        self.closing = False

    def _minute(self, now: float) -> Minute:
        index = int((now - self._begin) / 60.0)
        while len(self._totals.minutes) <= index:
            self._totals.minutes.append(Minute())
        return self._totals.minutes[index]

    def frame(self, opcode: int, payload: bytes, now: float) -> None:
        """Count it in its minute too."""
        super().frame(opcode, payload, now)
        if opcode != 1:
            return
        minute = self._minute(now)
        minute.frames += 1
        kind = payload[9 : payload.index(b'"', 9)].decode()
        if kind in self.load.ages_of:
            at = payload.index(b'"timestamp":"') + 13
            age = now - seconds_of(payload[at : payload.index(b'"', at)])
            minute.ages[min(BINS - 1, max(0, int(1e4 * age)))] += 1
        elif kind == 'error':
            code = json.loads(payload)['error_code']
            self._totals.errors[code] = self._totals.errors.get(code, 0) + 1
        elif kind == 'auth.expiring':
            self.send({'type': 'auth', 'token': self._new_token()})
        elif kind in NUMBERED:
            self._number(json.loads(payload).get('seq'), minute)

    def _number(self, seq: int | None, minute: Minute) -> None:
        if not self.ready.done() or (not self._last and seq is None):
            return  # the last stop or clear, which a new subscriber receives
        minute.events += 1
        self.events += 1
        if seq is None:
            self._totals.overtaking += 1
        elif self._last and seq <= self._last:
            self._totals.doubled += 1
        elif self._last:
            self._totals.missing += seq - self._last - 1
        self._last = max(self._last, seq or 0)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it."""
        self._totals.lost += not self.closing
        super().connection_lost(exc)


def token(state_dir: str, role: str = 'operator', ttl: str = '30m') -> str:
    """Return a new access token, as a person would get it."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        if cli(['token', '--role', role, '--ttl', ttl, '--state-dir', state_dir]):
            raise RuntimeError('no token')
    return output.getvalue().strip()


async def _read(load: Load, state_dir: str, pipe: Connection) -> None:
    loop, totals = asyncio.get_running_loop(), Totals()
    readers: list[Reader] = []
    begin = time.time()
    new_token = partial(token, state_dir)
    for _ in range(load.clients):
        _, reader = await loop.create_connection(
            lambda: Reader(load, totals, begin, new_token), '127.0.0.1', load.port
        )
        readers.append(reader)
        await asyncio.sleep(load.within / load.clients)
    await asyncio.gather(*(reader.ready for reader in readers))
    pipe.send('connected')
    await loop.run_in_executor(None, pipe.recv)
    for reader in readers:
        reader.closing = True
    totals.least = min(reader.events for reader in readers)
    totals.most = max(reader.events for reader in readers)
    pipe.send(totals)
    await loop.run_in_executor(None, pipe.recv)


def _main(load: Load, state_dir: str, pipe: Connection) -> None:
    asyncio.run(_read(load, state_dir, pipe))


class Readers:
    """Connected clients."""

    def __init__(self, pipe: Connection, pid: int) -> None:
        self._pipe = pipe
        self.pid = pid

    def finish(self) -> Totals:
        """Stop counting; return what they received."""
        self._pipe.send('end')
        totals: Totals = self._pipe.recv()
        return totals


@contextmanager
def reading(load: Load, state_dir: str) -> Iterator[Readers]:
    """Connect clients in a process of their own; it signs tokens of the vehicle."""
    context = multiprocessing.get_context('spawn')
    here, there = context.Pipe()
    process = context.Process(target=_main, args=(load, state_dir, there))
    process.start()
    there.close()
    try:
        here.recv()
        yield Readers(here, process.pid or 0)
    finally:
        here.close()
        process.terminate()
        process.join()

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
"""What a fault is: what it breaks, when it is tried, and what is expected of the vehicle."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from typing import TypeAlias

from faults.harness.rig import Rig

Act: TypeAlias = Callable[[Rig], AbstractContextManager[Any]]

IDLE, MOVING, DOCKING, STOPPING, CLEARING = 'idle', 'moving', 'docking', 'stopping', 'clearing'
SITUATIONS = (IDLE, MOVING, DOCKING, STOPPING, CLEARING)
HANG = 5.0  # s, longer than any limit of the vehicle
LONG_HANG = 11.5  # s, longer than the lease of a DDS participant
STOP_BY_COMMAND = 0.3  # s, docs/safety.md


@contextlib.contextmanager
def meanwhile(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do some work in a thread, until the event is set that it is given."""
    ending = threading.Event()
    thread = threading.Thread(target=work, args=(ending,))
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        id: its name.
        where: serial line, board, process, clock, client, ...; a bad client delays no good one.
        what: for the table of docs/reliability.md.
        act: breaks a rig on entry, and takes the cause away on exit.
        situations: in which it is tried.
        lasts: s between the two.
        line: the serial line that it disturbs, '' for none.
        stands: s within which a vehicle that moves must stand; None: it need not.
        stops: s within which an `emergency_stop` sent just before it must stop the motor; None:
            what had to carry it out is the part that fails.
        shows: what the log or the events must say, see `invariants.visibility`.
        ready: s within which the vehicle is ready after the cause is gone and the stop cleared.
        kills: the processes that end by it.
        hangs: the processes that hang.
        clock: whether it needs a clock that can be stepped.
        ends: whether `oht50 up` ends by it.
        disk: whether the state directory needs a filesystem of its own.
        no_links: whether its filesystem has no hard links.
        network: whether the vehicle needs a network of its own.
        tls: whether the bridge needs TLS.

    """

    id: str
    where: str
    what: str
    act: Act
    situations: tuple[str, ...] = (IDLE, MOVING)
    lasts: float = 1.5
    line: str = ''
    stands: float | None = None
    stops: float | None = STOP_BY_COMMAND
    shows: tuple[str, ...] = ()
    ready: float = 20.0
    kills: tuple[str, ...] = ()
    hangs: tuple[str, ...] = ()
    clock: bool = False
    ends: bool = False
    disk: bool = False
    no_links: bool = False
    network: bool = False
    tls: bool = False

    @property
    def needs(self) -> dict[str, bool]:
        """What kind of vehicle it needs, as `Rig` takes it."""
        return {'clock': self.clock, 'disk': self.disk, 'no_links': self.no_links, 'tls': self.tls}

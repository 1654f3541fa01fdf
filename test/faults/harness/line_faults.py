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
"""What can happen on a serial line, between the vehicle and its boards."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any

from faults.harness.fault import IDLE
from faults.harness.fault import MOVING
from faults.harness.fault import SITUATIONS
from faults.harness.fault import STOP_BY_COMMAND
from faults.harness.fault import Act
from faults.harness.fault import Fault
from faults.harness.fault import meanwhile
from faults.harness.modbus import sealed
from faults.harness.rig import Rig

UNITS = {'travel_motor': 3, 'power': 2, 'dock': 5, 'safety': 5}


def habits(line: str, **changes: Any) -> Act:
    """Return what gives a line habits for a while."""

    @contextlib.contextmanager
    def act(rig: Rig):
        rig.broke_at = rig.taps.disturb(line, **changes)
        try:
            yield
        finally:
            rig.taps.disturb(line)

    return act


def unplugged(line: str) -> Act:
    """Return what pulls the adapter of a line; it comes back as another terminal."""

    @contextlib.contextmanager
    def act(rig: Rig):
        rig.broke_at = rig.taps.unplug(line)
        try:
            yield
        finally:
            rig.taps.plug(line)

    return act


def second_master(line: str, board: str) -> Act:
    """Return what lets another program, which heeds no lock, read a board on a line."""

    @contextlib.contextmanager
    def act(rig: Rig):
        port = os.open(rig.base / 'ports' / line, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        request = sealed(bytes([UNITS[board], 3, 0, 0, 0, 2]))

        def write(ending: threading.Event) -> None:
            while not ending.wait(0.03):
                with contextlib.suppress(OSError):
                    os.write(port, request)

        try:
            with meanwhile(write):
                yield
        finally:
            os.close(port)

    return act


# What stands within which time when nothing comes from a line any more.
SILENT = {'drive': None, 'sense': 0.9, 'safety': 0.6}
SILENT_SHOWS = {
    'drive': ('travel_motor: online ->',),
    'sense': ('position lost',),
    'safety': ('safety: online ->',),
}
LOST_STOP = {'drive': None, 'sense': STOP_BY_COMMAND, 'safety': STOP_BY_COMMAND}


def line_faults() -> list[Fault]:
    """Return what can happen on each serial line."""
    found = []
    mild: dict[str, tuple[str, dict[str, Any]]] = {
        'drops': ('2 % of all bytes are lost', {'drop': 0.02}),
        'flips': ('a bit of 2 % of all bytes is changed', {'flip': 0.02}),
        'slow': ('each reply is 15 ms late', {'delay': 0.015}),
        'twice': ('each second reply comes twice', {'duplicate': 0.5}),
        'late': ('each fourth reply comes after the next request', {'late': 0.25}),
        'foreign': ('each fourth reply follows one of an unknown board', {'foreign': 0.25}),
        'breaks': ('three zeros, as of a break, precede each reply', {'garbage': 3}),
    }
    harsh: dict[str, tuple[str, dict[str, Any]]] = {
        'loses-half': ('half of all bytes are lost', {'drop': 0.5}),
        'overdue': ('each reply is 0.2 s late, longer than any is waited for', {'delay': 0.2}),
        'echoes': ('the adapter receives what it sends', {'echo': True}),
        'babbles': ('somebody sends all the time', {'babble': 0.003}),
        'deaf': ('nothing reaches the boards', {'mute_requests': True}),
        'dumb': ('nothing comes from the boards', {'mute_replies': True}),
    }
    for line in ('drive', 'sense', 'safety'):
        for name, (what, change) in mild.items():
            found.append(
                Fault(
                    f'{line}-{name}', 'serial line', f'{line}: {what}', habits(line, **change),
                    line=line, stops=LOST_STOP[line],
                )
            )  # fmt: skip
        for name, (what, change) in harsh.items():
            receives = name in ('echoes', 'babbles')
            found.append(
                Fault(
                    f'{line}-{name}', 'serial line', f'{line}: {what}', habits(line, **change),
                    line=line, lasts=2.0, stops=LOST_STOP[line],
                    stands=None if receives else SILENT[line],
                    shows=() if receives else SILENT_SHOWS[line],
                    situations=SITUATIONS if name == 'deaf' else (IDLE, MOVING),
                )
            )  # fmt: skip
        found.append(
            Fault(
                f'{line}-unplugged', 'serial line',
                f'{line}: the adapter is pulled, and comes back under another name',
                unplugged(line), line=line, lasts=2.0, stands=SILENT[line],
                stops=LOST_STOP[line], shows=('does not exist', 'does not answer'),
                situations=SITUATIONS,
            )
        )  # fmt: skip
    for line, board in (('drive', 'travel_motor'), ('safety', 'safety')):
        found.append(
            Fault(
                f'{line}-second-master', 'serial line',
                f'{line}: another program writes to the port and heeds no lock',
                second_master(line, board), line=line, lasts=2.0, stops=LOST_STOP[line],
            )
        )  # fmt: skip
    return found

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
"""What can happen to a board."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from faults.harness.fault import CLEARING
from faults.harness.fault import IDLE
from faults.harness.fault import MOVING
from faults.harness.fault import SITUATIONS
from faults.harness.fault import STOP_BY_COMMAND
from faults.harness.fault import STOPPING
from faults.harness.fault import Act
from faults.harness.fault import Fault
from faults.harness.line_faults import UNITS
from faults.harness.line_faults import habits
from faults.harness.rig import Rig

BOARDS = {'travel_motor': 'drive', 'power': 'sense', 'dock': 'sense', 'safety': 'safety'}


def misbehaves(board: str, **change: Any) -> Act:
    """Return what changes the behaviour of a simulated board for a while."""

    @contextlib.contextmanager
    def act(rig: Rig):
        before = rig.boards.misbehave(board)
        rig.boards.misbehave(board, **change)
        try:
            yield
        finally:
            rig.boards.misbehave(board, **{name: before[name] for name in change})

    return act


def restarts(board: str) -> Act:
    """Return what restarts a board, which then is silent for 0.3 s at least."""

    @contextlib.contextmanager
    def act(rig: Rig):
        rig.boards.reboot(board)
        yield

    return act


def exchanged(board: str, profile: str, own: str) -> Act:
    """Return what puts a board with another layout in the place of one."""

    @contextlib.contextmanager
    def act(rig: Rig):
        rig.boards.swap(board, profile)
        try:
            yield
        finally:
            rig.boards.swap(board, own)

    return act


def another_type(board: str) -> Act:
    """Return what lets a board that was away say that it is of a type that nobody knows."""

    @contextlib.contextmanager
    def act(rig: Rig):
        code = rig.boards.read(board, 'module_type')
        rig.boards.misbehave(board, absent=True)
        time.sleep(1.2)  # longer than a board is trusted without an answer
        rig.boards.write(board, 'module_type', 77)
        rig.boards.misbehave(board, absent=False)
        try:
            yield
        finally:
            rig.boards.write(board, 'module_type', code)

    return act


def board_faults() -> list[Fault]:
    """Return what can happen to each board."""
    found = []
    stands = {'travel_motor': None, 'power': None, 'dock': 0.9, 'safety': 0.6}
    lost = {
        'travel_motor': 'travel_motor: online -> offline', 'power': 'power: online -> offline',
        'dock': 'position lost', 'safety': 'safety: online -> offline',
    }  # fmt: skip
    layouts = {
        'travel_motor': ('oht_v2_final_motor', 'driver_2_motor'),
        'dock': ('dock_location_fw', 'oht_v2_dock'),
    }
    for board, line in BOARDS.items():
        unit = UNITS[board]
        motor = board == 'travel_motor'
        on = line if motor else ''
        stops = None if motor else STOP_BY_COMMAND
        boots = 25.0 if board == 'safety' else 20.0
        found += [
            Fault(
                f'{board}-silent', 'board', f'{board}: answers nothing',
                misbehaves(board, absent=True), lasts=6.5 if board == 'power' else 2.0, line=on,
                stands=stands[board], stops=stops, shows=(lost[board],), situations=SITUATIONS,
            ),
            Fault(
                f'{board}-restarts', 'board', f'{board}: restarts with the registers of its start',
                restarts(board), lasts=1.0, line=on,
                shows=('restarted', 'offline', 'enable', 'lost') if board != 'power' else (),
                situations=(IDLE, MOVING, STOPPING, CLEARING), ready=boots, stops=stops,
            ),
            Fault(
                f'{board}-refuses', 'board', f'{board}: answers each request with exception 4',
                habits(line, unit=unit, exception=4), lasts=6.5 if board == 'power' else 2.0,
                line=on, stands=stands[board], stops=stops, shows=(f'{board}: online ->',),
            ),
            Fault(
                f'{board}-stale', 'board', f'{board}: its sensors keep their last reading',
                misbehaves(board, stale=True), lasts=2.0, stops=stops, line=on,
            ),
            Fault(
                f'{board}-another-type', 'board',
                f'{board}: comes back after 1.2 s and says that it is of another type',
                another_type(board), lasts=1.5, line=on, stands=stands[board], stops=stops,
                shows=('type',),
            ),
        ]  # fmt: skip
        if board in layouts:
            other, own = layouts[board]
            found.append(
                Fault(
                    f'{board}-another-layout', 'board',
                    f'{board}: one of the layout {other} takes its place within no time',
                    exchanged(board, other, own), lasts=2.5, line=on, stops=stops,
                )
            )  # fmt: skip
    found += [
        Fault(
            'travel_motor-refuses-writes', 'board', 'travel_motor: half dead: it refuses writes',
            habits('drive', unit=3, refuse_writes=4), lasts=2.0, line='drive', stops=None,
            shows=('travel_motor: online -> error', 'refuse'), situations=(MOVING, STOPPING),
        ),
        Fault(
            'travel_motor-overwrites', 'board', 'travel_motor: overwrites half of what is written',
            misbehaves('travel_motor', overwrite=0.5), lasts=2.0, stops=0.8,
            situations=(MOVING, STOPPING),
        ),
        Fault(
            'safety-noise', 'board', 'safety: noise on its line, after which it receives nothing',
            noise('safety'), lasts=1.5, situations=(IDLE, MOVING, CLEARING),
        ),
        Fault(
            'button', 'board', 'the emergency-stop button is pressed', pressed(), lasts=1.0,
            stands=0.3, shows=('digital input', 'tripped', 'emergency'), situations=SITUATIONS,
        ),
    ]  # fmt: skip
    return found


def noise(line: str) -> Act:
    """Return what lets the boards of a line receive bytes that nobody sent."""

    @contextlib.contextmanager
    def act(rig: Rig):
        rig.boards.noise(line, b'\x55\xaa\x05')
        yield

    return act


def pressed() -> Act:
    """Return what presses the button of the vehicle for a while."""

    @contextlib.contextmanager
    def act(rig: Rig):
        rig.boards.set(estop_pressed=True)
        try:
            yield
        finally:
            rig.boards.set(estop_pressed=False)

    return act

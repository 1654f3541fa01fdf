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
"""One fault in one situation: what is tried, what is seen, and what comes of it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator

from faults.harness import invariants
from faults.harness.fault import CLEARING
from faults.harness.fault import DOCKING
from faults.harness.fault import IDLE
from faults.harness.fault import MOVING
from faults.harness.fault import STOPPING
from faults.harness.fault import Fault
from faults.harness.invariants import Violation
from faults.harness.recording import Command
from faults.harness.recording import Recording
from faults.harness.rig import Rig
from support import wait_for

DOCK_FROM = 1.9  # m, from where the vehicle docks at 1 m
LENGTH = 50.0  # m, of the rail
WAY = 15.0  # m, of a mission that nothing ends in time
FAST = 0.25  # m/s
BEFORE = 0.8  # s of the record before a fault, for what is usual
PROBE_AFTER = 0.3  # s from a fault to a command
LONG = 60.0  # s, in which what is prepared is there, also on a host that has no time for it
STALL = 0.1  # s, of the host, that excuses one failure
PATIENCE = 20.0  # times the longest stall of the host, beyond the time to be ready again
_numbers = itertools.count(1)


@dataclasses.dataclass
class Outcome:
    """What came of a trial.

    Attributes:
        fault, situation: which.
        violations: what did not hold.
        standstill: s from the fault until the motor had no current; None: it did not move, or
            went on.
        recovery: s from the end of the fault until the vehicle was ready; None: it never was.
        stall: s, the longest of the host meanwhile.

    """

    fault: str
    situation: str
    violations: list[Violation]
    standstill: float | None
    recovery: float | None
    stall: float

    @property
    def held(self) -> bool:
        """Whether everything held that must."""
        return not self.violations


def mission(rig: Rig, recording: Recording, **fields) -> None:
    """Start a mission that is accepted."""
    name = f'trial-{next(_numbers)}'
    wait_for(
        lambda: (
            (
                order := rig.order(
                    recording, 'start_mission', mission_type='transport', mission_id=name, **fields
                )
            )
            and order.answer
            and not order.failed
        ),
        LONG, 'a mission is accepted', pause=0.2,
    )  # fmt: skip
    # Those that were refused before were not failures of this one.
    recording.commands.clear()


def travel(rig: Rig, recording: Recording) -> None:
    """Have the vehicle move by a mission."""
    x = rig.world.seen[-1].position
    target = x + WAY if x < LENGTH / 2 else x - WAY
    mission(rig, recording, target_position={'x': target * 1e3, 'y': 0.0, 'z': 0.0})
    wait_for(lambda: abs(rig.world.seen[-1].velocity) > FAST, LONG, 'the vehicle moves')


def dock(rig: Rig, recording: Recording) -> None:
    """Have the vehicle dock."""
    mission(rig, recording, station='charger')
    wait_for(
        lambda: any(
            message.body['type'] == 'mission.state' and message.body['data']['phase'] == 'docking'
            for message in list(rig.watcher.messages)
        ),
        LONG, 'the vehicle docks',
    )  # fmt: skip


@contextlib.contextmanager
def underway(rig: Rig, recording: Recording, name: str, **fields) -> Iterator[None]:
    """Send a command, and take its answer at the end."""
    with rig.client('admin') as admin:
        at = time.monotonic()
        admin.send(name, request_id='underway', **fields)
        yield
        answer = None
        with contextlib.suppress(Exception):
            answer = admin.wait(
                ('command.result', 'error'), 0.5,
                where=lambda message: message.get('request_id') == 'underway',
            )  # fmt: skip
        recording.commands.append(Command(at, time.monotonic(), name, fields, answer))


@contextlib.contextmanager
def situation(rig: Rig, recording: Recording, name: str) -> Iterator[None]:
    """Bring a vehicle that is ready into a situation."""
    if name == IDLE:
        yield
    elif name == MOVING:
        travel(rig, recording)
        yield
    elif name == DOCKING:
        dock(rig, recording)
        yield
    elif name == STOPPING:
        travel(rig, recording)
        with underway(rig, recording, 'emergency_stop', reason='trial'):
            yield
    elif name == CLEARING:
        stop = rig.order(recording, 'emergency_stop', reason='trial')
        time.sleep(1.0)  # until it may be cleared
        with underway(rig, recording, 'clear_estop', estop_id=stop.answer['data']['estop_id']):
            yield


@contextlib.contextmanager
def probed(rig: Rig, recording: Recording, fault: Fault) -> Iterator[None]:
    """Give a command while a fault lasts; whatever is answered must be true."""
    name = f'probe-{next(_numbers)}'

    def probe():
        time.sleep(PROBE_AFTER)
        if 'config_node' in fault.hangs:
            changes = {'telemetry_rate': 5.0 + next(_numbers) / 1000.0}
            rig.order(recording, 'update_config', changes=changes)
        x = rig.world.seen[-1].position
        target = (x + 0.3 if x < LENGTH / 2 else x - 0.3) * 1e3
        rig.order(
            recording, 'start_mission', mission_type='transport', mission_id=name,
            target_position={'x': target, 'y': 0.0, 'z': 0.0},
        )  # fmt: skip

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def standstill(recording: Recording, since: float, within: float = math.inf) -> float | None:
    """Return s from a moment until the motor had no current.

    None when it had none, or goes on for longer than `within` s.
    """
    for start, end in invariants.driven(recording.frames):
        if start <= since < end:
            stopped = end < recording.frames[-1].at and end - since < within
            return end - since if stopped else None
    return None


def attempt(
    rig: Rig, fault: Fault, name: str, keep: Callable[[Recording], None] | None = None
) -> Outcome:
    """Try a fault once."""
    rig.breathe(set(fault.kills))
    rig.ready()
    if name == DOCKING:
        rig.place(DOCK_FROM)
        rig.ready()
    recovery = None
    found: list[Violation] = []
    with rig.recorded() as recording:
        time.sleep(BEFORE)
        with situation(rig, recording, name):
            began = time.monotonic()
            with (
                rig.window(recording, fault.id, fault.line),
                fault.act(rig),
                probed(rig, recording, fault),
            ):
                # A host that has no time may break it later than it was asked to.
                began = max(began, rig.broke_at)
                time.sleep(fault.lasts)
            ended = time.monotonic()
        try:
            rig.ready()
            recovery = time.monotonic() - ended
        except AssertionError as error:
            found.append(Violation('ready', ended, str(error)[:2000]))
        if recovery is not None:
            wait_for(rig.watcher.connected.is_set, LONG, 'the client is connected')
            time.sleep(0.3)
    if recovery is not None and recovery > fault.ready + PATIENCE * recording.stall:
        text = f'ready after {recovery:.1f} s, {fault.ready:g} s at most'
        found.append(Violation('ready', ended, text))
    stood = standstill(recording, began)
    found += expected(fault, name, recording, stood, began)
    bad_client = fault.where == 'client'
    found += invariants.all_of(recording, fault.shows, bad_client=bad_client)
    if keep is not None:
        keep(recording)
    # What stops later is a mission that arrives, or is cancelled to be ready for the next fault.
    stood = standstill(recording, began, fault.lasts + invariants.RECOVERY)
    return Outcome(fault.id, name, found, stood, recovery, recording.stall)


def expected(
    fault: Fault, name: str, recording: Recording, stood: float | None, began: float
) -> list[Violation]:
    """Return what contradicts the time to standstill that the catalogue gives."""
    limit = fault.stops if name == STOPPING else fault.stands
    if name not in (MOVING, DOCKING, STOPPING) or limit is None:
        return []
    moved = any(start <= began < end for start, end in invariants.driven(recording.frames))
    slack = recording.stall if recording.stall > STALL else 0.0
    if moved and (stood is None or stood > limit + slack + 0.05):
        text = f'{name}: the motor had current for {stood} s after the fault, {limit} s at most'
        return [Violation('standstill', began, text)]
    return []


def trial(
    rig: Rig, fault: Fault, name: str, keep: Callable[[Recording], None] | None = None
) -> Outcome:
    """Try a fault, and once more when it failed while the host stalled."""
    outcome = attempt(rig, fault, name, keep)
    if not outcome.held and outcome.stall > STALL:
        outcome = attempt(rig, fault, name, keep)
    return outcome

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
"""Random schedules of three faults that overlap, each made of a seed.

`python -m faults.harness.schedule --seed 17`, with PYTHONPATH=test, tries one again: it prints the
faults with their times, and what did not hold. `--seeds 0:300` tries many on one vehicle.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NamedTuple

from faults.harness import invariants
from faults.harness.catalogue import CATALOGUE
from faults.harness.fault import CLEARING
from faults.harness.fault import HANG
from faults.harness.fault import IDLE
from faults.harness.fault import MOVING
from faults.harness.fault import STOPPING
from faults.harness.fault import Fault
from faults.harness.invariants import Violation
from faults.harness.recording import Recording
from faults.harness.rig import Rig
from faults.harness.trial import STALL
from faults.harness.trial import probed
from faults.harness.trial import situation
from support import own_domain
from support import wait_for

FAULTS = 3
LATEST = 1.0  # s, until which each has begun
SHORTEST, LONGEST = 0.5, 2.5  # s
SITUATIONS = {MOVING: 6, IDLE: 2, STOPPING: 2, CLEARING: 1}  # how often
READY_WITHIN = 120.0  # s
# After a restart the safety board is silent for 10 s: one of them would take the time of three.
# What forks the nodes is started again five times only.
APART = ('safety-restarts', 'preload-killed')
STARTERS = {'supervisor', 'preload'}  # nodes are started by these


class Entry(NamedTuple):
    """A fault of a schedule: when it begins and how long it lasts, s."""

    start: float
    lasts: float
    fault: Fault


class Schedule(NamedTuple):
    """What is tried."""

    seed: int
    situation: str
    entries: list[Entry]

    def __str__(self) -> str:
        faults = ', '.join(
            f'{entry.fault.id} at {entry.start:.2f} s for {entry.lasts:.2f} s'
            for entry in self.entries
        )
        return f'seed {self.seed}, {self.situation}: {faults}'


def candidates() -> list[Fault]:
    """Return the faults that can be combined; pairs of processes come about by themselves."""
    return [
        fault
        for fault in CATALOGUE.values()
        if not (any(fault.needs.values()) or fault.network or fault.ends)
        and '+' not in fault.id
        and fault.id not in APART
        and not fault.id.endswith('-hangs-long')  # a schedule says for itself how long
    ]


def touches(fault: Fault) -> set[str]:
    """Return what a fault takes, and no other one at the same time can."""
    return {fault.line, *fault.kills, *fault.hangs, fault.id.split('-')[0]} - {''}


def schedule(seed: int) -> Schedule:
    """Return the schedule of a seed."""
    rng = random.Random(seed)
    where = rng.choices(list(SITUATIONS), list(SITUATIONS.values()))[0]
    entries: list[Entry] = []
    pool = candidates()
    while len(entries) < FAULTS:
        fault = rng.choice(pool)
        if any(touches(fault) & touches(entry.fault) for entry in entries):
            continue
        lasts = HANG if rng.random() < 0.1 else rng.uniform(SHORTEST, LONGEST)
        entries.append(Entry(rng.uniform(0.0, LATEST), lasts, fault))
    return Schedule(seed, where, sorted(entries, key=lambda entry: entry.start))


def carry_out(rig: Rig, recording: Recording, entries: list[Entry]) -> None:
    """Begin and end the faults at their times."""
    began = time.monotonic()
    due = [(entry.start, entry) for entry in entries]
    # The end of a kill waits for the new process, which nothing starts before these go on.
    starters = [entry for entry in entries if STARTERS & set(entry.fault.hangs)]
    hung_until = max((entry.start + entry.lasts for entry in starters), default=0.0)
    ends: dict[float, contextlib.ExitStack] = {}
    with contextlib.ExitStack() as all_of_them:
        while due or ends:
            at = min([moment for moment, _ in due] + list(ends))
            time.sleep(max(0.0, began + at - time.monotonic()))
            if at in ends:
                ends.pop(at).close()
                continue
            _, entry = due.pop(0)
            stack = all_of_them.enter_context(contextlib.ExitStack())
            stack.enter_context(rig.window(recording, entry.fault.id, entry.fault.line))
            stack.enter_context(entry.fault.act(rig))
            # An act may take its time, and so may the end of another one.
            end = max(entry.start + entry.lasts, time.monotonic() - began)
            if entry.fault.kills:
                end = max(end, hung_until + SHORTEST)
            ends[end] = stack


def attempt(rig: Rig, plan: Schedule) -> tuple[Recording, list[Violation]]:
    """Try a schedule once."""
    rig.breathe({name for entry in plan.entries for name in entry.fault.kills})
    rig.ready()
    found: list[Violation] = []
    with rig.recorded() as recording:
        time.sleep(0.3)
        with (
            situation(rig, recording, plan.situation),
            probed(rig, recording, plan.entries[0].fault),
        ):
            carry_out(rig, recording, plan.entries)
        try:
            rig.ready(READY_WITHIN)
            wait_for(rig.watcher.connected.is_set, 10.0, 'the client is connected')
            time.sleep(0.2)
        except AssertionError as error:
            found.append(Violation('ready', time.monotonic(), str(error)[:2000]))
    found += invariants.all_of(recording)
    return recording, found


def main() -> int:
    """Return 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog='schedule', description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument('--seed', type=int)
    group.add_argument('--seeds', help='FIRST:END')
    parser.add_argument('--output', type=Path, help='JSON of what came of each')
    parser.add_argument('--keep', type=Path, help='folder for the records of what did not hold')
    parser.add_argument('--seconds', type=float, default=1e9, help='begin nothing after so long')
    arguments = parser.parse_args()
    # The vehicle ends with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    until = time.monotonic() + arguments.seconds
    seeds = [arguments.seed]
    if arguments.seeds:
        first, end = map(int, arguments.seeds.split(':'))
        seeds = list(range(first, end))
    rows: list[dict] = []
    if arguments.output and arguments.output.exists():
        rows = json.loads(arguments.output.read_text())
        seeds = [seed for seed in seeds if seed not in {row['seed'] for row in rows}]
    while seeds and time.monotonic() < until:
        with (
            own_domain() as domain,
            tempfile.TemporaryDirectory(prefix='rig-') as folder,
            Rig(Path(folder), domain) as rig,
        ):
            while seeds and time.monotonic() < until:
                good, row = one(rig, schedule(seeds.pop(0)), arguments.keep)
                rows.append(row)
                if arguments.output:
                    arguments.output.write_text(json.dumps(rows, indent=1) + '\n')
                if not good:
                    break
    broken = [row['seed'] for row in rows if row['violations']]
    print(f'{len(rows)} schedules, {len(broken)} of them broke something: {broken}')
    return int(bool(broken))


def one(rig: Rig, plan: Schedule, keep: Path | None) -> tuple[bool, dict]:
    """Try a schedule, once more after a stall of the host or a growth; say what came of it."""
    began = time.monotonic()
    print(plan, flush=True)
    row = {'seed': plan.seed, 'schedule': str(plan)}
    try:
        try:
            recording, found = attempt(rig, plan)
        except AssertionError:  # as of a vehicle that does not move, for a stall stopped it
            if rig.meter.longest(began) <= STALL:
                raise
            recording, found = attempt(rig, plan)
        if found and recording.stall > STALL:
            print(f'    again: the host stalled for {recording.stall:.2f} s', flush=True)
            recording, found = attempt(rig, plan)
        if found and all(': memory ' in violation.text for violation in found):
            # Python keeps what a first burst needed. What is lost with each grows again.
            print(f'    again: {found[0].text}', flush=True)
            recording, found = attempt(rig, plan)
    except Exception:
        text = traceback.format_exc()[-3000:]
        print(f'    BROKEN: {text}\n{rig.log()[-2000:]}', flush=True)
        return False, {**row, 'violations': [['harness', text]]}
    for violation in found:
        print(f'    {violation.invariant}: {violation.text[:700]}', flush=True)
    if found and keep is not None:
        keep.mkdir(exist_ok=True)
        recording.save(keep / f'seed-{plan.seed}.json')
    print(f'    {"VIOLATED" if found else "held"} in {time.monotonic() - began:.1f} s', flush=True)
    row['violations'] = [[violation.invariant, violation.text] for violation in found]
    return not any(violation.invariant == 'ready' for violation in found), row


if __name__ == '__main__':
    sys.exit(main())

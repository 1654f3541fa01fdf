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
"""Tries the catalogue on vehicles, one after the other, and keeps what comes of it as JSON.

`python -m faults.harness.campaign OUTPUT [FAULT[@SITUATION] ...]`, with PYTHONPATH=test: all of
them, or those whose names begin so. What was tried before stands in OUTPUT and is not repeated.
Those of a disk need root. Those of the network are tried in one of its own alone, as
`unshare --net sh -c 'ip link set lo up; PYTHONPATH=test python -m ...'` gives, as root too; they
need iptables, and fnfqueue of PyPI.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from faults.harness.catalogue import CATALOGUE
from faults.harness.dds_faults import own_network
from faults.harness.fault import MOVING
from faults.harness.fault import Fault
from faults.harness.rig import Rig
from faults.harness.trial import trial
from support import own_domain


def machine() -> str:
    """Return what the figures are of."""
    return f'{os.cpu_count()} processors, {platform.system()} {platform.release()}'


def chosen(names: list[str]) -> list[tuple[Fault, str]]:
    """Return the faults and situations of the names; the telling ones first."""
    pairs = [
        (fault, situation)
        for fault in CATALOGUE.values()
        for situation in fault.situations
        if not names or any(f'{fault.id}@{situation}'.startswith(name) for name in names)
    ]
    random.Random(1).shuffle(pairs)
    return sorted(
        (pair for pair in pairs if own_network() or not pair[0].network),
        key=lambda pair: (*pair[0].needs.values(), '+' in pair[0].id, pair[1] != MOVING),
    )


class Results:
    """The rows so far, in a file that is written after each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: list[dict] = []
        if path.exists():
            rows = json.loads(path.read_text())['rows']
            self.rows = [row for row in rows if not row.get('broken')]

    def has(self, fault: Fault, situation: str) -> bool:
        """Whether a row exists already."""
        return any(row['fault'] == fault.id and row['situation'] == situation for row in self.rows)

    def add(self, row: dict) -> None:
        """Add a row and write all of them."""
        self.rows.append(row)
        document = {
            'machine': machine(),
            'date': time.strftime('%Y-%m-%d'),
            'faults': len(CATALOGUE),
            'situations': sum(len(fault.situations) for fault in CATALOGUE.values()),
            'rows': self.rows,
        }
        self._path.write_text(json.dumps(document, indent=1) + '\n')


def run(results: Results, pairs: list[tuple[Fault, str]], keep: Path | None, until: float) -> None:
    """Try pairs on one vehicle while there is time, another one where it did not survive."""
    left = [pair for pair in pairs if not results.has(*pair)]
    while left and time.monotonic() < until:
        needs = left[0][0].needs
        with (
            own_domain() as domain,
            tempfile.TemporaryDirectory(prefix='rig-') as folder,
            Rig(Path(folder), domain, **needs) as rig,
        ):
            while left and left[0][0].needs == needs and time.monotonic() < until:
                fault, situation = left.pop(0)
                if not row_of(rig, results, fault, situation, keep):
                    break


def row_of(rig: Rig, results: Results, fault: Fault, situation: str, keep: Path | None) -> bool:
    """Try one; return whether the vehicle is still good for another."""
    started = time.monotonic()
    saved: list = []
    try:
        outcome = trial(rig, fault, situation, saved.append)
    except Exception:
        row = {'fault': fault.id, 'situation': situation, 'violations': [], 'broken': True}
        print(f'{fault.id}@{situation}: BROKEN\n{traceback.format_exc()[-3000:]}', flush=True)
        print(rig.log()[-3000:])
        results.add({**row, 'where': fault.where, 'what': fault.what})
        return False
    row = dataclasses.asdict(outcome)
    row['violations'] = [[v.invariant, v.text] for v in outcome.violations]
    results.add({**row, 'where': fault.where, 'what': fault.what})
    if outcome.violations and keep is not None:
        keep.mkdir(exist_ok=True)
        saved[-1].save(keep / f'{fault.id}@{situation}.json')
    took = time.monotonic() - started
    stood = '-' if outcome.standstill is None else f'{outcome.standstill:.2f}'
    back = '-' if outcome.recovery is None else f'{outcome.recovery:.1f}'
    word = 'held' if outcome.held else 'VIOLATED'
    print(f'{word} {fault.id}@{situation} stood {stood} ready {back} took {took:.0f}', flush=True)
    for violation in outcome.violations:
        print(f'    {violation.invariant}: {violation.text[:600]}', flush=True)
    return outcome.recovery is not None


def main() -> int:
    """Return 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog='campaign', description=__doc__)
    parser.add_argument('output', type=Path)
    parser.add_argument('names', nargs='*')
    parser.add_argument('--keep', type=Path, help='folder for the records of what did not hold')
    parser.add_argument('--part', default='0/1', help='K/N: each N-th one from the K-th on')
    parser.add_argument('--seconds', type=float, default=1e9, help='begin nothing after so long')
    arguments = parser.parse_args()
    # The vehicle ends with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    until = time.monotonic() + arguments.seconds
    results = Results(arguments.output)
    first, parts = map(int, arguments.part.split('/'))
    run(results, chosen(arguments.names)[first::parts], arguments.keep, until)
    return int(any(row['violations'] or row.get('broken') for row in results.rows))


if __name__ == '__main__':
    sys.exit(main())

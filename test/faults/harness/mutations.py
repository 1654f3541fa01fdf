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
"""Takes protections out of the product, one at a time, and sees which checker notices.

`python -m faults.harness.mutations OUTPUT [NAME ...]`, with PYTHONPATH=test. It changes sources of
the working copy for the time of a trial, and puts them back.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from faults.harness.catalogue import CATALOGUE
from faults.harness.fault import MOVING
from faults.harness.rig import Rig
from faults.harness.trial import attempt
from support import ROOT
from support import own_domain

PACKAGE = ROOT / 'oht50_bridge'


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A protection that is taken out.

    Attributes:
        name: what is missing then.
        path: file of the package.
        old, new: text that is replaced.
        fault, situation: in which it is missed.
        invariant: which notices.
        also: other protections that would act in its place: file, text, and what replaces it.

    """

    name: str
    path: str
    old: str
    new: str
    fault: str
    situation: str
    invariant: str
    also: tuple[tuple[str, str, str], ...] = ()


MUTATIONS = (
    Mutation(
        'a drive command is valid for 5 s instead of 0.2 s', 'timing.py',
        'DRIVE_COMMAND_TIMEOUT = 0.2', 'DRIVE_COMMAND_TIMEOUT = 5.0',
        'mission_node-killed', MOVING, 'motion',
    ),
    Mutation(
        'a heartbeat is valid for 5 s instead of 0.3 s', 'timing.py',
        'HEARTBEAT_TIMEOUT = 0.3', 'HEARTBEAT_TIMEOUT = 5.0',
        'safety_node-hangs', MOVING, 'motion',
        (
            ('vehicle/mission.py', 'if inputs.measurement is None or inputs.position_age > '
             'self._timeouts.position_timeout:', 'if inputs.measurement is None:'),
        ),
    ),
    Mutation(
        'the watchdog waits for 3 s instead of 0.4 s', 'hardware/watchdog/protocol.py',
        'PULSE_TIMEOUT = 0.400', 'PULSE_TIMEOUT = 3.0',
        'hardware_node-hangs', MOVING, 'motion',
    ),
    Mutation(
        'the watchdog does nothing when hardware_node ends', 'hardware/watchdog/process.py',
        '        stands = stop(inbox, inbox.orders)', '        stands = inbox.ended or stop('
        'inbox, inbox.orders)',
        'hardware_node-killed', MOVING, 'standstill',
    ),
    Mutation(
        'the motor does not stop for a stop that is latched', 'hardware/hardware.py',
        "            self._module.guard.inhibit(StopReason.ESTOP, 'caller')", '            pass',
        'dock-silent', MOVING, 'standstill',
    ),
    Mutation(
        'a position that is not reported any more stays valid', 'vehicle/position_source.py',
        'if self._samples and not now - self._samples[-1].stamp <= '
        'self._settings.position_timeout:', 'if False:',
        'sense-deaf', MOVING, 'standstill',
    ),
    Mutation(
        'a node carries out a command whose time has passed', 'nodes/deadline.py',
        '        if late <= 0.0:', '        if True:', 'mission_node-hangs', 'idle', 'commands',
    ),
    Mutation(
        'an event of each three is not sent', 'gateway/history.py',
        '        self.seq += 1', '        self.seq += 1 + (self.seq % 3 == 2)',
        'dock-silent', MOVING, 'events',
    ),
    Mutation(
        'the bridge waits for a client that does not read', 'gateway/sender.py',
        '        if connection.write_paused or self._closed or not connection.is_open:\n'
        '            return False\n',
        '        if connection.write_paused:\n            __import__("time").sleep(1.0)\n'
        '            return False\n',
        'ws-stuck-reader', MOVING, 'delays',
        (
            ('gateway/admission/listener.py', 'SEND_BUFFER = 64 * 1024', 'SEND_BUFFER = 2048'),
            ('gateway/server.py', 'WRITE_LIMIT = 16 * 1024', 'WRITE_LIMIT = 1024'),
        ),
    ),
    Mutation(
        'the bridge gives no memory back', 'heap.py',
        '            self._trim()', '            pass', 'ws-ping-flood', MOVING, 'resources',
    ),
    Mutation(
        'each attempt to open a lost port is logged', 'hardware/bus.py',
        '        if self._port_error != text:', '        if text:',
        'drive-unplugged', 'idle', 'visibility',
    ),
    Mutation(
        'nothing says that telemetry_node is silent', 'vehicle/error_monitor.py',
        "    'telemetry_node': ('APP-004', 'position and battery are not reported until it is "
        "back'),\n", '',
        'telemetry_node-hangs', 'idle', 'visibility',
    ),
)  # fmt: skip


@contextlib.contextmanager
def mutated(mutation: Mutation) -> Iterator[None]:
    """Change the sources, and put them back."""
    with contextlib.ExitStack() as after:
        for name, old, new in ((mutation.path, mutation.old, mutation.new), *mutation.also):
            path = PACKAGE / name
            source = path.read_text(encoding='utf-8')
            assert source.count(old) == 1, f'{name}: {old}'
            after.callback(path.write_text, source, encoding='utf-8')
            path.write_text(source.replace(old, new), encoding='utf-8')
        yield


def noticed_by(mutation: Mutation) -> list[str]:
    """Return the invariants that do not hold without the protection."""
    with (
        mutated(mutation),
        own_domain() as domain,
        tempfile.TemporaryDirectory(prefix='rig-') as folder,
        Rig(Path(folder), domain) as rig,
    ):
        outcome = attempt(rig, CATALOGUE[mutation.fault], mutation.situation)
    for violation in outcome.violations:
        print(f'    {violation.invariant}: {violation.text[:300]}', flush=True)
    return sorted({violation.invariant for violation in outcome.violations})


def main() -> None:
    parser = argparse.ArgumentParser(prog='mutations', description=__doc__)
    parser.add_argument('output', type=Path)
    parser.add_argument('names', nargs='*')
    arguments = parser.parse_args()
    # The vehicle ends with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows = json.loads(arguments.output.read_text()) if arguments.output.exists() else []
    for mutation in MUTATIONS:
        if arguments.names and not any(name in mutation.name for name in arguments.names):
            continue
        print(mutation.name, flush=True)
        try:
            found = noticed_by(mutation)
        except AssertionError as error:
            print(f'    not judged: {str(error)[:300]}', flush=True)
            continue
        word = 'noticed' if mutation.invariant in found else 'NOT NOTICED'
        print(f'    {word} by {", ".join(found) or "none"}', flush=True)
        rows = [row for row in rows if row['name'] != mutation.name]
        rows.append(
            {
                'name': mutation.name,
                'fault': CATALOGUE[mutation.fault].what,
                'situation': mutation.situation,
                'noticed_by': found,
            }
        )
        arguments.output.write_text(json.dumps(rows, indent=1) + '\n')


if __name__ == '__main__':
    main()

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
"""A whole vehicle under load for long: what grows, what is lost, what gets slower.

    .venv/bin/python bench/soak.py [--minutes 60] [--clients 99] [--out DIRECTORY]

The bridge first publishes as many events as it keeps for clients that resume, as one that has
run for some days. Then a simulated vehicle does all that makes events (bench/event_load.py),
while clients, with the one that commands it 100, read everything. For each process: how fast
memory, descriptors and threads grow; over all clients: events lost or doubled, and the age of
what is published in the first minute and in each later one. It prints tables in Markdown, and
writes them with all figures as JSON. SIGTERM ends it earlier.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from event_load import EventLoad
from growth import Sampler
from growth import processes_of_vehicle
from growth import table
from load import PUBLISHED
from load import Load
from readers import Totals
from readers import reading
from readers import token
from support import Up
from support import Vehicle
from support import own_domain
from support import wait_for

from oht50_bridge.gateway.config import GatewayConfig

INTERVAL = 10.0  # s between samples of the processes
# That clients renew their tokens for the first time is part of the warm-up: what the bridge needs
# for it, it needs once.
FIRST_TOKEN = '5m'
QUIET = 15.0  # s at the end, until what rates hold back has arrived
PATIENCE = 300.0  # s
MOST_GROWTH = 1.0  # MB/h, of one process


def fill_history(vehicle: Up) -> None:
    """Have the bridge publish as many events as it keeps."""
    count = GatewayConfig().history
    pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'text': True}
    with vehicle.spawn('event_source', str(count), **pipes) as source, vehicle.client() as client:
        if source.stdout.readline() != 'done\n':
            sys.exit('the source of events failed')

        def published() -> bool:
            client.send('resume', epoch='another', after=0)
            return bool(client.wait('resume.result')['data']['seq'] >= count)

        wait_for(published, PATIENCE, 'the bridge has published all of them', pause=1.0)


def report_of(
    totals: Totals, processes: dict[str, dict[str, float]], load: EventLoad
) -> dict[str, Any]:
    """Return all figures."""
    # The last minute is cut off; the first one is that in which they connect.
    ages = [minute.age(0.99) for minute in totals.minutes[1:-1]]
    return {
        'minutes': len(ages),
        'steps': dict(load.done),
        'steps_failed': dict(load.failed),
        'events_per_client': [totals.least, totals.most],
        'events_lost': totals.events_lost,
        'events_doubled': totals.doubled,
        'connections_lost': totals.lost,
        'errors': totals.errors,
        'frames': sum(minute.frames for minute in totals.minutes),
        'p99_ms': ages,
        'p50_ms': [minute.age(0.5) for minute in totals.minutes[1:-1]],
        'worst_to_first': round(max(ages) / ages[0], 2) if ages else None,
        'last_to_first': round(ages[-1] / ages[0], 2) if ages else None,
        'processes': processes,
    }


def text_of(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    ages = report['p99_ms']
    lines = [
        '| what | seen |',
        '|---|---|',
        f'| minutes | {report["minutes"]} |',
        f'| steps done, failed | {report["steps"]}, {report["steps_failed"]} |',
        f'| frames to all clients | {report["frames"]} |',
        f'| events of the client with the fewest, the most | {report["events_per_client"]} |',
        f'| events lost, doubled | {report["events_lost"]}, {report["events_doubled"]} |',
        f'| connections lost | {report["connections_lost"]} |',
        f'| errors | {report["errors"]} |',
    ]
    if ages:
        lines += [
            f'| age of a message, p99 of the first minute | {ages[0]:.1f} ms |',
            f'| ... of the worst minute, the last | {max(ages):.1f} ms, {ages[-1]:.1f} ms |',
            f'| worst, last to first | {report["worst_to_first"]}, {report["last_to_first"]} |',
        ]
    return '\n'.join([*lines, '', table(report['processes'])])


def main() -> None:
    """Run and print; exit with 1 if anything was lost, or grows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--minutes', type=float, default=60.0)
    parser.add_argument('--warm-up', type=float, default=10.0, help='minutes, of memory only')
    parser.add_argument('--clients', type=int, default=99)
    parser.add_argument('--out', type=Path, default=Path('build/soak'))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory() as directory,
        own_domain() as domain,
        (arguments.out / 'samples.jsonl').open('w') as out,
    ):
        vehicle = Vehicle(Path(directory), domain).wait_until_up()
        state_dir = str(vehicle.state_dir)
        try:
            fill_history(vehicle)
            load = Load(
                vehicle.port,
                token(state_dir, ttl=FIRST_TOKEN),
                ('*',),
                arguments.clients,
                within=20.0,
                ages_of=PUBLISHED,
                resume=True,
            )
            with (
                reading(load, state_dir) as readers,
                vehicle.simulator() as simulator,
                EventLoad(vehicle, simulator, partial(token, state_dir, 'admin')) as events,
            ):
                processes = processes_of_vehicle(vehicle.process.pid, state_dir)
                sampler = Sampler(processes, INTERVAL, 60.0 * arguments.warm_up, out)
                end = time.monotonic() + 60.0 * arguments.minutes
                with contextlib.suppress(KeyboardInterrupt):
                    while time.monotonic() < end:
                        events.round()
                events.rest(QUIET)
                after = processes_of_vehicle(vehicle.process.pid, state_dir)
                grown = sampler.stop()
                totals = readers.finish()
        finally:
            vehicle.stop()
            (arguments.out / 'vehicle.log').write_text(vehicle.log.read_text())
    report = report_of(totals, grown, events)
    report['restarted'] = sorted(name for name in processes if after.get(name) != processes[name])
    (arguments.out / 'report.json').write_text(json.dumps(report, indent=1) + '\n')
    text = text_of(report)
    (arguments.out / 'report.md').write_text(text + '\n')
    print(text)
    grows = [name for name, each in grown.items() if each['rss_mb_per_h'] > MOST_GROWTH]
    print(f'processes that grow by more than {MOST_GROWTH} MB/h: {grows or "none"}')
    if totals.events_lost or totals.doubled or totals.lost or report['restarted']:
        sys.exit('events or connections were lost, or a node was started again')


if __name__ == '__main__':
    main()

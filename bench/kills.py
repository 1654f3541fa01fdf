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
"""The bridge is killed over and over, and its clients resume: what was lost or doubled.

    .venv/bin/python bench/kills.py [--kills 200] [--clients 10] [--seed N] [--out FILE]

Each time: a mission is under way, is stopped or cleared, and `kill -9` ends bridge_node at a
random moment, at times also while it starts. While no bridge runs, a board is lost and found, and
at times the emergency-stop button is pressed. Then all clients resume. A subscriber of the topics
beside the bridge knows which events there were. SIGTERM ends it after the kill under way.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'test')]
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'

import rosless  # noqa: E402

rosless.install()

import rclpy  # noqa: E402
from rclpy.context import Context  # noqa: E402
from rclpy.executors import ExternalShutdownException  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from resuming import NUMBERED  # noqa: E402
from resuming import Resuming  # noqa: E402
from support import Connection  # noqa: E402
from support import Up  # noqa: E402
from support import Vehicle  # noqa: E402
from support import own_domain  # noqa: E402
from support import wait_for  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402

from oht50_bridge.nodes import topics  # noqa: E402
from oht50_bridge.nodes.to_wire import to_wire  # noqa: E402
from oht50_bridge.protocol.codec import Encoder  # noqa: E402
from oht50_bridge.simulator.control import SimulatorClient  # noqa: E402

Event = tuple[str, str, str]
"""Type, time and data."""

# A process that ends ten times within a minute is not started again.
MOST, WITHIN = 9, 61.0  # s
BOARDS = ('dock', 'power')
CLEARED_WITHIN = 4.0  # s
LATE = 0.2  # share of the kills that are followed by one while the next bridge starts
SETTLING = 5.0  # s
QUIET = 15.0  # s, until what rates hold back has arrived


class Truth:
    """Receives every event from the topics, as the bridge does."""

    def __init__(self, domain: int, namespace: str) -> None:
        self.events: list[Event] = []
        self._encoder = Encoder()
        self._context = Context()
        rclpy.init(args=[], context=self._context, domain_id=domain)
        self._node = rclpy.create_node('truth', namespace=namespace, context=self._context)
        for name in NUMBERED:
            topics.EVENT_TOPICS[name].subscribe(self._node, self._take)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        executor = SingleThreadedExecutor(context=self._context)
        executor.add_node(self._node)
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    def _take(self, message: Any) -> None:
        event = json.loads(self._encoder.encode(to_wire(message)))
        self.events.append((event['type'], event['timestamp'], str(event['data'])))

    def close(self) -> None:
        """Leave the domain."""
        self._context.shutdown()
        self._thread.join()


class Kills:
    """Kills the bridge of a vehicle, and has its clients resume.

    Attributes:
        recovery: s from each kill until the last client had resumed.

    """

    def __init__(
        self, vehicle: Up, simulator: SimulatorClient, clients: list[Resuming], rng: random.Random
    ) -> None:
        self.recovery: list[float] = []
        self.kills = 0
        self._times = deque[float](maxlen=MOST)
        self._vehicle = vehicle
        self._simulator = simulator
        self._clients = clients
        self._rng = rng
        self._targets = (6000.0, 8000.0)

    def round(self) -> None:
        """Make events, kill the bridge, make more, resume."""
        readers = [threading.Thread(target=client.read_to_the_end) for client in self._clients]
        for reader in readers:
            reader.start()
        time.sleep(self._pause)
        with (
            contextlib.suppress(AssertionError, OSError, EOFError, ConnectionClosed),
            self._vehicle.client('admin') as admin,
        ):
            self._command(admin)
            time.sleep(self._rng.uniform(0.0, 0.5))
        killed = self._kill()
        began = self._times[-1]
        with contextlib.suppress(AssertionError):  # a starved host may take too long for it
            self._disturb()
        if self._rng.random() < LATE and not self._pause:
            self._wait_for_bridge(killed)
            time.sleep(self._rng.uniform(0.0, 0.5))
            killed = self._kill()
        for reader in readers:
            reader.join()
        self._wait_for_bridge(killed)
        for client in self._clients:
            client.close()
            client.connect()
        self.recovery.append(time.monotonic() - began)

    @property
    def _pause(self) -> float:
        """Return how long no bridge may be killed, s."""
        if len(self._times) < MOST:
            return 0.0
        return max(0.0, self._times[0] + WITHIN - time.monotonic())

    def _kill(self) -> int:
        pid: int = wait_for(lambda: self._vehicle.node_pid('bridge_node'), what='a bridge runs')
        os.kill(pid, signal.SIGKILL)
        self.kills += 1
        self._times.append(time.monotonic())
        return pid

    def _wait_for_bridge(self, old: int) -> int:
        def another() -> int | None:
            pid: int | None = self._vehicle.node_pid('bridge_node')
            return None if pid == old else pid

        pid: int = wait_for(another, 120.0, what='another bridge runs', pause=0.05)
        return pid

    def _command(self, admin: Connection) -> None:
        """Give some commands, whatever their answers."""
        end = time.monotonic() + CLEARED_WITHIN
        while time.monotonic() < end and not admin.attempt('clear_estop')['accepted']:
            time.sleep(0.1)
        target = {'x': self._rng.choice(self._targets), 'y': 0.0, 'z': 0.0}
        admin.attempt('start_mission', mission_type='transport', target_position=target)
        if self._rng.random() < 0.3:
            admin.attempt('emergency_stop', reason='kills')

    def _disturb(self) -> None:
        """Make events while no bridge runs."""
        board = self._rng.choice(BOARDS)
        said = self._vehicle.log.stat().st_size
        pressed = self._rng.random() < 0.3

        def logged(changes: str) -> None:
            wait_for(
                lambda: re.search(changes, self._vehicle.log.read_text()[said:], re.DOTALL),
                what=changes,
            )

        if pressed:
            self._simulator.set(estop_pressed=True)
        try:
            self._simulator.misbehave(board, absent=True)
            logged(f'{board}: \\w+ -> offline')
            self._simulator.misbehave(board, absent=False)
            logged(f'{board}: \\w+ -> offline.*{board}: \\w+ -> online')
        finally:
            self._simulator.misbehave(board, absent=False)
            if pressed:
                self._simulator.set(estop_pressed=False)


def judge(clients: list[Resuming], truth: list[Event]) -> dict[str, Any]:
    """Return what clients lost, and what they received twice."""
    numbers: dict[int, Event] = {}
    lost = doubled = different = 0
    examples: Counter[str] = Counter()
    true = Counter(truth)
    for client in clients:
        for seq, *event in client.events:
            if all(client.results):  # else the numbers are of several epochs
                known = numbers.setdefault(seq, (event[0], event[1], event[2]))
                different += known != tuple(event)
    for client in clients:
        numbered = Counter[Event]((kind, stamp, data) for _, kind, stamp, data in client.events)
        overtaking = Counter[Event](client.overtaking)
        # An event that overtook others comes again, with its number, when the connection ended
        # before those arrived.
        received = numbered | overtaking
        missing = {
            event: count
            for event, count in (true - received).items()
            # A clear that a later stop has overtaken is not reported (docs/safety.md).
            if event[0] != 'safety.clear'
        }
        lost += sum(missing.values())
        doubled += sum((numbered - true).values())
        examples.update(f'lost: {" ".join(event)}' for event in missing)
        examples.update(f'doubled: {" ".join(event)}' for event in numbered - true)
    return {
        'events': len(truth),
        'by_type': dict(Counter(event[0] for event in truth)),
        'events_per_client': [
            min(len(client.events) for client in clients),
            max(len(client.events) for client in clients),
        ],
        'overtaking': sum(len(client.overtaking) for client in clients),
        'lost': lost,
        'doubled': doubled,
        'different_under_one_number': different,
        'examples': [f'{text} ({count} clients)' for text, count in examples.most_common(10)],
        'resumptions': sum(len(client.results) for client in clients),
        'recovered': sum(sum(client.results) for client in clients),
    }


def main() -> None:
    """Kill and print; exit with 1 if anything was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=200)
    parser.add_argument('--clients', type=int, default=10)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--out', type=Path, default=Path('build/kills'))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        vehicle = Vehicle(Path(directory), domain).wait_until_up()
        truth = Truth(domain, vehicle.namespace)
        try:
            clients = [
                Resuming(vehicle, (*('module.*', 'system.*', 'safety.*'), 'mission.*', 'config.*'))
                for _ in range(arguments.clients)
            ]
            for client in clients:
                client.connect()
                client.wait('system.status')
            # What the start itself reports is over.
            time.sleep(SETTLING)
            for client in clients:
                client.wait('system.status')
                client.events.clear()
            truth.events.clear()
            with vehicle.simulator() as simulator:
                kills = Kills(vehicle, simulator, clients, random.Random(arguments.seed))
                ended = threading.Event()
                signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
                while kills.kills < arguments.kills and not ended.is_set():
                    kills.round()
                    print(f'{kills.kills} kills, {len(truth.events)} events', flush=True)
            readers = [
                threading.Thread(target=partial(read_for, client, QUIET)) for client in clients
            ]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()
        finally:
            truth.close()
            vehicle.stop()
            (arguments.out / 'vehicle.log').write_text(vehicle.log.read_text())
    report = {
        'kills': kills.kills,
        'kill_to_resumed_s': [
            round(statistics.median(kills.recovery), 2),
            round(max(kills.recovery), 2),
        ],
        **judge(clients, truth.events),
    }
    (arguments.out / 'report.json').write_text(json.dumps(report, indent=1) + '\n')
    print(json.dumps(report, indent=1))
    if report['lost'] or report['doubled'] or report['recovered'] != report['resumptions']:
        sys.exit('events were lost or doubled, or a client could not resume')


def read_for(client: Resuming, seconds: float) -> None:
    """Keep what arrives within some time, s."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(AssertionError):
            client.wait('system.status', 1.0)


if __name__ == '__main__':
    main()

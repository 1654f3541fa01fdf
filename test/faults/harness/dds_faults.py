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
"""What others in the DDS domain, and the network below it, can do to a vehicle."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
from faults.harness.bad_network import Badness
from faults.harness.bad_network import bad_network
from faults.harness.fault import IDLE
from faults.harness.fault import MOVING
from faults.harness.fault import Act
from faults.harness.fault import Fault
from faults.harness.rig import Rig
from support import Up

BOTH = (IDLE, MOVING)
FLOODER = 'faults.harness.dds_peer'
LOOPBACK = 'lo'


def own_network() -> bool:
    """Whether this process has a network of its own, in which it may break the loopback.

    One that was made by `unshare --net` has the loopback interface and no other.
    """
    return [name for _, name in socket.if_nameindex()] == [LOOPBACK]


def spawned(*arguments: str, count: int = 1, kills: bool = False) -> Act:
    """Return what starts participants, and ends them in order or by kill -9."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        running = [
            rig.vehicle.spawn(FLOODER, *arguments, stdout=subprocess.PIPE, text=True)
            for _ in range(count)
        ]
        try:
            for process in running:
                assert process.stdout.readline() == 'ready\n'
            yield
        finally:
            for process in running:
                process.send_signal(signal.SIGKILL if kills else signal.SIGINT)
            for process in running:
                process.wait(20.0)
                process.stdout.close()

    return act


@contextlib.contextmanager
def second_vehicle(rig: Rig) -> Iterator[None]:
    """Start another vehicle in the same domain and namespace, and end it."""
    directory = rig.base / 'second'
    directory.mkdir(exist_ok=True)
    other = Up(directory, rig.vehicle.domain)
    try:
        other.wait_until_up()
        yield
    finally:
        other.stop(30)


@contextlib.contextmanager
def datagrams(rig: Rig) -> Iterator[None]:
    """Send arbitrary datagrams to the ports of discovery and data of all participants."""
    base = 7400 + 250 * rig.vehicle.domain
    chance = random.Random(3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(2000):
            port = base + 10 + chance.randrange(40)
            data = chance.randbytes(chance.randrange(1, 1200))
            start = chance.choice((b'', b'RTPS', b'RTPS\x02\x05\x01\x10' + bytes(12)))
            sender.sendto(start + data, ('127.0.0.1', port))
        yield


def network(*commands: str, undo: str) -> Act:
    """Return what breaks the loopback of a network of its own, and repairs it."""

    def run(command: str) -> None:
        subprocess.run(command.split(), check=True, capture_output=True)

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        assert own_network(), 'the loopback of the host is not broken'
        try:
            for command in commands:
                run(command)
            yield
        finally:
            run(undo)

    return act


def badly(**badness: float) -> Act:
    """Return what makes the loopback lose, delay, repeat or reorder packets: see `Badness`."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        assert own_network(), 'the loopback of the host is not broken'
        with bad_network(Badness(**badness)):
            yield

    return act


def dds_faults() -> list[Fault]:
    """Return what other participants can do."""
    return [
        Fault(
            'dds-late-joiner', 'dds', 'a node joins that reads every topic', spawned('read'), BOTH,
            lasts=3.0,
        ),
        Fault(
            'dds-10-join', 'dds', '10 nodes join at the same time, and leave in order',
            spawned('read', count=10), BOTH, lasts=2.0,
        ),
        Fault(
            'dds-participant-vanishes', 'dds', 'a node that reads every topic is killed',
            spawned('read', kills=True), BOTH, lasts=1.0,
        ),
        Fault(
            'dds-10-vanish', 'dds', '10 nodes are killed at the same time',
            spawned('read', count=10, kills=True), BOTH, lasts=1.0,
        ),
        Fault(
            'dds-frozen-reader', 'dds', 'a node that reads every topic hangs', frozen('read'),
            BOTH, lasts=5.0,
        ),
        Fault(
            'dds-flood-foreign', 'dds', '2000 messages/s on a topic that no node reads',
            spawned('flood', 'location/unused'), BOTH, lasts=3.0,
        ),
        Fault(
            'dds-flood-location', 'dds', '2000 messages/s on location/external, which is not used',
            spawned('flood', 'location/external'), BOTH, lasts=3.0,
        ),
        Fault(
            'dds-flood-presence', 'dds', '2000 signs of life/s of a node that is none of ours',
            spawned('flood', 'vehicle/presence'), BOTH, lasts=3.0,
        ),
        Fault(
            'dds-foreign-type', 'dds', 'a topic of ours with a type of others',
            spawned('foreign'), BOTH, lasts=3.0,
        ),
        Fault(
            'dds-garbage', 'dds', '2000 arbitrary datagrams to the ports of DDS', datagrams, BOTH,
            lasts=2.0,
        ),
        Fault(
            'dds-second-vehicle', 'dds', 'a second vehicle in the domain and namespace',
            second_vehicle, BOTH, lasts=5.0, stands=8.0, stops=None,
            shows=('another vehicle', 'other vehicle'), ready=40.0,
        ),
    ]  # fmt: skip


def frozen(*arguments: str) -> Act:
    """Return what has a participant hang that must acknowledge what it receives."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        with spawned(*arguments)(rig):
            pids = [
                pid
                for pid in psutil.pids()
                if FLOODER in command_of(pid) and str(rig.vehicle.domain) in environment_of(pid)
            ]
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            try:
                yield
            finally:
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)

    return act


def command_of(pid: int) -> str:
    """Return the command line of a process, '' when it has ended."""
    with contextlib.suppress(OSError):
        return Path(f'/proc/{pid}/cmdline').read_text(errors='replace')
    return ''


def environment_of(pid: int) -> str:
    """Return the variable of a process that names its domain."""
    with contextlib.suppress(OSError):
        text = Path(f'/proc/{pid}/environ').read_text(errors='replace')
        return next((each for each in text.split('\0') if each.startswith('ROS_DOMAIN_ID=')), '')
    return ''


def network_faults() -> list[Fault]:
    """Return what can happen to the network of the vehicle's processes; needs one of its own."""
    # Commands, heartbeat and position go through it: the vehicle must stand.
    return [
        Fault(
            'net-down', 'network', 'the interface of DDS and the clients is down',
            network(f'ip link set {LOOPBACK} down', undo=f'ip link set {LOOPBACK} up'), BOTH,
            lasts=2.0, stands=0.7, stops=None, ready=40.0, network=True,
        ),
        Fault(
            'net-down-15-s', 'network', 'the interface is down for longer than a lease of DDS',
            network(f'ip link set {LOOPBACK} down', undo=f'ip link set {LOOPBACK} up'), BOTH,
            lasts=15.0, stands=0.7, stops=None, ready=60.0, network=True,
        ),
        Fault(
            'net-loss-20', 'network', '20 % of the packets are lost', badly(loss=0.2), BOTH,
            lasts=5.0, stops=None, ready=40.0, network=True,
        ),
        Fault(
            'net-delay-200', 'network', 'each packet is late by 200 ms', badly(delay=0.2),
            BOTH, lasts=5.0, stops=None, ready=40.0, network=True,
        ),
        Fault(
            'net-loss-20-delay-200', 'network', '20 % are lost, the others late by 200 ms',
            badly(loss=0.2, delay=0.2), BOTH, lasts=5.0, stops=None, ready=40.0, network=True,
        ),
        Fault(
            'net-reorder', 'network', 'packets arrive out of order and twice',
            badly(jitter=0.02, twice=0.2), BOTH, lasts=5.0, stops=None,
            ready=40.0, network=True,
        ),
    ]  # fmt: skip

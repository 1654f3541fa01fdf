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
"""What can happen to the disk of the state directory, and to the processor time of the vehicle."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

from faults.harness.disk import run
from faults.harness.fault import CLEARING
from faults.harness.fault import IDLE
from faults.harness.fault import MOVING
from faults.harness.fault import STOPPING
from faults.harness.fault import Act
from faults.harness.fault import Fault
from faults.harness.fault import meanwhile
from faults.harness.rig import Rig

SITUATIONS = (IDLE, MOVING, STOPPING, CLEARING)
BURN = 'while True: pass'
SLOW_PERIOD, SLOW_SHARE = 0.3, 0.8  # s; of which the disk takes nothing
DISK_SHOWS = ('cannot be written', 'SYS-003', 'is lost', 'records are lost', 'No space left')


@contextlib.contextmanager
def full(rig: Rig) -> Iterator[None]:
    """Leave no byte free."""
    filler = rig.vehicle.state_dir / 'filler'
    with filler.open('wb', buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 4096, 512):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def no_inodes(rig: Rig) -> Iterator[None]:
    """Leave room for bytes, and none for files."""
    folder = rig.vehicle.state_dir / 'filler'
    folder.mkdir()
    made = 0
    with contextlib.suppress(OSError):
        while True:
            (folder / str(made)).touch()
            made += 1
    try:
        yield
    finally:
        for number in range(made):
            (folder / str(number)).unlink()
        folder.rmdir()


@contextlib.contextmanager
def read_only(rig: Rig) -> Iterator[None]:
    """Let nothing be written but to files that are open."""
    directory = str(rig.vehicle.state_dir)
    run('mount', '--bind', directory, directory)
    run('mount', '-o', 'remount,bind,ro', directory)
    try:
        yield
    finally:
        run('umount', '--lazy', directory)


@contextlib.contextmanager
def gone(rig: Rig) -> Iterator[None]:
    """Have an empty directory in its place."""
    directory = str(rig.vehicle.state_dir)
    run('mount', '-t', 'tmpfs', '-o', 'size=4k,ro', 'tmpfs', directory)
    try:
        yield
    finally:
        run('umount', '--lazy', directory)


@contextlib.contextmanager
def frozen(rig: Rig) -> Iterator[None]:
    """Have each write wait, as a disk does that does not answer."""
    directory = str(rig.vehicle.state_dir)
    run('fsfreeze', '--freeze', directory)
    try:
        yield
    finally:
        run('fsfreeze', '--unfreeze', directory)


@contextlib.contextmanager
def slow(rig: Rig) -> Iterator[None]:
    """Have most writes wait for a while."""

    def alternate(ending: threading.Event) -> None:
        while not ending.is_set():
            with frozen(rig):
                ending.wait(SLOW_PERIOD * SLOW_SHARE)
            ending.wait(SLOW_PERIOD * (1.0 - SLOW_SHARE))

    with meanwhile(alternate):
        yield


@contextlib.contextmanager
def names_taken(rig: Rig) -> Iterator[None]:
    """Have directories where new files are written before they replace the old ones."""
    taken = [
        rig.vehicle.vehicle_dir / f'{name}.new'
        for name in ('estop.json', 'maintenance.json', 'mission.json', 'refresh_tokens.json')
    ]
    for path in taken:
        path.mkdir()
    try:
        yield
    finally:
        for path in taken:
            path.rmdir()


def and_killed(broken: Act, *names: str) -> Act:
    """Return what breaks the disk, and then kills nodes, which come back to it."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        with broken(rig):
            old = {name: rig.kill(name, signal.SIGKILL) for name in names}
            yield
        rig.wait_for_new(old, 30.0)

    return act


def busy(count: int, nice: int = 0) -> Act:
    """Return what keeps processors busy, in a session of its own as another program is."""

    @contextlib.contextmanager
    def act(rig: Rig) -> Iterator[None]:
        burning = [
            subprocess.Popen(
                [sys.executable, '-I', '-S', '-c', BURN],
                start_new_session=True,
                preexec_fn=lambda: os.nice(nice),
            )
            for _ in range(count)
        ]
        try:
            yield
        finally:
            for process in burning:
                process.kill()
            for process in burning:
                process.wait()

    return act


def disk_faults() -> list[Fault]:
    """Return what can happen to a disk; the state directory must have one of its own."""
    found = [
        Fault(
            'disk-full', 'disk', 'no byte is free', full, SITUATIONS, lasts=3.0,
            shows=DISK_SHOWS, disk=True,
        ),
        Fault(
            'disk-no-inodes', 'disk', 'no file can be made', no_inodes, SITUATIONS, lasts=3.0,
            shows=DISK_SHOWS, disk=True,
        ),
        Fault(
            'disk-read-only', 'disk', 'the disk turns read-only', read_only, SITUATIONS,
            lasts=3.0, shows=DISK_SHOWS, disk=True,
        ),
        Fault(
            'disk-gone', 'disk', 'an empty directory is in its place', gone, SITUATIONS,
            lasts=3.0, shows=DISK_SHOWS, disk=True,
        ),
        Fault(
            'disk-frozen', 'disk', 'no write ends for 3 s', frozen, SITUATIONS, lasts=3.0,
            disk=True,
        ),
        Fault(
            'disk-slow', 'disk', 'most writes take 0.24 s', slow, SITUATIONS, lasts=4.0, disk=True,
        ),
        Fault(
            'disk-names-taken', 'disk', 'the names of new files are taken by directories',
            names_taken, SITUATIONS, lasts=2.0, disk=True,
        ),
    ]  # fmt: skip
    found.append(
        Fault(
            'disk-no-links', 'disk', 'its filesystem has no hard links; bridge_node is killed',
            and_killed(lambda rig: contextlib.nullcontext(), 'bridge_node'), SITUATIONS, lasts=2.0,
            stops=None, kills=('bridge_node',), ready=30.0, no_links=True,
        )
    )  # fmt: skip
    for name, stands in (('safety_node', 0.5), ('mission_node', 0.4), ('config_node', None)):
        for kind, broken in (('full', full), ('read-only', read_only)):
            found.append(
                Fault(
                    f'disk-{kind}-and-{name}-killed', 'disk',
                    f'the disk is {kind}, {name} is killed',
                    and_killed(broken, name), (IDLE, MOVING), lasts=3.0, stands=stands, stops=0.7,
                    shows=DISK_SHOWS, kills=(name,), ready=30.0, disk=True,
                )
            )  # fmt: skip
    found.append(
        Fault(
            'disk-full-and-bridge_node-killed', 'disk', 'the disk is full, bridge_node is killed',
            and_killed(full, 'bridge_node'), (IDLE, MOVING), lasts=3.0, stops=None,
            shows=DISK_SHOWS, kills=('bridge_node',), ready=30.0, disk=True,
        )
    )  # fmt: skip
    return found


def load_faults() -> list[Fault]:
    """Return what takes processor time from a vehicle."""
    return [
        Fault(
            'load-2', 'load', 'as many busy processes as this host has processors',
            busy(os.cpu_count() or 2), (IDLE, MOVING, STOPPING), lasts=5.0,
        ),
        Fault(
            'load-8', 'load', 'four times as many busy processes as it has processors',
            busy(4 * (os.cpu_count() or 2)), (IDLE, MOVING, STOPPING), lasts=5.0,
        ),
        Fault(
            'load-2-favoured', 'load', 'busy processes with a nice value of -10',
            busy(os.cpu_count() or 2, -10), (IDLE, MOVING), lasts=5.0,
        ),
    ]  # fmt: skip

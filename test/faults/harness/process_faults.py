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
"""What can happen to a process of the vehicle, and to its clock."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import signal
import time
from pathlib import Path

from faults.harness.eyes import processes
from faults.harness.fault import HANG
from faults.harness.fault import IDLE
from faults.harness.fault import LONG_HANG
from faults.harness.fault import MOVING
from faults.harness.fault import SITUATIONS
from faults.harness.fault import Act
from faults.harness.fault import Fault
from faults.harness.invariants import WATCHDOG
from faults.harness.rig import Rig
from support import wait_for

from oht50_bridge.nodes import NODES


def killed(*names: str) -> Act:
    """Return what kills processes at the same time; they come back."""

    @contextlib.contextmanager
    def act(rig: Rig):
        old = {name: rig.kill(name, signal.SIGKILL) for name in names}
        yield
        if 'supervisor' in old:
            rig.restart()
            return
        rig.wait_for_new(old, 20.0)

    return act


def hung(*names: str) -> Act:
    """Return what suspends processes for a while."""

    @contextlib.contextmanager
    def act(rig: Rig):
        running = processes(rig.vehicle)
        pids = [running[name] for name in names]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        rig.broke_at = time.monotonic()
        try:
            yield
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    return act


def fails_to_start(name: str) -> Act:
    """Return what kills a node whose parameters nobody can read any more."""

    @contextlib.contextmanager
    def act(rig: Rig):
        path = rig.vehicle.vehicle_dir / 'parameters' / f'{name}.yaml'
        content = path.read_bytes()
        path.write_bytes(b'{')
        try:
            old = rig.kill(name, signal.SIGKILL)
            yield
        finally:
            path.write_bytes(content)
        wait_for(
            lambda: processes(rig.vehicle).get(name) not in (None, old), 20.0, f'{name} is back'
        )

    return act


def limited(name: str, what: int, room: int) -> Act:
    """Return what leaves a process little room: files (RLIMIT_NOFILE) or bytes (RLIMIT_AS)."""

    @contextlib.contextmanager
    def act(rig: Rig):
        pid = processes(rig.vehicle)[name]
        if what == resource.RLIMIT_NOFILE:
            used = max(int(fd.name) for fd in Path(f'/proc/{pid}/fd').iterdir()) + 1
        else:
            used = int(Path(f'/proc/{pid}/statm').read_text().split()[0]) * 4096
        soft, hard = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (used + room, hard))
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, what, (soft, hard))

    return act


# From the end or the hang of a process to standstill; None: the vehicle goes on.
KILLED_STANDS = {
    'hardware_node': 0.3, 'safety_node': 0.5, 'mission_node': 0.4, 'watchdog': 0.7,
    'supervisor': 0.7,
}  # fmt: skip
HUNG_STANDS = {**KILLED_STANDS, 'hardware_node': WATCHDOG, 'watchdog': 1.2, 'supervisor': None}
HUNG_SHOWS = {
    'hardware_node': ('SYS-004', 'was not served'),
    'safety_node': ('SYS-004',),
    'mission_node': ('SYS-004',),
    'telemetry_node': ('APP-004',),
    'bridge_node': ('APP-005',),
    'config_node': ('SYS-005',),
    'watchdog': ('watchdog',),
}
STOPS_NOT = ('bridge_node', 'supervisor')  # without them a stop may be lost, and its sender knows


def soonest(limits: dict[str, float | None], names: tuple[str, ...]) -> float | None:
    """Return the time to standstill when several fail at once: the first one stops the motor."""
    known = [limits.get(name) for name in names]
    return min((limit for limit in known if limit is not None), default=None)


def process_faults() -> list[Fault]:
    """Return what can happen to each process, and to pairs of them."""
    found = []
    for name in (*NODES, 'watchdog', 'preload'):
        stops = None if name in STOPS_NOT else 0.7
        said = 'the process that forks the nodes' if name == 'preload' else name
        found.append(
            Fault(
                f'{name}-killed', 'process', f'{name}: kill -9', killed(name), lasts=1.0,
                stands=KILLED_STANDS.get(name), stops=stops, shows=(said,),
                kills=(name,), situations=SITUATIONS if name in NODES else (IDLE, MOVING),
            )
        )  # fmt: skip
        found.append(
            Fault(
                f'{name}-hangs', 'process', f'{name}: SIGSTOP for {HANG:g} s', hung(name),
                lasts=HANG, stands=HUNG_STANDS.get(name), stops=stops,
                shows=HUNG_SHOWS.get(name, ()), hangs=(name,),
                situations=SITUATIONS if name in NODES else (IDLE, MOVING),
            )
        )  # fmt: skip
        if name in NODES:
            found.append(
                Fault(
                    f'{name}-hangs-long', 'process', f'{name}: SIGSTOP for {LONG_HANG:g} s',
                    hung(name), (MOVING,), lasts=LONG_HANG, stands=HUNG_STANDS.get(name),
                    stops=stops, shows=HUNG_SHOWS.get(name, ()), hangs=(name,),
                )
            )  # fmt: skip
    for name in NODES:
        found.append(
            Fault(
                f'{name}-fails-to-start', 'process',
                f'{name}: kill -9, and it ends at each start for a while', fails_to_start(name),
                lasts=4.0, stands=KILLED_STANDS.get(name), kills=(name,) * 3,
                stops=None if name in STOPS_NOT else 0.7,
                shows=(f'{name}.*(refused|cannot|exit code)',), ready=25.0,
            )
        )  # fmt: skip
        found.append(
            Fault(
                f'{name}-no-files', 'process', f'{name}: two more file descriptors, no more',
                limited(name, resource.RLIMIT_NOFILE, 2), lasts=2.0, stops=0.7, situations=(IDLE,),
            )
        )  # fmt: skip
        found.append(
            Fault(
                f'{name}-no-memory', 'process', f'{name}: 1 MB more address space, no more',
                limited(name, resource.RLIMIT_AS, 1 << 20), lasts=2.0, stops=0.7,
                situations=(IDLE, MOVING),
            )
        )  # fmt: skip
    for pair in itertools.combinations(NODES, 2):
        found.append(
            Fault(
                '+'.join(pair) + '-killed', 'process', f'{" and ".join(pair)}: kill -9 at once',
                killed(*pair), lasts=1.0, stands=soonest(KILLED_STANDS, pair), kills=pair,
                stops=None if set(pair) & set(STOPS_NOT) else 0.7,
                shows=(f'{pair[0]} ended',), situations=(MOVING,),
            )
        )  # fmt: skip
    found.append(
        Fault(
            'supervisor-killed', 'process', 'oht50 up: kill -9; it is started again',
            killed('supervisor'), lasts=2.0, stands=KILLED_STANDS['supervisor'], stops=None,
            kills=('supervisor',), ends=True, ready=30.0,
        )
    )  # fmt: skip
    found.append(
        Fault(
            'supervisor-hangs', 'process', f'oht50 up: SIGSTOP for {HANG:g} s',
            hung('supervisor'), lasts=HANG, hangs=('supervisor',),
        )
    )  # fmt: skip
    return found


# --- the clock ---


def stepped(offset: float) -> Act:
    """Return what sets the date of the vehicle's processes, and sets it back."""

    @contextlib.contextmanager
    def act(rig: Rig):
        rig.step_clock(offset)
        try:
            yield
        finally:
            rig.step_clock(0.0)

    return act


def clock_faults() -> list[Fault]:
    """Return the steps of the clock, of each Python process of the vehicle."""
    now = time.time()
    steps = {
        'ahead': (3600.0, 'an hour ahead'),
        'back': (-3600.0, 'an hour back'),
        'before-1970': (-now - 86400.0 * 365, 'to 1969'),
        'after-2038': (2_200_000_000.0 - now, 'to 2039'),
    }
    return [
        Fault(
            f'clock-{name}', 'clock', f'the date is set {what}, and back', stepped(offset),
            lasts=2.0, clock=True, stops=0.5,
        )
        for name, (offset, what) in steps.items()
    ]  # fmt: skip

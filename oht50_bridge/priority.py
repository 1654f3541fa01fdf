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
"""The priority of processes that must run on time: real-time where the system allows it.

A process calls `request_priority` at its start. It gets `SCHED_RR`, else a negative nice value,
else it keeps the priority it has, and learns why it did not get more.

Every thread of the process gets the same priority, and so does every process it starts: a thread
of lower priority that holds Python's interpreter lock would delay the others.

Three guards keep a process that spins from starving the machine. The priorities are at the low end
of 1..99, below the kernel's own threads. The kernel leaves 5 % of the time to normal processes
(`sched_rt_runtime_us`, on by default). A process with a thread that uses the processor for
`SPIN_LIMIT` without waiting once returns to normal priority; the kernel kills it at
`SPIN_KILL_LIMIT` if it does not.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import threading
from enum import Enum
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

NICE = -10  # requested where SCHED_RR is refused
SPIN_LIMIT = 2  # s; above what the start of a node uses at a stretch
SPIN_KILL_LIMIT = 6  # s
_CAP_SYS_NICE = 23  # of <linux/capability.h>


class RealtimePriority(IntEnum):
    """`SCHED_RR` priorities; a higher number runs first.

    The watchdog precedes the process that it watches. The unit `config/system/oht50.service`
    grants the highest of them.
    """

    SAFETY_NODE = 10
    HARDWARE_NODE = 12
    SIMULATED_BOARDS = 13  # real boards do not wait for this machine
    WATCHDOG = 14


class SchedulingClass(Enum):
    """How the kernel chooses when a thread runs, the most punctual first."""

    REALTIME = 'real-time'
    NICE = 'nice'
    NORMAL = 'normal'


class Scheduling(NamedTuple):
    """The priority that a process has.

    Attributes:
        level: the real-time priority 1..99, or the nice value -20..19.
        obstacle: why a request did not get more, empty where it got what it asked for.
    """

    scheduling_class: SchedulingClass
    level: int
    obstacle: str = ''

    def __str__(self) -> str:
        names = {
            SchedulingClass.REALTIME: f'real-time priority {self.level}',
            SchedulingClass.NICE: f'nice value {self.level}',
            SchedulingClass.NORMAL: f'normal priority (nice value {self.level})',
        }
        name = names[self.scheduling_class]
        return f'{name}: {self.obstacle}' if self.obstacle else name


def request_priority(priority: RealtimePriority) -> Scheduling:
    """Raise the priority of this process as far as the system allows.

    Call this before other threads start: they inherit its priority.

    Returns:
        What the process has now, and why not more.
    """
    scheduling = _raise_priority(priority)
    if scheduling.scheduling_class is SchedulingClass.REALTIME:
        _limit_spinning()
    return scheduling


def available_priority(priority: RealtimePriority) -> Scheduling:
    """Return what `request_priority` would get, without changing this process."""
    found: list[Scheduling] = []
    # The system calls change the calling thread alone, and this one ends.
    thread = threading.Thread(target=lambda: found.append(_raise_priority(priority)))
    thread.start()
    thread.join()
    return found[0]


def scheduling_of(pid: int) -> Scheduling:
    """Return the priority of the main thread of a process; 0 is the calling thread.

    Raises:
        ProcessLookupError: there is no such process.
    """
    if os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK in (os.SCHED_RR, os.SCHED_FIFO):
        return Scheduling(SchedulingClass.REALTIME, os.sched_getparam(pid).sched_priority)
    nice = os.getpriority(os.PRIO_PROCESS, pid)
    return Scheduling(SchedulingClass.NICE if nice < 0 else SchedulingClass.NORMAL, nice)


def _raise_priority(priority: RealtimePriority) -> Scheduling:
    """Raise the priority of the calling thread."""
    obstacles = []
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except OSError as error:
        obstacles.append(f'SCHED_RR is refused ({_reason(error, "RLIMIT_RTPRIO", priority)})')
        try:
            if os.getpriority(os.PRIO_PROCESS, 0) > NICE:
                os.setpriority(os.PRIO_PROCESS, 0, NICE)
        except OSError as refusal:
            reason = _reason(refusal, 'RLIMIT_NICE', 20 - NICE)
            obstacles.append(f'nice value {NICE} is refused ({reason})')
    reached = scheduling_of(0)
    return Scheduling(reached.scheduling_class, reached.level, ', '.join(obstacles))


def _reason(error: OSError, limit: str, needed: int) -> str:
    """Say why the kernel refused a priority that needs a resource limit or a capability."""
    if error.errno not in (errno.EPERM, errno.EACCES):
        return os.strerror(error.errno or 0)
    granted, _ = resource.getrlimit(getattr(resource, limit))
    if not _has_cap_sys_nice() and granted != resource.RLIM_INFINITY and granted < needed:
        return f'{limit} is {granted}, {needed} is needed without CAP_SYS_NICE'
    return 'a seccomp filter or the cgroup forbids it'


def _has_cap_sys_nice() -> bool:
    status = Path('/proc/self/status').read_bytes().splitlines()
    effective = next(line for line in status if line.startswith(b'CapEff:'))
    return bool(int(effective.split()[1], 16) >> _CAP_SYS_NICE & 1)


def _limit_spinning() -> None:
    """Have a process that spins return to normal priority, or end if it cannot even do that."""
    # A thread waits for the signal: a Python handler would wait for the main thread, which may be
    # the one that spins, or wait in a system call. Threads that start later inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
    threading.Thread(target=_give_up_when_spinning, name='spin-limit', daemon=True).start()
    _, most = resource.getrlimit(resource.RLIMIT_RTTIME)
    limits = [int(seconds * 1e6) for seconds in (SPIN_LIMIT, SPIN_KILL_LIMIT)]
    if most != resource.RLIM_INFINITY:
        limits = [min(limit, most) for limit in limits]
    resource.setrlimit(resource.RLIMIT_RTTIME, (limits[0], limits[1]))


def _give_up_when_spinning() -> None:
    while True:
        signal.sigwait({signal.SIGXCPU})
        for task in Path('/proc/self/task').iterdir():
            with contextlib.suppress(OSError):  # it has ended
                os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))
        text = (
            f'process {os.getpid()} used a processor for {SPIN_LIMIT} s: real-time priority ends'
        )
        with contextlib.suppress(OSError):  # nobody reads
            os.write(2, f'{text}\n'.encode())

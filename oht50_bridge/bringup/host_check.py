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
"""What a vehicle needs of its computer, tried once before its first process starts.

What it finds would otherwise show as the same traceback of each node at each restart.
"""

from __future__ import annotations

import importlib.util
import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from urllib.parse import urlsplit

from oht50_bridge.nodes import NODES
from oht50_bridge.text import shown

IMPORT_TIMEOUT = 30.0  # s
CYCLONE = 'Cyclone DDS'
RMW = 'rmw_cyclonedds_cpp'
# Joins the domain as a node does. A node that starts may be ended by a fault of Cyclone DDS.
JOIN = 'import rclpy; rclpy.init(args=[]); rclpy.create_node("oht50_check"); rclpy.shutdown()'
ATTEMPTS = 2
# Of the bridge, beside one for each connection: DDS, audit log, keys, listening sockets.
OWN_DESCRIPTORS = 64
FREE_SPACE = 50_000_000  # bytes, below which the state directory is nearly full
# A clock that shows an earlier time than this version's is wrong.
EARLIEST_TIME = 1_790_000_000  # s since 1970-01-01 UTC: 2026-09-21
MODEM_MANAGER = 'ModemManager'


@dataclass(frozen=True)
class HostFault:
    """What is wrong with the computer.

    Attributes:
        what: what was tried.
        text: what is wrong, and the remedy, in one line.
        fatal: whether no vehicle can run.

    """

    what: str
    text: str
    fatal: bool = True

    def __str__(self) -> str:
        return f'{self.what}: {self.text}'


def host_faults(
    environment: Mapping[str, str], connections: int, state_dir: Path
) -> Iterator[HostFault]:
    """Yield what is wrong with the computer for a vehicle.

    Args:
        environment: of the processes of the vehicle.
        connections: WebSocket connections that the bridge must be able to have, with or without
            a token.
        state_dir: directory of persistent state.

    """
    yield from check_rclpy(environment)
    yield from check_loopback()
    yield from check_participants(environment)
    yield from check_cyclone(environment)
    yield from check_descriptors(connections)
    yield from check_state_directory(state_dir)
    yield from check_clock()
    yield from check_modem_manager()


def check_rclpy(environment: Mapping[str, str]) -> Iterator[HostFault]:
    """Try to import the rclpy that the nodes will import, or the library that rosless needs."""
    what = 'rclpy'
    place = ros_directory()
    if place is None:
        if importlib.util.find_spec('cyclonedds') is None:
            yield HostFault(
                what,
                'there is no ROS 2, and rosless needs the cyclonedds wheel (Linux x86-64, Python '
                f'3.10 to 3.13; this is {_python()}): pip install cyclonedds==11.0.1, or source '
                'ROS 2',
            )
        return
    try:
        done = subprocess.run(
            [sys.executable, '-c', 'import rclpy'],
            env=dict(environment),
            capture_output=True,
            text=True,
            errors='backslashreplace',
            timeout=IMPORT_TIMEOUT,
        )
        said = '' if done.returncode == 0 else _last_line(done.stderr)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(error)
    if said:
        yield HostFault(
            what,
            f'{shown(str(place))} cannot be imported by {_python()} ({shown(said)}): run '
            'oht50 with the Python that this ROS 2 was built for, or take the directory out of '
            'PYTHONPATH to do without ROS 2',
        )


def ros_directory() -> Path | None:
    """Return the directory of the rclpy of a ROS 2; None where rosless supplies it."""
    spec = importlib.util.find_spec('rclpy')
    if spec is None or spec.origin is None or 'rosless' in Path(spec.origin).parts:
        return None
    return Path(spec.origin).parent


def _last_line(text: str) -> str:
    """Return the line of a traceback that names the error."""
    lines = [line for line in text.splitlines() if re.match(r'[\w.]+(Error|Exception)\b', line)]
    return (lines or text.splitlines() or ['no reason given'])[-1][:300]


def _python() -> str:
    return f'Python {sys.version_info.major}.{sys.version_info.minor}'


def check_loopback() -> Iterator[HostFault]:
    """Check that UDP packets reach this machine over its loopback interface."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        try:
            receiver.bind(('127.0.0.1', 0))
            receiver.settimeout(1.0)
            sender.sendto(b'oht50', receiver.getsockname())
            receiver.recv(16)
        except OSError as error:
            yield HostFault(
                'DDS over the loopback interface',
                f'{error.strerror or error}; enable it: ip link set lo up',
            )


def check_cyclone(environment: Mapping[str, str]) -> Iterator[HostFault]:
    """Join the domain once with the configuration that Cyclone DDS was given, if it was."""
    if not environment.get('CYCLONEDDS_URI'):
        return
    if ros_directory() and environment.get('RMW_IMPLEMENTATION') not in (None, '', RMW):
        return  # another DDS; where none is named, Cyclone may be the one that is installed
    code = JOIN if ros_directory() else f'import rosless; rosless.install(); {JOIN}'
    said = ''
    for _ in range(ATTEMPTS):
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell
                [sys.executable, '-c', code],
                env=dict(environment),
                capture_output=True,
                text=True,
                errors='backslashreplace',
                timeout=IMPORT_TIMEOUT,
            )
        except (OSError, subprocess.SubprocessError) as error:
            said = str(error)
            continue
        if done.returncode == 0:
            return
        said = _of_cyclone(done.stderr) or _last_line(done.stderr)
    yield HostFault(
        CYCLONE,
        f'it cannot join a domain with what CYCLONEDDS_URI says ({shown(said)}): correct it, or '
        'unset it',
    )


def _of_cyclone(text: str) -> str:
    """Return the first line that Cyclone DDS logged, without time, domain and thread."""
    found = re.search(r'^[0-9.]+ \[\w*\] +[^:\n]*: (.*)$', text, re.MULTILINE)
    return found[1][:300] if found else ''


def check_participants(environment: Mapping[str, str]) -> Iterator[HostFault]:
    """Check that Cyclone DDS lets as many processes join a domain as a vehicle has nodes."""
    if ros_directory() and environment.get('RMW_IMPLEMENTATION') != RMW:
        return  # another DDS, which does not read it
    given = _cyclone_configuration(environment.get('CYCLONEDDS_URI', ''))
    found = re.findall(r'MaxAutoParticipantIndex>\s*([0-9]{1,9})\s*<', given)
    # The last one counts. Each process takes an index, from 0.
    if found and int(found[-1]) + 1 < len(NODES) + 1:
        yield HostFault(
            'DDS participants',
            f'MaxAutoParticipantIndex {int(found[-1])} in CYCLONEDDS_URI lets '
            f'{int(found[-1]) + 1} processes join a domain, and the {len(NODES)} nodes need one '
            'each, beside tools: set it to 32 or more',
        )


def _cyclone_configuration(uri: str) -> str:
    """Return the XML of CYCLONEDDS_URI: fragments, files and their addresses, by commas."""
    texts = []
    for part in re.split(r',(?![^<]*>)', uri):
        part = part.strip()
        if not part or part.startswith('<'):
            texts.append(part)
            continue
        path = unquote(urlsplit(part).path) if part.startswith('file:') else part
        try:
            if Path(path).is_file():
                with Path(path).open(encoding='utf-8', errors='replace') as file:
                    texts.append(file.read(1_000_000))
        except (OSError, ValueError):
            continue  # Cyclone says what is wrong with it
    return ''.join(re.sub(r'<!--.*?-->', '', text, flags=re.DOTALL) for text in texts)


def check_descriptors(connections: int) -> Iterator[HostFault]:
    """Raise the limit of open files as far as needed; say so where that is not allowed."""
    needed = connections + OWN_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    reachable = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    if reachable < needed:
        yield HostFault(
            'open files',
            f'{reachable} are allowed, and max_connections and max_unauthenticated need {needed}: '
            f'ulimit -n {needed}, or LimitNOFILE={needed} in the systemd unit',
            fatal=False,
        )


def check_state_directory(state_dir: Path) -> Iterator[HostFault]:
    """Check that the state directory, or the one it will be made in, takes files."""
    place = state_dir.absolute()
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    what = f'state directory {shown(str(state_dir))}'
    if not place.is_dir():
        yield HostFault(what, f'{shown(str(place))} is no directory; name another')
        return
    try:
        space = os.statvfs(place)
    except OSError as error:
        yield HostFault(what, f'{error.strerror}; name another')
        return
    if space.f_flag & os.ST_RDONLY:
        yield HostFault(what, 'on a read-only file system; mount it writable, or name another')
    elif not os.access(place, os.W_OK | os.X_OK):
        yield HostFault(what, f'no permission to write; chown it to user {os.getuid()}')
    elif space.f_bavail * space.f_frsize < FREE_SPACE or (space.f_files and not space.f_favail):
        free = space.f_bavail * space.f_frsize / 1e6
        missing = 'it, or no vehicle starts' if space.f_bavail == 0 else 'the audit log'
        yield HostFault(
            what,
            f'{free:.0f} MB and {space.f_favail} files are free; make room for {missing}',
            fatal=False,
        )


def check_clock() -> Iterator[HostFault]:
    """Check that the clock is not set to the past, as it is at a start without a battery."""
    if time.time() < EARLIEST_TIME:
        yield HostFault(
            'clock',
            'it is set to the past, so tokens of other machines are not valid yet: timedatectl '
            'set-ntp true',
            fatal=False,
        )


def check_modem_manager() -> Iterator[HostFault]:
    """Look for a program that sends commands for modems to each new serial port."""
    if MODEM_MANAGER in running_programs():
        yield HostFault(
            MODEM_MANAGER,
            'it runs, and writes to each serial port that appears, also to the line of the motor: '
            'install config/system/99-oht50.rules, which tells it to ignore them, or systemctl '
            'disable --now ModemManager',
            fatal=False,
        )


def running_programs(proc: Path = Path('/proc')) -> set[str]:
    """Return the names of the programs that run, of at most 15 characters each."""
    names = set()
    for path in proc.glob('[0-9]*/comm'):
        try:
            names.add(path.read_text(errors='replace').strip())
        except OSError:
            continue  # it has ended
    return names

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
"""Check whether this machine can run a vehicle, and print remedies.

It checks the serial ports, the parameter files, rclpy, DDS, open files, the state directory, the
state files, the keys of tokens, the clock, the terminal, the page, the WebSocket port and the
right to real-time priority. The exit code is 1 if a vehicle could not run.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import grp
import locale
import os
import pwd
import socket
import stat
import time
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path

from oht50_bridge.bringup import host_check
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.errors import ParameterError
from oht50_bridge.bringup.host_check import EARLIEST_TIME
from oht50_bridge.bringup.host_check import HostFault
from oht50_bridge.bringup.parameter_check import read_parameters
from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.parameters import connections
from oht50_bridge.bringup.parameters import serial_ports
from oht50_bridge.cli.options import add_state_dir
from oht50_bridge.cli.options import domain
from oht50_bridge.cli.options import port
from oht50_bridge.cli.screen import cell
from oht50_bridge.cli.screen import make_console
from oht50_bridge.cli.screen import make_table
from oht50_bridge.cli.screen import terminal_fault
from oht50_bridge.gateway.page_files import PageError
from oht50_bridge.gateway.page_files import read_page
from oht50_bridge.paths import NO_PAGE
from oht50_bridge.paths import NoStateDirError
from oht50_bridge.paths import page_dir
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.priority import SchedulingClass
from oht50_bridge.priority import available_priority
from oht50_bridge.protocol.endpoint import DEFAULT_PORT
from oht50_bridge.signals import blocking_prefix

OK = 'ok'
WARNING = 'warning'
FAILED = 'FAILED'
STYLES = {OK: 'green', WARNING: 'yellow', FAILED: 'bold red'}
STA_UNSYNC = 0x0040  # of <sys/timex.h>
LATEST_TIME = 2**31  # s since 1970-01-01 UTC; a stamp of ROS has 32 bits, signed

Finding = tuple[str, str, str]  # what was checked, result, remedy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        '--serial',
        metavar='PORT',
        action='append',
        help='serial port to check; may be repeated (default: those of the parameters)',
    )
    parser.add_argument(
        '--params',
        type=Path,
        metavar='FILE',
        help='ROS parameter file whose values override config/vehicle.yaml',
    )
    parser.add_argument(
        '--port', type=port, default=DEFAULT_PORT, help='WebSocket port (default: %(default)s)'
    )
    parser.add_argument(
        '--keys',
        default='',
        metavar='PATH',
        help='directory of keys (default: OHT50_KEYS, else the signing secret)',
    )
    add_state_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; return 1 if one of them is a failure."""
    table = make_table('check', 'result', 'remedy')
    failed = False
    for check, result, remedy in findings(arguments):
        failed = failed or result == FAILED
        table.add_row(cell(check), cell(result, STYLES[result]), cell(remedy))
    make_console().print(table)
    return int(failed)


def findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    """Yield a finding for each check."""
    from oht50_bridge.gateway.auth.private_files import KEYS

    for device in arguments.serial or devices(arguments.params):
        yield check_serial(device)
    yield from check_parameters(arguments.params)
    yield from check_host(arguments)
    keys = arguments.keys or os.environ.get(KEYS)
    if keys:
        yield check_keys(Path(keys))
    else:
        with contextlib.suppress(NoStateDirError):  # `check_host` tells
            yield check_secret(arguments.state_dir)
    yield check_clock()
    yield from check_page(arguments.params)
    yield check_port(arguments.port)
    yield check_priority()


def check_serial(device: str) -> Finding:
    """Check that a serial port exists, may be opened and is not in use."""
    what = f'serial port {device}'
    path = Path(device)
    try:
        mode = path.stat()
    except OSError as error:
        return (
            what,
            FAILED,
            f'{error.strerror}; connect the adapter, or name its port with --serial',
        )
    if not stat.S_ISCHR(mode.st_mode):
        return what, FAILED, 'not a character device; name the port of the RS-485 adapter'
    if not os.access(path, os.R_OK | os.W_OK):
        group, user = str(mode.st_gid), str(os.getuid())
        with contextlib.suppress(KeyError):  # neither needs an entry
            group = grp.getgrgid(mode.st_gid).gr_name
            user = pwd.getpwuid(os.getuid()).pw_name
        return (
            what,
            FAILED,
            (f'no permission: usermod --append --groups {group} {user}, then log in again'),
        )
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        return what, FAILED, f'{error.strerror}; end the program that uses it'
    try:
        if not os.isatty(descriptor):
            return what, FAILED, 'not a terminal device; name the port of the RS-485 adapter'
    finally:
        os.close(descriptor)
    return what, OK, ''


def devices(params: Path | None) -> list[str]:
    """Return the serial ports of the parameters; none where these are wrong."""
    try:
        return serial_ports(read_parameters(params))
    except BringUpError:
        return []  # `check_parameters` tells


def check_parameters(params: Path | None) -> Iterator[Finding]:
    """Check the parameter files against what the nodes declare, and the nodes' limits."""
    what = 'parameters'
    try:
        read_parameters(params)
    except ParameterError as error:
        for line in str(error).splitlines():
            yield what, FAILED, line
    else:
        yield what, OK, ''


def check_host(arguments: argparse.Namespace) -> Iterator[Finding]:
    """Try what `oht50 up` tries of the computer before it starts anything."""
    environment = os.environ
    checks = {
        'rclpy': host_check.check_rclpy(environment),
        'DDS over the loopback interface': host_check.check_loopback(),
        'DDS domain': check_domain(environment),
        'DDS participants': host_check.check_participants(environment),
        host_check.CYCLONE: host_check.check_cyclone(environment),
        'open files': host_check.check_descriptors(wanted_connections(arguments.params)),
        host_check.MODEM_MANAGER: host_check.check_modem_manager(),
        'characters of the terminal': check_encoding(),
        'terminal': check_terminal(environment),
        'state directory': check_state_directory(arguments),
        'state files': check_state_files(arguments),
        'env': check_env(),
    }
    for what, faults in checks.items():
        found = list(faults)
        for fault in found:
            yield fault.what, FAILED if fault.fatal else WARNING, fault.text
        if not found:
            yield what, OK, ''


def check_domain(environment: Mapping[str, str]) -> Iterator[HostFault]:
    """Check the domain that `oht50 up` takes where it is given none."""
    try:
        domain(environment.get('ROS_DOMAIN_ID') or '0')
    except argparse.ArgumentTypeError as error:
        yield HostFault('DDS domain', f'ROS_DOMAIN_ID: {error}: correct it, or unset it')


def wanted_connections(params: Path | None) -> int:
    """Return the connections that the bridge may have; those of the defaults for wrong files."""
    try:
        return connections(read_parameters(params))
    except BringUpError:
        return connections(VehicleParameters({'bridge_node': {}}))


def check_state_directory(arguments: argparse.Namespace) -> Iterator[HostFault]:
    """Check that there is a state directory and that it takes files."""
    try:
        yield from host_check.check_state_directory(arguments.state_dir)
    except NoStateDirError as error:
        yield HostFault('state directory', str(error))


def check_state_files(arguments: argparse.Namespace) -> Iterator[HostFault]:
    """Look at the files of all vehicles and sets of boards, as their nodes will."""
    from oht50_bridge.bringup.state_check import state_faults

    with contextlib.suppress(NoStateDirError):  # `check_state_directory` tells
        yield from state_faults(arguments.state_dir)


def check_env() -> Iterator[HostFault]:
    """Check the program `env`, which the launch files use; `oht50 up` does without."""
    if not blocking_prefix():
        yield HostFault(
            'env',
            'the first on PATH has no --block-signal, as that of GNU coreutils 8.31 has: Ctrl-C '
            'within the first second of a `ros2 launch` ends a process at once',
            fatal=False,
        )


def check_encoding() -> Iterator[HostFault]:
    """Check that a terminal can show what clients write."""
    encoding = locale.getpreferredencoding(False)
    if encoding.upper().replace('-', '') != 'UTF8':
        yield HostFault(
            'characters of the terminal',
            f'they are {encoding}, so some names cannot be shown: export LC_ALL=C.UTF-8',
            fatal=False,
        )


def check_terminal(environment: Mapping[str, str]) -> Iterator[HostFault]:
    """Check that `oht50 watch` can draw a screen on the terminal."""
    fault = terminal_fault(environment)
    if fault:
        yield HostFault(
            'terminal',
            f'{fault}, so `oht50 watch` writes lines instead of a screen: export '
            'TERM=xterm-256color',
            fatal=False,
        )


def check_keys(path: Path) -> Finding:
    """Check that there are keys and that other users cannot change or read them."""
    from oht50_bridge.gateway.auth.keys import KeyFiles
    from oht50_bridge.gateway.auth.private_files import TokenFileError

    what = f'keys {path}'
    try:
        KeyFiles(path)
    except TokenFileError as error:
        return what, FAILED, str(error)
    except OSError as error:
        return what, FAILED, f'{error.strerror}; name the directory of keys with --keys'
    return what, OK, ''


def check_secret(state_dir: Path) -> Finding:
    """Check that there is a signing secret that other users cannot read."""
    from oht50_bridge.gateway.auth.private_files import SECRET_FILE
    from oht50_bridge.gateway.auth.private_files import TokenFileError
    from oht50_bridge.gateway.auth.private_files import load_secret
    from oht50_bridge.gateway.auth.private_files import secret_path

    path = secret_path(state_dir)
    what = f'signing secret {path}'
    try:
        load_secret(path)
    except FileNotFoundError:
        if path.is_symlink():
            return what, FAILED, 'a link that leads nowhere; remove it'
        if os.environ.get(SECRET_FILE):
            return what, FAILED, f'missing; create it, or correct or unset {SECRET_FILE}'
        return what, WARNING, 'missing; `oht50 up` or `oht50 token` creates it'
    except TokenFileError as error:
        return what, FAILED, str(error)
    except OSError as error:
        return what, FAILED, f'{error.strerror}; run as its owner, or choose another --state-dir'
    return what, OK, ''


def check_clock() -> Finding:
    """Check that the clock is right, since tokens and timestamps depend on it."""
    what = 'clock'
    if time.time() < EARLIEST_TIME:
        return what, FAILED, 'it is set to the past: timedatectl set-ntp true'
    if time.time() >= LATEST_TIME:
        return (
            what,
            FAILED,
            (
                'it is after 2038-01-19, which no ROS message can hold, so nothing moves: '
                'timedatectl set-ntp true'
            ),
        )
    # struct timex: an int, padding, then longs of which the fifth is `status`, an int.
    timex = (ctypes.c_long * 64)()
    if ctypes.CDLL(None).adjtimex(timex) < 0 or timex[5] & STA_UNSYNC:
        return what, WARNING, 'not synchronized with a time server: timedatectl set-ntp true'
    return what, OK, ''


def check_page(params: Path | None) -> Iterator[Finding]:
    """Check that the page of the bridge is there and can be served; a vehicle runs without it."""
    try:
        page = str(read_parameters(params).given('bridge_node').get('page') or '')
    except BringUpError:
        return  # `check_parameters` tells
    if page == NO_PAGE:
        yield f'page: {NO_PAGE}', OK, ''
        return
    directory = Path(page) if page else page_dir()
    what = f'page {directory}'
    try:
        built = bool(read_page(directory).served)
    except PageError as error:
        yield what, FAILED, str(error)
        return
    remedy = 'it was not built: run `make setup` with Node 20.19 or later'
    yield (what, OK, '') if built else (what, WARNING, remedy)


def check_port(number: int) -> Finding:
    """Check that the WebSocket port is free."""
    what = f'port {number}'
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('127.0.0.1', number))
        except OSError as error:
            remedy = 'a vehicle may be running; choose another port with --port'
            return what, WARNING, f'{error.strerror}: {remedy}'
    return what, OK, ''


def check_priority() -> Finding:
    """Check that this user may have real-time priority; a vehicle runs without it too."""
    what = 'real-time priority'
    highest = max(RealtimePriority)
    scheduling = available_priority(highest)
    if scheduling.scheduling_class is SchedulingClass.REALTIME:
        return what, OK, ''
    remedy = f'set LimitRTPRIO={highest} in the systemd unit, or rtprio in limits.conf(5)'
    return what, WARNING, f'{scheduling}; {remedy}'

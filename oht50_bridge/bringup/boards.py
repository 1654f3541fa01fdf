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
"""Where the emergency-stop latch and the maintenance lock of a set of boards are.

They belong to the boards, not to a DDS domain, a namespace or a state directory: a vehicle that is
started with other ones still drives the same motor. A set of boards is named by the port of its
travel motor, as the parameters name it; the port may be absent at the start.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from oht50_bridge.atomic_file import replace_file
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.paths import NoStateDirError
from oht50_bridge.paths import default_state_dir
from oht50_bridge.paths import make_private
from oht50_bridge.regular_file import read_regular


def boards_directory(port: str) -> Path:
    """Return the directory of the boards behind a port.

    Raises:
        BringUpError: this user has no home directory.

    """
    name = str(Path(port).absolute()).strip('/').replace('_', '__').replace('/', '_')
    try:
        return default_state_dir() / 'boards' / name
    except NoStateDirError as error:
        raise BringUpError(
            f'the latch of the boards at {port} is kept apart from --state-dir, and this user has '
            'no home directory for it; set XDG_STATE_HOME'
        ) from error


def lock_port(port: str) -> TextIO:
    """Lock a port, so that no second vehicle uses it.

    Args:
        port: path of the serial port, as the parameters name it.

    Returns:
        An open file; closing it, or the end of the process, unlocks the port.

    Raises:
        BringUpError: it is locked already, also by another name; its directory cannot be used; or
            its boards are under an emergency stop or maintenance by another name.

    """
    directory = boards_directory(port)
    with ExitStack() as stack:
        try:
            make_private(directory)
            lock = stack.enter_context(open_lock(directory / 'lock'))
            if Path(port).exists():
                _refuse_other_name(directory, Path(port))
                replace_file(directory / 'port', os.fsencode(Path(port).resolve()))
        except BlockingIOError:
            raise BringUpError(
                f'another vehicle uses the port {port}; end it, or choose another port'
            ) from None
        except OSError as error:
            raise BringUpError(
                f'{error.filename}: {error.strerror}; make it writable, or set XDG_STATE_HOME'
            ) from error
        stack.pop_all()
    return lock


def open_lock(path: Path) -> TextIO:
    """Open and lock a file.

    What is no file is not put aside: another process may hold the lock of it.

    Raises:
        BringUpError: it is no file.
        BlockingIOError: another process has locked it.
        OSError: it cannot be opened.

    """
    # A FIFO would be waited for.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    lock = os.fdopen(file, 'w') if stat.S_ISREG(os.fstat(file).st_mode) else None
    if lock is None:
        os.close(file)
        raise BringUpError(f'{path}: not a regular file; remove it')
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise
    return lock


def _refuse_other_name(directory: Path, port: Path) -> None:
    for other in directory.parent.iterdir():
        if other == directory or not _may_be_port(other / 'port', port.resolve()):
            continue
        open_lock(other / 'lock').close()
        if _is_locked(other):
            raise BringUpError(
                f'{port} is the port {port.resolve()}, whose boards are under an emergency stop '
                f'or maintenance by another name ({other}); start with the name used before and '
                'clear it, or remove that directory if they are other boards'
            )


def _may_be_port(record: Path, port: Path) -> bool:
    """Return whether a record names a port; one that cannot be read may name any."""
    try:
        content = read_regular(record)
    except (OSError, ValueError):
        return True
    return content == os.fsencode(port)


def _is_locked(directory: Path) -> bool:
    # Not above: a launch file imports this module without the libraries of the nodes.
    from oht50_bridge.vehicle.estop import LATCH_FILE
    from oht50_bridge.vehicle.estop import EstopLatch
    from oht50_bridge.vehicle.maintenance import MAINTENANCE_FILE
    from oht50_bridge.vehicle.maintenance import MaintenanceLock

    latch = EstopLatch(directory / LATCH_FILE, time.time_ns, look=True)
    maintenance = MaintenanceLock(directory / MAINTENANCE_FILE, look=True)
    return latch.estop is not None or maintenance.locked

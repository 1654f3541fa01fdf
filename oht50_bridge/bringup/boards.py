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
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.paths import NoStateDirError
from oht50_bridge.paths import default_state_dir
from oht50_bridge.vehicle.estop import LATCH_FILE
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.maintenance import MAINTENANCE_FILE
from oht50_bridge.vehicle.maintenance import MaintenanceLock


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
            directory.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((directory / 'lock').open('w'))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if Path(port).exists():
                _refuse_other_name(directory, Path(port))
                (directory / 'port').write_text(str(Path(port).resolve()))
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


def _refuse_other_name(directory: Path, port: Path) -> None:
    for other in directory.parent.iterdir():
        recorded = other / 'port'
        if other == directory or not recorded.is_file():
            continue
        if recorded.read_text() != str(port.resolve()):
            continue
        with (other / 'lock').open('w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_locked(other):
            raise BringUpError(
                f'{port} is the port {port.resolve()}, whose boards are under an emergency stop '
                f'or maintenance by another name ({other}); start with the name used before and '
                'clear it, or remove that directory if they are other boards'
            )


def _is_locked(directory: Path) -> bool:
    latch = EstopLatch(directory / LATCH_FILE, time.time_ns)
    return latch.estop is not None or MaintenanceLock(directory / MAINTENANCE_FILE).locked

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
"""The state files of all vehicles of a computer, looked at before a start and left as they are.

None that is wrong ends a node: each is read as the safe thing, and a person meets that. Here it is
reported before, with what a person has to do.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from oht50_bridge.bringup.host_check import HostFault
from oht50_bridge.gateway.audit.chain import AUDIT_FILE
from oht50_bridge.gateway.audit.chain import anchor_path
from oht50_bridge.gateway.audit.chain import read_anchor
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.private_files import revocations_path
from oht50_bridge.gateway.auth.refresh_store import StoredFamilies
from oht50_bridge.gateway.auth.refresh_store import check_privacy
from oht50_bridge.gateway.auth.revocations import load_revocations
from oht50_bridge.paths import NoStateDirError
from oht50_bridge.paths import default_state_dir
from oht50_bridge.regular_file import Check
from oht50_bridge.regular_file import read_regular
from oht50_bridge.state_file import StateModel
from oht50_bridge.state_file import UnreadableError
from oht50_bridge.state_file import load_state
from oht50_bridge.text import shown
from oht50_bridge.vehicle.config_store import LOST
from oht50_bridge.vehicle.config_store import StoredVersion
from oht50_bridge.vehicle.estop import LATCH_FILE
from oht50_bridge.vehicle.estop import StoredLatch
from oht50_bridge.vehicle.journal import StoredMission
from oht50_bridge.vehicle.maintenance import MAINTENANCE_FILE
from oht50_bridge.vehicle.maintenance import StoredLocks

ANCHOR_ATTEMPTS = 5  # to read an anchor that may be half written, since the log may be in use


@dataclass(frozen=True)
class _Kind:
    """A kind of state files: its model, and what comes of one that is wrong."""

    model: type[StateModel]
    comes: str
    check: Check | None = None
    lasting: bool = False


_KINDS = {
    LATCH_FILE: _Kind(
        StoredLatch,
        'it counts as an emergency stop after the next start: clear_estop',
        lasting=True,
    ),
    MAINTENANCE_FILE: _Kind(
        StoredLocks,
        'it counts as a maintenance lock after the next start: set_maintenance with override',
        lasting=True,
    ),
    'mission.json': _Kind(
        StoredMission, 'how the last mission ended will not be reported: remove it'
    ),
    'refresh_tokens.json': _Kind(
        StoredFamilies,
        'refresh tokens that were issued before the next start will be refused: issue new ones',
        check=check_privacy,
        lasting=True,
    ),
}
_VERSION_COMES = (
    'if nothing moves after the next start: rollback_config to a version that is known'
)
_LOCK_COMES = 'no vehicle starts with it: remove it'


def state_faults(state_dir: Path) -> Iterator[HostFault]:
    """Yield what is wrong with the state files in a state directory and of all sets of boards.

    Args:
        state_dir: directory of all vehicles.

    """
    yield from _revocations(revocations_path(state_dir))
    for directory in _directories(state_dir, 'domain-*'):
        yield from _lock(directory)
        yield from _files(directory)
        yield from _versions(directory / 'config')
        yield from _anchor(directory / AUDIT_FILE)
    try:
        boards = default_state_dir() / 'boards'
    except NoStateDirError:
        return
    for directory in _directories(boards, '*'):
        yield from _lock(directory)
        yield from _files(directory)
        yield from _port(directory / 'port')


def _directories(parent: Path, pattern: str) -> list[Path]:
    try:
        return sorted(path for path in parent.glob(pattern) if path.is_dir())
    except OSError:
        return []  # of the directory itself, the check of the state directory tells


def _fault(path: Path, reason: str, comes: str, *, fatal: bool = False) -> HostFault:
    return HostFault(f'state file {shown(str(path))}', f'{shown(reason)}; {comes}', fatal)


def _files(directory: Path) -> Iterator[HostFault]:
    for name, kind in _KINDS.items():
        path = directory / name
        try:
            load_state(path, kind.model, check=kind.check, lasting=kind.lasting, aside=False)
        except UnreadableError as error:
            reason = str(error).removeprefix(f'{path}: ').removeprefix(f'{path} ')
            yield _fault(path, reason, kind.comes)


def _versions(directory: Path) -> Iterator[HostFault]:
    """Check the records of the configuration, also for those that were put aside."""
    try:
        names = sorted(path.name for path in directory.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        yield _fault(directory, str(error.strerror), _VERSION_COMES)
        return
    for name in names:
        found = LOST.fullmatch(name)
        if found is None:
            continue
        path = directory / name
        if name != f'{found[1]}.json':
            if f'{found[1]}.json' not in names:
                yield _fault(path, 'it was wrong and put aside', _VERSION_COMES)
            continue
        try:
            stored = load_state(path, StoredVersion, aside=False)
        except UnreadableError as error:
            yield _fault(path, str(error).removeprefix(f'{path}: '), _VERSION_COMES)
            continue
        if stored is not None and stored.version != found[1]:
            yield _fault(path, f'it holds version {stored.version}', _VERSION_COMES)


def _revocations(path: Path) -> Iterator[HostFault]:
    try:
        load_revocations(path)
    except FileNotFoundError:
        return
    except (TokenFileError, OSError) as error:
        yield _fault(
            path,
            str(error).removeprefix(f'{path}: '),
            'otherwise all tokens issued before the next start will be refused',
        )


def _anchor(log: Path) -> Iterator[HostFault]:
    try:
        written = log.stat().st_size > 0
    except OSError:
        return
    if written and read_anchor(log, ANCHOR_ATTEMPTS) is None:
        yield _fault(
            anchor_path(log),
            'missing or damaged, so that a cut at the end of the audit log would not be found',
            'the next start records it: see `oht50 audit verify`',
        )


def _lock(directory: Path) -> Iterator[HostFault]:
    path = directory / 'lock'
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        yield _fault(path, str(error.strerror), _LOCK_COMES, fatal=True)
        return
    if not stat.S_ISREG(mode):
        yield _fault(path, 'not a regular file', _LOCK_COMES, fatal=True)
    elif not os.access(path, os.R_OK | os.W_OK):
        comes = f'no vehicle of user {os.getuid()} starts with it: chown it'
        yield _fault(path, 'no permission to lock it', comes, fatal=True)


def _port(path: Path) -> Iterator[HostFault]:
    try:
        read_regular(path)
    except (OSError, ValueError) as error:
        yield _fault(
            path,
            str(getattr(error, 'strerror', None) or error),
            'a start is refused while these boards are under an emergency stop or maintenance: '
            'remove it',
        )

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
"""The folders where the package finds its configuration and keeps its state."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

#: What a folder must have to be that of a page.
PAGE_INDEX = 'index.html'
#: Value of the parameter `page` of bridge_node for no page.
NO_PAGE = 'off'
ENVIRONMENT_VARIABLE = 'OHT50_CONFIG_DIR'


def config_dir() -> Path:
    """Return the folder of the configuration: vehicle.yaml, roles.yaml and modules/.

    Order: the environment variable OHT50_CONFIG_DIR, beside the package (source tree), inside the
    package, then `share/oht50_bridge/config` of the installation prefix and of each ROS prefix.

    Raises:
        FileNotFoundError: there is no such folder; the message names every path that was tried.

    """
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    if chosen:
        path = Path(chosen)
        if not path.is_dir():
            raise FileNotFoundError(
                f'{ENVIRONMENT_VARIABLE}={chosen} is not a folder: correct or unset it'
            )
        return path
    tried = list(_candidates('config'))
    for path in tried:
        if (path / 'modules').is_dir():
            return path
    places = ', '.join(str(path) for path in tried)
    raise FileNotFoundError(f'no config folder in {places}: set {ENVIRONMENT_VARIABLE}')


def interface_dir() -> Path:
    """Return the folder of the message definitions, searched like that of the configuration.

    Raises:
        FileNotFoundError: there is no such folder; the message names every path that was tried.

    """
    tried = list(_candidates('msg'))
    for path in tried:
        if any(path.glob('*.msg')):
            return path
    places = ', '.join(str(path) for path in tried)
    raise FileNotFoundError(f'no message definitions in {places}: install the package again')


def page_dir() -> Path:
    """Return the folder of the page that `make setup` builds; it may be missing.

    It is inside the package, or in `share/oht50_bridge/page` of an installation.
    """
    _, *places = _candidates('page')  # beside the package it may be anybody's
    return next((path for path in places if (path / PAGE_INDEX).is_file()), places[0])


def _candidates(folder: str) -> Iterator[Path]:
    package = Path(__file__).absolute().parent
    share = Path('share') / 'oht50_bridge' / folder
    yield package.parent / folder
    yield package / folder
    for parent in package.parents:
        yield parent / share
    yield Path(sys.prefix) / share
    for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        if prefix:
            yield Path(prefix) / share


def make_private(directory: Path) -> None:
    """Make a directory and its missing parents, for their owner alone whatever the umask is.

    Raises:
        OSError: one of them cannot be made.

    """
    if directory.is_dir():
        return
    if directory.parent != directory:
        make_private(directory.parent)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        # Perhaps a directory that another process has made by now.
        if not directory.is_dir():
            raise NotADirectoryError(
                errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory)
            ) from None


class NoStateDirError(Exception):
    """There is no default folder of persistent state; the message holds the remedy."""


def default_state_dir() -> Path:
    """Return the default folder of persistent state, by the XDG Base Directory Specification.

    Raises:
        NoStateDirError: this user has no home folder.

    """
    base = Path(os.environ.get('XDG_STATE_HOME', ''))
    if base.is_absolute():
        return base / 'oht50'
    # The specification has relative paths ignored: each process might mean another folder.
    home = expanded('~') if os.environ.get('HOME') != '' else Path()
    if not home.is_absolute():
        raise NoStateDirError(
            'this user has no home directory, and so no default state directory; name one with '
            '--state-dir (state_dir of a launch file), or set XDG_STATE_HOME'
        )
    return home / '.local' / 'state' / 'oht50'


def expanded(path: str | Path) -> Path:
    """Return a path with `~` replaced; unchanged where there is no such user or home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def journal_path(directory: Path) -> Path:
    """Return the file that keeps the events for clients that resume.

    It is in a run-time directory, which ends with the computer's start, where there is one
    (systemd's RUNTIME_DIRECTORY, or that of the XDG Base Directory Specification).

    Args:
        directory: of the vehicle.

    """
    name = 'events.sqlite'
    for variable in ('RUNTIME_DIRECTORY', 'XDG_RUNTIME_DIR'):
        base = Path(os.environ.get(variable, ''))
        if base.is_absolute() and base.is_dir():
            vehicle = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]
            return base / 'oht50' / vehicle / name
    return directory / name

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
"""Bags as rosbag2 writes them: metadata, message types, order, repair. It needs no ROS."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import re
import shutil
from collections.abc import Collection
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

import yaml

from oht50_bridge import mcap
from oht50_bridge.paths import interface_dir
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.text import shown

if TYPE_CHECKING:
    from rosbags.rosbag2 import Reader

PACKAGE = 'oht50_bridge'
METADATA = 'metadata.yaml'
INFORMATION = 'rosbag2_bagfile_information'
FORMAT: Final = 9  # of the metadata, that of Jazzy
NOTHING_RECORDED = 'its recording was cut off before its first message; nothing can be replayed'
INFINITE = {'sec': 9223372036, 'nsec': 854775807}  # rosbag2's value of an unlimited duration


class BagError(Exception):
    """A bag cannot be used; the message names the reason and the remedy."""


def event_topic(event: str) -> str:
    """Return the topic of an event, such as mission/started for mission.started."""
    return event.replace('.', '/')


def recorded_vehicle(bag: Path, wanted: str = '') -> str:
    """Return the namespace of the vehicle whose events a bag holds.

    Args:
        bag: folder of the bag.
        wanted: namespace of the vehicle; empty: the only vehicle of the bag.

    Raises:
        BagError: the folder is not a bag, or the bag holds no events of the vehicle, or those of
            several vehicles to choose from.

    """
    try:
        information = yaml.safe_load((bag / METADATA).read_text(encoding='utf-8'))
        recorded: list[tuple[str, str]] = [
            (str(entry['topic_metadata']['name']), str(entry['topic_metadata']['type']))
            for entry in information[INFORMATION]['topics_with_message_count']
        ]
    except OSError as error:
        if cut_off(bag):
            _check_ended(bag)
            if all(_is_empty(path) for path in _recordings(bag)):
                raise BagError(f'{bag}: {NOTHING_RECORDED}') from error
            raise BagError(
                f'{bag}: its recording was cut off; --repair makes a bag of what was recorded'
            ) from error
        raise BagError(f'{error.filename}: {error.strerror}; give the folder of a bag') from error
    except Exception as error:
        reason = shown(repr(error), 300)
        raise BagError(f'{bag / METADATA}: not metadata of rosbag2: {reason}') from error
    suffixes = [f'/{event_topic(event)}' for event in EVENTS]
    vehicles = sorted(
        {
            name.removesuffix(suffix)
            for name, kind in recorded
            for suffix in suffixes
            if name.endswith(suffix) and kind.startswith(f'{PACKAGE}/msg/')
        }
    )
    if wanted:
        wanted = '/' + wanted.strip('/')
    if wanted in vehicles:
        return wanted
    if not wanted and len(vehicles) == 1:
        return str(vehicles[0])
    if not vehicles:
        raise BagError(f'{bag}: holds no events of a vehicle')
    raise BagError(
        f'{bag}: holds the events of {", ".join(vehicles)}; choose one of them by its namespace'
    )


def cut_off(bag: Path) -> bool:
    """Return whether a folder holds a recording (MCAP) that was not closed."""
    return not (bag / METADATA).exists() and bool(_recordings(bag))


def _check_ended(bag: Path) -> None:
    """Refuse a recording that goes on: it looks like one that was cut off.

    Raises:
        BagError: a process has a file of the bag open to write.

    """
    for path in _recordings(bag):
        with path.open('rb') as file:
            try:
                # The kernel grants a lease to read only while nobody may write.
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
                fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            except OSError as error:
                # Others: a file system without leases, or the file of another user.
                if error.errno == errno.EAGAIN:
                    raise BagError(f'{bag}: is being recorded; end its recording first') from error


def _recordings(bag: Path) -> list[Path]:
    """Return the MCAP files of a bag in the order of recording: NAME_0, ..., NAME_9, NAME_10."""

    def order(path: Path) -> list[tuple[int, str]]:
        parts = re.findall('([0-9]+)|([^0-9]+)', path.name)
        return [(int(number or 0), text) for number, text in parts]

    return sorted(bag.glob('*.mcap'), key=order)


def _is_empty(path: Path) -> bool:
    """Return whether a file has no message because its recording was cut off before the first."""
    try:
        return next(mcap.messages(path), None) is None
    except (OSError, mcap.McapError):
        return False  # `repair` says what is wrong with it


def in_order(bag: Path, topics: Collection[str]) -> Iterator[tuple[str, int, bytes]]:
    """Yield topic, stamp in ns and encoded message of a bag, in the order of recording.

    The stamps are those of a clock that may have been set meanwhile; they do not tell the order.

    Args:
        bag: folder of the bag.
        topics: names of the topics.

    Raises:
        BagError: the bag cannot be read.

    """
    try:
        information = yaml.safe_load((bag / METADATA).read_text(encoding='utf-8'))[INFORMATION]
        files = [bag / Path(name).name for name in information['relative_file_paths']]
        mode = str(information.get('compression_mode', '')).lower()
        if information['storage_identifier'] == 'mcap' and mode != 'file':
            compression = information['compression_format'] if mode == 'message' else ''
            for path in files:
                yield from _in_order(path, topics, compression)
            return
        with contextlib.closing(open_reader(bag)) as reader:
            wanted = [each for each in reader.connections if each.topic in topics]
            for connection, stamp, data in reader.messages(wanted):
                yield connection.topic, stamp, bytes(data)
    except BagError:
        raise
    except Exception as error:
        raise _unreadable(bag, error) from error


def open_reader(bag: Path) -> Reader:
    """Open a bag with the library rosbags; close what is returned.

    Raises:
        BagError: it cannot be read.

    """
    from rosbags.rosbag2 import Reader

    try:
        reader = Reader(bag)
        reader.open()
    except Exception as error:
        raise _unreadable(bag, error) from error
    return reader


def _unreadable(bag: Path, error: Exception) -> BagError:
    """Return the error for what a library raises of a damaged file, which may be of any type."""
    return BagError(f'{bag}: cannot be read: {shown(str(error) or repr(error), 300)}')


def _in_order(
    path: Path, topics: Collection[str], compression: str
) -> Iterator[tuple[str, int, bytes]]:
    """Yield the messages of an MCAP file, each of which may be compressed on its own."""
    for message in mcap.messages(path):
        if message.channel.topic in topics:
            data = mcap.expanded(compression, message.data) if compression else message.data
            yield message.channel.topic, message.stamp, data


def repair(bag: Path) -> tuple[int, Path]:
    """Make a whole bag of a recording that was cut off; the recording is kept beside it.

    Returns:
        The number of messages, and the folder of the recording as it was found.

    Raises:
        BagError: it goes on, nothing of it can be read, or the new bag cannot be written.

    """
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import StoragePlugin
    from rosbags.rosbag2 import Writer
    from rosbags.rosbag2.metadata import parse_qos

    bag = bag.absolute()
    _check_ended(bag)
    if all(_is_empty(path) for path in _recordings(bag)):
        raise BagError(f'{bag}: {NOTHING_RECORDED}')
    whole, kept = (bag.with_name(f'{bag.name}.{end}') for end in ('repaired', 'cut-off'))
    for path in (whole, kept):
        if path.exists():
            raise BagError(f'{path}: left by an earlier repair; move it away')
    types = typestore()
    count = 0
    try:
        with Writer(whole, version=FORMAT, storage_plugin=StoragePlugin.MCAP) as writer:
            connections: dict[mcap.Channel, Connection] = {}
            for path in _recordings(bag):
                for channel, stamp, data in mcap.messages(path):
                    if channel not in connections:
                        connections[channel] = writer.add_connection(
                            channel.topic,
                            channel.type,
                            msgdef=channel.definition,
                            rihs01=_hash(types, channel),
                            offered_qos_profiles=parse_qos(channel.qos) if channel.qos else (),
                        )
                    writer.write(connections[channel], stamp, data)
                    count += 1
        bag.rename(kept)
        whole.rename(bag)
    except Exception as error:
        remedy = 'make room' if isinstance(error, OSError) else 'it is left as it is'
        reason = shown(str(error) or repr(error), 300)
        raise BagError(f'{bag}: cannot be repaired: {reason}; {remedy}') from error
    finally:
        if bag.exists():
            shutil.rmtree(whole, ignore_errors=True)
    return count, kept


def _hash(types: Any, channel: mcap.Channel) -> str:
    """Return the hash of a type, or one that no type has if it is of another version."""
    try:
        definition, _ = types.generate_msgdef(channel.type, ros_version=2)
        if definition == channel.definition:
            return str(types.hash_rihs01(channel.type))
    except KeyError:
        pass
    return f'RIHS01_{0:064}'


def typestore() -> Any:
    """Return the definitions of all message types of a vehicle, for the library rosbags."""
    from rosbags.typesys import Stores
    from rosbags.typesys import get_types_from_msg
    from rosbags.typesys import get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    own: dict[str, Any] = {}
    for path in sorted(interface_dir().glob('*.msg')):
        own |= get_types_from_msg(path.read_text(), f'{PACKAGE}/msg/{path.stem}')
    store.register(own)
    return store

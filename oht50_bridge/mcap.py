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
"""Reads MCAP files as they were written, also those whose writing was cut off.

The index at the end of a file gives messages in the order of their stamps, and is missing when the
process that wrote it was killed. The records before it are in the order in which they came.
Format: https://mcap.dev/spec
"""

from __future__ import annotations

import importlib
import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import BinaryIO
from typing import NamedTuple

from oht50_bridge.text import shown

MAGIC = b'\x89MCAP0\r\n'
MAXIMUM_RECORD = 2**30  # bytes; a length beyond it is not one
MAXIMUM_EXPANDED = 2**26  # bytes of a chunk that was compressed; those of rosbag2 have 768 KiB
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _DATA_END = 0x03, 0x04, 0x05, 0x06, 0x0F


class McapError(Exception):
    """A file is not MCAP, or holds what cannot be read; the message says what."""


class Channel(NamedTuple):
    """Where messages came from.

    Attributes:
        topic: name of the topic.
        type: name of the message type.
        definition: text of its definition.
        qos: offered QoS profiles, in YAML.

    """

    topic: str
    type: str
    definition: str
    qos: str


class RecordedMessage(NamedTuple):
    """A message; `stamp` is when it was received, ns since 1970-01-01 UTC."""

    channel: Channel
    stamp: int
    data: bytes


def messages(path: Path) -> Iterator[RecordedMessage]:
    """Yield the messages of a file in the order of recording, up to where it is cut off.

    Raises:
        McapError: it is not MCAP, a chunk of it is damaged, or compressed in an unknown way.
        OSError: it cannot be read.

    """
    with path.open('rb') as file:
        if not MAGIC.startswith(head := file.read(len(MAGIC))):
            raise McapError(f'{path}: not an MCAP file')
        if head != MAGIC:
            return
        schemas: dict[int, tuple[str, str]] = {}
        channels: dict[int, Channel] = {}
        try:
            yield from _messages(file, schemas, channels)
        except McapError as error:
            raise McapError(f'{path}: {error}') from error
        except RecursionError:
            raise McapError(f'{path}: a chunk is in a chunk') from None
        except (struct.error, KeyError, UnicodeDecodeError) as error:
            raise McapError(f'{path}: a record is damaged ({type(error).__name__})') from error


def _messages(
    file: BinaryIO, schemas: dict[int, tuple[str, str]], channels: dict[int, Channel]
) -> Iterator[RecordedMessage]:
    for kind, content in _records(file):
        body = io.BytesIO(content)
        if kind == _SCHEMA:
            (number,) = struct.unpack('<H', body.read(2))
            name, _, definition = _text(body), _text(body), _text(body)
            schemas[number] = name, definition
        elif kind == _CHANNEL:
            number, schema = struct.unpack('<HH', body.read(4))
            topic, _ = _text(body), _text(body)
            channels[number] = Channel(topic, *schemas[schema], _qos(body))
        elif kind == _MESSAGE:
            number, _, stamp, _ = struct.unpack('<HIQQ', body.read(22))
            yield RecordedMessage(channels[number], stamp, body.read())
        elif kind == _CHUNK:
            _, _, size, _ = struct.unpack('<QQQI', body.read(28))
            compression = _text(body)
            (length,) = struct.unpack('<Q', body.read(8))
            records = _records_of_chunk(compression, body.read(length), size)
            yield from _messages(io.BytesIO(records), schemas, channels)
        elif kind == _DATA_END:
            return


def _records(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each record that is there as a whole."""
    while len(head := file.read(9)) == 9:
        kind, length = struct.unpack('<BQ', head)
        if length > MAXIMUM_RECORD or len(content := file.read(length)) < length:
            return
        yield kind, content


def _records_of_chunk(compression: str, data: bytes, size: int) -> bytes:
    """Return the records of a chunk.

    Raises:
        McapError: they are not `size` bytes.

    """
    if compression:
        data = expanded(compression, data, size)
    if len(data) != size:
        raise McapError(f'a chunk has not the {size} bytes that it should have')
    return data


def expanded(compression: str, data: bytes, size: int = MAXIMUM_EXPANDED) -> bytes:
    """Return what was compressed.

    Args:
        compression: zstd or lz4.
        data: what is compressed.
        size: most bytes that it may expand to; a few kilobytes can claim any number.

    Raises:
        McapError: it is damaged, compressed in an unknown way, or expands to more.

    """
    if size > MAXIMUM_EXPANDED:
        raise McapError(f'{size} bytes are compressed, at most {MAXIMUM_EXPANDED} are expanded')
    try:
        # One byte more than is allowed shows that there are more.
        result: bytes = _decompressor(compression).decompress(data, max_length=size + 1)
    except (RuntimeError, MemoryError, OSError, ValueError, EOFError, _zstd().ZstdError) as error:
        raise McapError(f'what is compressed by {compression} is damaged ({error})') from error
    if len(result) > size:
        raise McapError(f'what is compressed by {compression} expands to more than {size} bytes')
    return result


def _decompressor(compression: str) -> Any:
    if compression == 'zstd':
        return _zstd().ZstdDecompressor()
    if compression == 'lz4':
        from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]  # no stubs

        return LZ4FrameDecompressor()
    raise McapError(f'compressed by {shown(compression, 20)}; zstd and lz4 can be read')


def _zstd() -> Any:
    """Return the library that the library rosbags requires on this version of Python."""
    name = 'compression.zstd' if sys.version_info >= (3, 14) else 'backports.zstd'
    return importlib.import_module(name)


def _text(body: BinaryIO) -> str:
    (length,) = struct.unpack('<I', body.read(4))
    return body.read(length).decode()


def _qos(body: BinaryIO) -> str:
    """Return the QoS profiles in the metadata of a channel."""
    (length,) = struct.unpack('<I', body.read(4))
    pairs = io.BytesIO(body.read(length))
    while pairs.tell() < length:
        name, value = _text(pairs), _text(pairs)
        if name == 'offered_qos_profiles':
            return value
    return ''

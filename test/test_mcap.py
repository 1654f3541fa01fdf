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
"""MCAP files are read in the order of recording, up to where they are cut off."""

import random
import struct
import tracemalloc

import lz4.frame
import pytest
from rosbags.rosbag2.storage_mcap import zstd
from test_bag import write_bag

from oht50_bridge.mcap import MAGIC
from oht50_bridge.mcap import MAXIMUM_EXPANDED
from oht50_bridge.mcap import McapError
from oht50_bridge.mcap import messages


@pytest.fixture
def content(tmp_path):
    (file,) = write_bag(tmp_path / 'bag', range(30)).glob('*.mcap')
    return file.read_bytes()


def test_whole_files_are_read_and_their_channels_known(tmp_path, content):
    path = tmp_path / 'file'
    path.write_bytes(content)
    found = list(messages(path))
    assert len(found) == 30
    assert {(each.channel.topic, each.channel.type) for each in found} == {
        ('/a/text', 'std_msgs/msg/String')
    }
    assert 'string data' in found[0].channel.definition


def test_every_cut_leaves_a_beginning(tmp_path, content):
    path = tmp_path / 'file'
    whole = None
    for end in (*range(len(content), 8, -97), *range(8, -1, -1)):
        path.write_bytes(content[:end])
        found = [each.data for each in messages(path)]
        whole = whole or found
        assert found == whole[: len(found)]
    assert found == []


def test_damage_is_an_error_or_not_noticed_and_never_anything_else(tmp_path, content):
    chance = random.Random(1)
    path = tmp_path / 'file'
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.randrange(1, 5)):
            damaged[chance.randrange(8, len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            list(messages(path))
        except McapError as error:
            assert str(path) in str(error) and str(error).isprintable()


def test_another_file_is_refused(tmp_path):
    (tmp_path / 'file').write_text('no bag')
    with pytest.raises(McapError, match='not an MCAP file'):
        list(messages(tmp_path / 'file'))


def record(kind, content):
    return struct.pack('<BQ', kind, len(content)) + content


def text(content):
    return struct.pack('<I', len(content)) + content


def chunk(compression, data, size):
    head = struct.pack('<QQQI', 0, 0, size, 0) + text(compression)
    return record(6, head + struct.pack('<Q', len(data)) + data)


RECORDS = b''.join(
    [
        record(3, struct.pack('<H', 1) + text(b'a/msg/B') + text(b'ros2msg') + text(b'int8 x')),
        record(4, struct.pack('<HH', 1, 1) + text(b'/topic') + text(b'cdr') + text(b'')),
        record(5, struct.pack('<HIQQ', 1, 0, 5, 5) + b'data'),
    ]
)
COMPRESS = {b'zstd': zstd.compress, b'lz4': lz4.frame.compress}


@pytest.fixture
def read(tmp_path):
    def read(*chunks):
        path = tmp_path / 'file'
        path.write_bytes(MAGIC + b''.join(chunks))
        return [(each.channel.topic, each.stamp, each.data) for each in messages(path)]

    return read


@pytest.mark.parametrize('compression', COMPRESS)
def test_compressed_chunks_are_expanded(read, compression):
    packed = chunk(compression, COMPRESS[compression](RECORDS), len(RECORDS))
    plain = chunk(b'', RECORDS, len(RECORDS))
    assert read(packed, plain) == 2 * [('/topic', 5, b'data')]


@pytest.mark.parametrize('compression', COMPRESS)
def test_a_chunk_expands_to_what_it_says_and_no_more(read, compression):
    many = COMPRESS[compression](bytes(2**24))
    tracemalloc.start()
    for size in (0, 100):
        with pytest.raises(McapError, match='more than'):
            read(chunk(compression, many, size))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    with pytest.raises(McapError, match=f'at most {MAXIMUM_EXPANDED}'):
        read(chunk(compression, many, 2**60))
    with pytest.raises(McapError, match='should have'):
        read(chunk(compression, COMPRESS[compression](RECORDS), len(RECORDS) + 1))
    with pytest.raises(McapError, match='damaged'):
        read(chunk(compression, b'x' * 100, 100))


def test_a_false_size_in_the_compressed_data_costs_no_memory(read):
    with pytest.raises(McapError):
        read(chunk(b'zstd', b'\x28\xb5\x2f\xfd\xe0' + struct.pack('<Q', 2**45) + b'\1\0\0', 100))


def test_an_unknown_compression_is_named_in_one_line(read):
    with pytest.raises(McapError, match=r'by b\\x1bz; zstd and lz4') as error:
        read(chunk(b'b\x1bz', RECORDS, len(RECORDS)))
    assert str(error.value).isprintable()


def test_chunks_in_chunks_do_not_exhaust_the_stack(read):
    inner = RECORDS
    for _ in range(2000):
        inner = chunk(b'', inner, len(inner))
    with pytest.raises(McapError, match='in a chunk'):
        read(inner)

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
"""Bags: which vehicle one holds, the order of its messages, and the repair of one cut off."""

import random

import pytest
import yaml
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import Reader
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer

from oht50_bridge import mcap
from oht50_bridge.bag import BagError
from oht50_bridge.bag import cut_off
from oht50_bridge.bag import event_topic
from oht50_bridge.bag import in_order
from oht50_bridge.bag import recorded_vehicle
from oht50_bridge.bag import repair
from oht50_bridge.bag import typestore


def test_the_topic_of_an_event():
    assert event_topic('mission.started') == 'mission/started'


def test_the_types_of_this_package_are_known():
    assert 'oht50_bridge/msg/SafetyEstop' in typestore().types


def bag(directory, *topics):
    directory.mkdir()
    (directory / 'metadata.yaml').write_text(
        yaml.safe_dump(
            {
                'rosbag2_bagfile_information': {
                    'topics_with_message_count': [
                        {'topic_metadata': {'name': name, 'type': kind}} for name, kind in topics
                    ]
                }
            }
        )
    )
    return directory


def test_the_vehicle_of_a_bag(tmp_path):
    stop = 'oht50_bridge/msg/SafetyEstop'
    log = ('/rosout', 'rcl_interfaces/msg/Log')
    one = bag(tmp_path / 'one', ('/oht50/safety/estop', stop), log)
    assert recorded_vehicle(one) == '/oht50'
    two = bag(tmp_path / 'two', ('/a/safety/estop', stop), ('/b/safety/estop', stop))
    assert recorded_vehicle(two, 'b') == '/b'
    with pytest.raises(BagError, match='/a, /b'):
        recorded_vehicle(two)
    with pytest.raises(BagError, match='no events'):
        recorded_vehicle(bag(tmp_path / 'none', ('/a/safety/estop', 'std_msgs/msg/String')))
    with pytest.raises(BagError, match='give the folder of a bag'):
        recorded_vehicle(tmp_path)


@pytest.mark.parametrize(
    'topic', ['{name: 5, type: 6}', '{name: 2020-13-45, type: x}', '[' * 2000, '"\\n', '{}', '5']
)
def test_damaged_metadata_is_an_error_in_one_line(tmp_path, topic):
    (tmp_path / 'metadata.yaml').write_text(
        'rosbag2_bagfile_information:\n  topics_with_message_count:\n'
        f'  - topic_metadata: {topic}\n'
    )
    with pytest.raises(BagError) as error:
        recorded_vehicle(tmp_path)
    assert str(error.value).startswith(str(tmp_path)) and str(error.value).isprintable()


NS = 1_000_000_000
START = 1_800_000_000


def write_bag(
    folder, stamps, close=True, plugin=StoragePlugin.MCAP, compression=CompressionMode.NONE
):
    """Write a message of each stamp, s after START, with its number as its data."""
    types = typestore()
    writer = Writer(folder, version=9, storage_plugin=plugin)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    writer.open()
    connection = writer.add_connection('/a/text', 'std_msgs/msg/String', typestore=types)
    for number, stamp in enumerate(stamps):
        message = types.types['std_msgs/msg/String'](data=str(number))
        data = types.serialize_cdr(message, 'std_msgs/msg/String')
        writer.write(connection, round((START + stamp) * NS), data)
        if plugin is StoragePlugin.MCAP and number % 3 == 2:
            writer.storage.close_chunk()
            writer.storage.bio.flush()
    if close:
        writer.close()
    else:
        writer.abort()
    return folder


def numbers(folder):
    """Return number and stamp, s after START, of each message in the order of recording."""
    types = typestore()
    return [
        (int(types.deserialize_cdr(data, 'std_msgs/msg/String').data), stamp / NS - START)
        for _, stamp, data in in_order(folder, ['/a/text'])
    ]


STEPS = [0, 1, 2, 3602, 3603, 3, 4, -3596, -3595]  # s; the clock was set three times


def test_the_order_is_that_of_the_recording_whatever_the_clock_was_set_to(tmp_path):
    folder = write_bag(tmp_path / 'bag', STEPS)
    assert numbers(folder) == list(enumerate(STEPS))
    assert list(in_order(folder, ['/other'])) == []


def test_bags_of_the_other_storage_are_read_too(tmp_path):
    folder = write_bag(tmp_path / 'bag', [0, 1, 2], plugin=StoragePlugin.SQLITE3)
    assert numbers(folder) == [(0, 0), (1, 1), (2, 2)]


# Behind each chunk of three messages is its index of 63 bytes.
@pytest.mark.parametrize(('cut', 'left'), [(0, 9), (1, 9), (63, 9), (64, 6), (100, 6)])
def test_a_recording_that_was_cut_off_is_repaired(tmp_path, cut, left):
    folder = write_bag(tmp_path / 'bag', range(10), close=False)
    (file,) = folder.glob('*.mcap')
    content = file.read_bytes()
    file.write_bytes(content[: len(content) - cut])
    assert cut_off(folder)
    with pytest.raises(BagError, match='--repair'):
        recorded_vehicle(folder)
    count, kept = repair(folder)
    assert count == left
    assert numbers(folder) == [(number, number) for number in range(count)]
    (original,) = kept.glob('*.mcap')
    assert original.read_bytes() == content[: len(content) - cut]
    with Reader(folder) as reader:
        for connection in reader.connections:
            assert connection.digest == typestore().hash_rihs01('std_msgs/msg/String')


def test_a_recording_that_goes_on_is_not_repaired(tmp_path):
    folder = write_bag(tmp_path / 'bag', range(9), close=False)
    (file,) = folder.glob('*.mcap')
    content = file.read_bytes()
    with file.open('ab'):
        for action in (recorded_vehicle, repair):
            with pytest.raises(BagError, match='is being recorded; end its recording first'):
                action(folder)
    assert [path.name for path in tmp_path.iterdir()] == ['bag']
    assert file.read_bytes() == content
    assert repair(folder)[0] == 9


HEADER = b'\x89MCAP0\r\n'


@pytest.mark.parametrize('content', [b'', HEADER[:5], HEADER, HEADER + b'\xff' * 100])
def test_a_recording_without_a_message_is_said_to_be_one(tmp_path, content):
    folder = tmp_path / 'bag'
    folder.mkdir()
    (folder / 'bag.mcap').write_bytes(content)
    for action in (recorded_vehicle, repair):
        with pytest.raises(BagError, match='cut off before its first message; nothing can be'):
            action(folder)
    assert [path.name for path in tmp_path.rglob('*')] == ['bag', 'bag.mcap']


def test_what_is_no_recording_is_left_as_it_is(tmp_path):
    folder = tmp_path / 'bag'
    folder.mkdir()
    (folder / 'bag.mcap').write_bytes(b'x' * 100)
    with pytest.raises(BagError, match='not an MCAP file; it is left as it is'):
        repair(folder)
    assert (folder / 'bag.mcap').read_bytes() == b'x' * 100
    assert [path.name for path in tmp_path.iterdir()] == ['bag']


@pytest.mark.parametrize(
    ('raised', 'seen'), [(KeyboardInterrupt(), KeyboardInterrupt), (ValueError('a\nb'), BagError)]
)
def test_a_repair_that_does_not_come_to_its_end_leaves_nothing(
    tmp_path, monkeypatch, raised, seen
):
    folder = write_bag(tmp_path / 'bag', range(9), close=False)
    whole = mcap.messages

    def messages(path):
        yield next(whole(path))
        raise raised

    monkeypatch.setattr(mcap, 'messages', messages)
    with pytest.raises(seen):
        repair(folder)
    assert [path.name for path in tmp_path.iterdir()] == ['bag'] and cut_off(folder)


def test_what_an_earlier_repair_left_is_named_and_not_touched(tmp_path):
    folder = write_bag(tmp_path / 'bag', range(3), close=False)
    left = tmp_path / 'bag.repaired'
    left.mkdir()
    with pytest.raises(BagError, match=r'bag\.repaired: left by an earlier repair'):
        repair(folder)
    assert left.is_dir() and cut_off(folder)


def test_the_files_of_a_split_recording_are_repaired_in_their_order(tmp_path):
    """The newest one is empty where its recorder was killed just after it had begun it."""
    folder = tmp_path / 'bag'
    folder.mkdir()
    for number in range(11):
        (file,) = write_bag(
            tmp_path / f'part{number}', range(3 * number, 3 * number + 3), close=False
        ).glob('*.mcap')
        file.rename(folder / f'bag_{number}.mcap')
    (folder / 'bag_11.mcap').write_bytes(b'')
    assert repair(folder)[0] == 33
    assert [stamp for _, stamp in numbers(folder)] == list(range(33))


KINDS = [
    (plugin, compression)
    for plugin in StoragePlugin
    for compression in CompressionMode
    # of MCAP alone
    if plugin is StoragePlugin.MCAP or compression is not CompressionMode.STORAGE
]


@pytest.mark.parametrize(('plugin', 'compression'), KINDS)
def test_bags_are_read_however_they_are_stored(tmp_path, plugin, compression):
    folder = write_bag(tmp_path / 'bag', [0, 1, 2], plugin=plugin, compression=compression)
    assert numbers(folder) == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(
    ('plugin', 'compression'),
    [KINDS[0], *(pytest.param(*kind, marks=pytest.mark.slow) for kind in KINDS[1:-1]), KINDS[-1]],
)
def test_a_damaged_bag_is_an_error_in_one_line(tmp_path, plugin, compression):
    folder = write_bag(tmp_path / 'bag', range(30), plugin=plugin, compression=compression)
    (file,) = (path for path in folder.iterdir() if path.name != 'metadata.yaml')
    content = file.read_bytes()
    chance = random.Random(1)
    errors = 0
    for number in range(18):
        damaged = bytearray(content)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        if number % 3 == 0:
            del damaged[chance.randrange(len(damaged)) :]
        file.write_bytes(damaged)
        try:
            list(in_order(folder, ['/a/text']))
        except BagError as error:
            errors += 1
            assert str(error).startswith(str(folder)) and str(error).isprintable()
    assert errors


def test_a_message_that_expands_to_no_end_is_refused(tmp_path, monkeypatch):
    compression = CompressionMode.MESSAGE
    folder = write_bag(tmp_path / 'bag', [0], compression=compression)
    monkeypatch.setattr('oht50_bridge.mcap.expanded.__defaults__', (3,))
    with pytest.raises(BagError, match='more than 3 bytes'):
        numbers(folder)

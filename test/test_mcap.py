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

import pytest
from test_bag import write_bag

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
    for end in range(len(content), 8, -97):
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
            assert str(path) in str(error) or 'compressed' in str(error)


def test_another_file_is_refused(tmp_path):
    (tmp_path / 'file').write_text('no bag')
    with pytest.raises(McapError, match='not an MCAP file'):
        list(messages(tmp_path / 'file'))

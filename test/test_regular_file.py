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
"""Files are read without waiting and without end, and renamed without being overwritten."""

import os

import pytest

from oht50_bridge.regular_file import MAXIMUM_BYTES
from oht50_bridge.regular_file import aside_names
from oht50_bridge.regular_file import put_aside
from oht50_bridge.regular_file import read_regular


def test_a_file_is_read_and_a_missing_one_is_none(tmp_path):
    path = tmp_path / 'file'
    assert read_regular(path) is None
    path.write_bytes(b'\xff' * MAXIMUM_BYTES)
    assert read_regular(path) == b'\xff' * MAXIMUM_BYTES
    path.write_bytes(b'x' * (MAXIMUM_BYTES + 1))
    with pytest.raises(ValueError, match='longer than'):
        read_regular(path)


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / 'fifo')
    (tmp_path / 'zero').symlink_to('/dev/zero')
    for name in ('fifo', 'zero'):
        with pytest.raises(ValueError, match='not a regular file'):
            read_regular(tmp_path / name)
    (tmp_path / 'link').symlink_to('nowhere')
    for name in ('.', 'link'):
        with pytest.raises(OSError):
            read_regular(tmp_path / name)


def test_the_check_sees_the_file_that_is_read(tmp_path):
    seen = []
    (tmp_path / 'file').write_text('abc')
    read_regular(tmp_path / 'file', lambda path, status: seen.append((path.name, status.st_size)))
    assert seen == [('file', 3)]


def test_a_link_is_put_aside_and_not_what_it_leads_to(tmp_path):
    (tmp_path / 'target').write_text('x')
    (tmp_path / 'link').symlink_to('target')
    assert put_aside(tmp_path / 'link') == '; kept as link.unreadable-1'
    assert (tmp_path / 'target').read_text() == 'x'
    assert aside_names(tmp_path / 'link') == ['link.unreadable-1']
    assert put_aside(tmp_path / 'link').startswith('; it stays there (')

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
import errno
import os
import stat
import threading

import pytest

from oht50_bridge.atomic_file import create_file
from oht50_bridge.atomic_file import remove
from oht50_bridge.atomic_file import replace_file
from oht50_bridge.atomic_file import sync_directory
from oht50_bridge.atomic_file import try_disk


@pytest.mark.parametrize('durable', [True, False])
def test_a_file_is_created_and_replaced(tmp_path, durable):
    path = tmp_path / 'state.json'
    for content in (b'a' * 100_000, b'', b'short'):
        replace_file(path, content, durable=durable)
        assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ['state.json']


def test_the_mode_is_set_before_the_content_is_written(tmp_path):
    path = tmp_path / 'secret'
    replace_file(path, b'x', mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_reader_sees_the_old_or_the_new_content(tmp_path):
    path = tmp_path / 'state'
    replace_file(path, b'old')
    with path.open('rb') as reader:
        replace_file(path, b'new')
        assert reader.read() == b'old'
    assert path.read_bytes() == b'new'


def test_a_full_disk_keeps_the_old_content_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / 'state'
    replace_file(path, b'old')
    (tmp_path / 'state.new').symlink_to('/dev/full')
    with pytest.raises(OSError, match='No space left'):
        replace_file(path, b'new')
    assert path.read_bytes() == b'old'
    assert [file.name for file in tmp_path.iterdir()] == ['state']


def test_only_a_durable_file_waits_for_the_disk(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, 'fsync', lambda file: (synced.append(file), fsync(file)))
    replace_file(tmp_path / 'a', b'x', durable=False)
    assert synced == []
    replace_file(tmp_path / 'a', b'x')
    assert len(synced) == 2  # the file, then its directory


def test_a_file_that_is_missing_can_be_removed(tmp_path):
    path = tmp_path / 'state'
    path.write_bytes(b'x')
    remove(path)
    remove(path)
    remove(tmp_path / 'missing' / 'state')
    assert not path.exists()


def test_a_fifo_of_the_temporary_name_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'state.new')
    with pytest.raises(OSError):
        replace_file(tmp_path / 'state', b'x')
    replace_file(tmp_path / 'state', b'x')
    assert (tmp_path / 'state').read_bytes() == b'x'


def test_a_disk_is_tried_and_nothing_stays(tmp_path, monkeypatch):
    try_disk(tmp_path)
    assert not list(tmp_path.iterdir())
    (tmp_path / f'.probe-{os.getpid()}').symlink_to('/dev/full')
    with pytest.raises(OSError, match='No space left'):
        try_disk(tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError):
        try_disk(tmp_path / 'absent')


def test_a_missing_directory_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError):
        sync_directory(tmp_path / 'missing')
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / 'missing' / 'state', b'x')


@pytest.fixture(params=[True, False], ids=['links', 'no links'])
def links(request, monkeypatch):
    """Whether the filesystem has hard links, which exFAT and some of networks have not."""
    if not request.param:

        def refuse(source, target):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source, None, target)

        monkeypatch.setattr(os, 'link', refuse)


@pytest.mark.usefixtures('links')
def test_a_file_is_created_once(tmp_path):
    path = tmp_path / 'secret'
    made, start = [], threading.Barrier(8)

    def create(content):
        start.wait()
        try:
            create_file(path, content)
        except FileExistsError:
            return
        made.append(content)

    threads = [threading.Thread(target=create, args=(bytes([n]) * 48,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [path.read_bytes()]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ['secret']


def test_what_cannot_be_created_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'fsync', refuse)
    with pytest.raises(OSError, match='No space left'):
        create_file(tmp_path / 'secret', b'x')
    assert not list(tmp_path.iterdir())

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
"""The secret: made once, for its owner alone."""

import multiprocessing

import pytest

from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.private_files import load_or_create_secret
from oht50_bridge.gateway.auth.private_files import read_trusted

SECRET = b'0123456789abcdef0123456789abcdef'


def _load(path, queue):
    queue.put(load_or_create_secret(path))


@pytest.mark.processes
def test_processes_that_start_together_share_one_secret_of_mode_0600(tmp_path):
    context = multiprocessing.get_context('fork')
    queue, path = context.SimpleQueue(), tmp_path / 'state' / 'secret'
    processes = [context.Process(target=_load, args=(path, queue)) for _ in range(6)]
    for process in processes:
        process.start()
    secrets = {queue.get() for _ in processes}
    for process in processes:
        process.join()
    assert len(secrets) == 1 and len(secrets.pop()) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ['secret']


def test_a_secret_others_can_read_or_that_is_short_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / 'secret'
    path.write_bytes(SECRET + b'\n')
    path.chmod(0o640)
    with pytest.raises(TokenFileError, match='chmod 600'):
        load_or_create_secret(path)
    path.chmod(0o600)
    assert load_or_create_secret(path) == SECRET
    path.write_bytes(b'short')
    with pytest.raises(TokenFileError, match='at least 32'):
        load_or_create_secret(path)


def test_what_others_can_change_is_not_trusted(tmp_path):
    path = tmp_path / 'list'
    path.write_bytes(b'x')
    path.chmod(0o644)
    assert read_trusted(path) == b'x'
    path.chmod(0o664)
    with pytest.raises(TokenFileError, match='chmod go-w'):
        read_trusted(path)

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
"""Used refresh tokens stay used, whatever happens to the process and the disk."""

import os
import subprocess
import sys

import pytest
from support import ROOT
from support import wait_for

from oht50_bridge.gateway.auth.claims import TokenError
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.refresh_store import RefreshStore
from oht50_bridge.gateway.auth.refresh_store import check_privacy
from oht50_bridge.gateway.auth.tokens import TokenAuthority

SECRET = b'0123456789abcdef0123456789abcdef'


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'refresh_tokens.json'


def authority(store):
    return TokenAuthority([Key('HS256', SECRET)], store=store)


def test_a_used_token_stays_used_over_a_restart(path):
    store = RefreshStore(path)
    first = authority(store).issue('ann', 'viewer')
    _, second = authority(store).refresh(first.refresh)
    store.close()
    store = RefreshStore(path)
    _, third = authority(store).refresh(second.refresh)
    with pytest.raises(TokenError, match='used before'):
        authority(store).refresh(second.refresh)
    store.close()
    store = RefreshStore(path)
    for pair in (first, second, third):
        with pytest.raises(TokenError, match='revoked'):
            authority(store).refresh(pair.refresh)
    with pytest.raises(TokenError, match='revoked'):
        authority(store).verify(third.access)
    store.close()


# Refreshes the token given, and kills itself as soon as the disk is said to hold it.
REFRESH = """
import os, signal, sys
from pathlib import Path
from oht50_bridge.gateway.auth.refresh_store import RefreshStore
from oht50_bridge.gateway.auth.refresh_store import check_privacy
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.tokens import TokenAuthority
authority = TokenAuthority(
    [Key('HS256', b'0123456789abcdef0123456789abcdef')], store=RefreshStore(Path(sys.argv[1])))
authority.refresh(sys.argv[2])
authority.saved().result(20)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.processes
def test_a_used_token_stays_used_over_kill_9(path):
    pair = authority(None).issue('ann', 'viewer')
    done = subprocess.run(
        [sys.executable, '-c', REFRESH, str(path), pair.refresh],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(str, [ROOT, *sys.path]))},
    )
    assert done.returncode == -9, done.stderr
    store = RefreshStore(path)
    with pytest.raises(TokenError, match='used before'):
        authority(store).refresh(pair.refresh)
    store.close()


def test_the_file_holds_hashes_for_its_owner_alone(path, caplog):
    store = RefreshStore(path)
    pair = authority(store).issue('ann', 'viewer')
    claims, second = authority(store).refresh(pair.refresh)
    store.close()
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    for part in (*pair.refresh.split('.'), *second.refresh.split('.'), claims.family, 'ann'):
        assert part not in text
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    path.chmod(0o640)
    store = RefreshStore(path, wall=lambda: 1000.0)
    assert 'chmod 600' in caplog.text
    assert store.not_before == 1000.0
    store.close()


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'{',
        b'[]',
        b'{}',
        b'{"not_before": 0, "families": {"a": 5}}',
        b'{"not_before": 0, "families": {"a": [1, 2]}}',
        b'{"not_before": 0, "families": {"a": ["x", null]}}',
        b'{"not_before": 0, "families": {"a": ["x", 1, 2]}}',
        b'{"not_before": 1e999, "families": {}}',
        b'{"not_before": ' + b'9' * 400 + b', "families": {}}',
        b'[' * 100_000,
        b'\xff',
    ],
)
def test_when_the_file_is_damaged_older_tokens_are_refused(path, content, caplog):
    pair = authority(None).issue('ann', 'viewer')
    path.write_bytes(content)
    path.chmod(0o600)
    store = RefreshStore(path)
    assert 'damaged' in caplog.text
    assert path.with_name(f'{path.name}.unreadable-1').read_bytes() == content
    for _ in range(2):
        with pytest.raises(TokenError, match='is unknown'):
            authority(store).refresh(pair.refresh)
        store.close()
        store = RefreshStore(path)  # which is still not known by the next process
    authority(store).verify(pair.access)
    authority(store).refresh(authority(store).issue('ann', 'viewer').refresh)
    store.close()


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_put_aside(path, make):
    make(path)
    store = RefreshStore(path, wall=lambda: 1000.0)
    assert store.not_before == 1000.0
    store.close()
    assert path.is_file(), 'it was replaced'


def test_a_disk_that_refuses_keeps_nobody_out_and_is_tried_again(path, caplog):
    directory = path.parent / 'away'
    directory.mkdir()
    store = RefreshStore(directory / path.name)
    directory.rmdir()
    pair = authority(store).issue('ann', 'viewer')
    authority(store).refresh(pair.refresh)
    store.saved().result(10)
    assert 'cannot be written' in caplog.text
    directory.mkdir()
    wait_for((directory / path.name).exists, what='it is written')
    with pytest.raises(TokenError, match='used before'):
        authority(store).refresh(pair.refresh)
    store.close()


def test_what_no_longer_lives_is_forgotten(path):
    now = 1000.0
    store = RefreshStore(path, wall=lambda: now)
    store.rotate('old', 't', 2000.0)
    now = 2001.0
    store.rotate('new', 't', 3000.0)
    store.close()
    assert path.read_text().count('3000.0') == 1
    assert '2000.0' not in path.read_text()


@pytest.mark.parametrize('mode', [0o640, 0o604, 0o666])
def test_hashes_that_others_can_read_are_made_private_and_nothing_else_is_asked(tmp_path, mode):
    path = tmp_path / 'refresh_tokens.json'
    path.touch()
    path.chmod(mode)
    with pytest.raises(ValueError, match=f'read by others: chmod 600 {path}$'):
        check_privacy(path, path.stat())

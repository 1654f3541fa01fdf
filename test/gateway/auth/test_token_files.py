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
"""A gateway that runs follows its keys and revocations."""

import os
import threading

import pytest
from support import wait_for

from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.auth.keys import load_key
from oht50_bridge.gateway.auth.keys import make_key
from oht50_bridge.gateway.auth.revocations import revoke
from oht50_bridge.gateway.auth.token_files import TokenFiles
from oht50_bridge.gateway.auth.tokens import TokenAuthority


@pytest.fixture
def keys(tmp_path):
    make_key(tmp_path / 'keys', '2026-10', 'ES256')
    return tmp_path / 'keys'


@pytest.fixture
def files(tmp_path, keys):
    files = TokenFiles(keys=keys, revocations=tmp_path / 'revoked.json', used=tmp_path / 'used')
    yield files
    files.close()
    files.close()


async def ended(peer):
    code, reason, seen = await peer.ended()
    return code, reason, [message.get('error_code') for message in seen][-1]


async def test_an_added_key_is_accepted_and_a_removed_one_ends_its_sessions(files, keys, serving):
    async with serving(authority=files.authority) as server:
        old = await server.enter()
        make_key(keys, '2026-11', 'EdDSA')
        token = TokenAuthority([load_key(keys / '2026-11.pem')]).issue('bob', 'viewer').access
        await server.until(lambda: accepted(files.authority, token))
        new = await server.connect()
        await new.send('auth', token=token)
        await new.receive('connection.established')
        (keys / '2026-10.pem').unlink()
        assert await ended(old) == (4401, 'Invalid or expired token: revoked', 'WS-001')
        await new.send('ping')
        await new.receive('pong')


def accepted(authority, token):
    try:
        return authority.verify(token)
    except Exception:
        return None


@pytest.mark.parametrize('what', ['subject', 'token', 'family'])
async def test_a_revocation_ends_the_sessions_it_means(files, serving, tmp_path, what):
    async with serving(authority=files.authority) as server:
        ann, bob = await server.enter(), await server.enter(subject='bob')
        claims = next(
            client.session.claims
            for client in server.gateway.clients
            if client.session.subject == 'ann'
        )
        revoke(
            tmp_path / 'revoked.json',
            **{
                'subject': {'subject': 'ann'},
                'token': {'token_id': claims.token_id},
                'family': {'token_id': claims.family},
            }[what],
        )
        assert await ended(ann) == (4401, 'Invalid or expired token: revoked', 'WS-001')
        await bob.send('ping')
        await bob.receive('pong')
        await server.enter()  # with a new token


async def test_wrong_files_change_nothing_and_are_logged_and_audited(
    tmp_path, keys, serving, caplog
):
    audit = AuditWriter(tmp_path / 'audit.jsonl')
    revoked = tmp_path / 'revoked.json'
    files = TokenFiles(keys=keys, revocations=revoked, used=tmp_path / 'used', record=audit.record)
    async with serving(authority=files.authority, audit=audit) as server:
        peer = await server.enter()
        (keys / '2026-10.pem').write_text('x')
        revoked.write_text('x')
        await server.until(lambda: caplog.text.count('the former content stays in force') == 2)
        await peer.send('ping')
        await peer.receive('pong')
        await server.enter()
    files.close()
    log = (tmp_path / 'audit.jsonl').read_text()
    assert '"what":"keys"' in log and '"what":"revocations"' in log
    assert str(keys / '2026-10.pem') in caplog.text and str(revoked) in caplog.text


async def test_a_new_pair_is_sent_after_the_old_token_is_stored_as_used(files, serving, tmp_path):
    async with serving(authority=files.authority) as server:
        pair = files.authority.issue('ann', 'operator')
        peer = await server.enter()
        await peer.send('refresh_token', refresh_token=pair.refresh)
        refreshed = await peer.receive('auth.refreshed')
        assert (tmp_path / 'used').exists()
        again = await server.enter()
        await again.send('auth', token=pair.access, refresh_token=pair.refresh)
        await again.receive('auth.refreshed')  # with the token of the auth
        repeated = await again.receive('auth.refreshed')
        assert repeated['data'] == refreshed['data'], 'its answer may have been lost'
        await peer.send('refresh_token', refresh_token=refreshed['data']['refresh_token'])
        await peer.receive('auth.refreshed')
        await again.send('auth', token=refreshed['data']['token'], refresh_token=pair.refresh)
        assert (await ended(again))[::2] == (4401, 'WS-001')
        # The session of the family that was replayed ends as well.
        assert (await ended(peer))[::2] == (4401, 'WS-001')


async def test_a_disk_that_hangs_blocks_no_client(files, serving, monkeypatch):
    hanging = threading.Event()
    monkeypatch.setattr(
        'oht50_bridge.gateway.auth.refresh_store.replace_file',
        lambda *arguments, **options: hanging.wait(20),
    )
    async with serving(authority=files.authority) as server:
        pair = files.authority.issue('ann', 'operator')
        peer = await server.enter()
        await peer.send('refresh_token', refresh_token=pair.refresh)
        await peer.send('emergency_stop', request_id='r')
        assert (await peer.receive())['type'] == 'command.result'
        await peer.receive('auth.refreshed')
    hanging.set()


def test_wrong_files_at_the_start_trust_nobody_until_they_are_corrected(tmp_path, keys, caplog):
    whole = (keys / '2026-10.pem').read_bytes()
    token = TokenAuthority([load_key(keys / '2026-10.pem')]).issue('ann', 'viewer').access
    (keys / '2026-10.pem').write_text('x')
    (tmp_path / 'revoked.json').mkdir()
    (tmp_path / 'used').write_text('x')
    files = TokenFiles(keys=keys, revocations=tmp_path / 'revoked.json', used=tmp_path / 'used')
    assert '2026-10.pem' in caplog.text
    assert 'no token is accepted' in caplog.text
    assert not accepted(files.authority, token)
    (keys / '2026-10.pem').write_bytes(whole)
    later = TokenAuthority([load_key(keys / '2026-10.pem')]).issue('ann', 'viewer').access
    wait_for(lambda: accepted(files.authority, later), what='the key is read again')
    assert not accepted(files.authority, token), 'it was issued before the revocations were lost'
    files.close()


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_a_secret_that_is_no_file_is_no_key(tmp_path, make, caplog):
    make(tmp_path / 'secret')
    files = TokenFiles(
        keys=tmp_path / 'secret', revocations=tmp_path / 'revoked', used=tmp_path / 'used'
    )
    assert 'no token is accepted' in caplog.text
    files.close()


def test_issuer_and_audience_come_from_the_environment(tmp_path, keys, monkeypatch):
    monkeypatch.setenv('OHT50_TOKEN_ISSUER', 'fleet')
    monkeypatch.setenv('OHT50_TOKEN_AUDIENCE', 'oht50-7')
    files = TokenFiles(keys=keys, revocations=tmp_path / 'revoked', used=tmp_path / 'used')
    key = load_key(keys / '2026-10.pem')
    for issuer, audience, good in (
        ('fleet', 'oht50-7', True),
        ('fleet', 'oht50-8', False),
        ('x', 'oht50-7', False),
        (None, None, False),
    ):
        token = TokenAuthority([key], issuer=issuer, audience=audience).issue('a', 'viewer').access
        assert (accepted(files.authority, token) is not None) is good
    files.close()

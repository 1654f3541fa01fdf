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
"""The list of revocations: written by one process, followed by another."""

import errno
import json
import os
import threading

import pytest
from support import no_descriptor_left

from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.gateway.auth.claims import TokenType
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.revocations import LONGEST
from oht50_bridge.gateway.auth.revocations import RevocationFile
from oht50_bridge.gateway.auth.revocations import load_or_replace
from oht50_bridge.gateway.auth.revocations import load_revocations
from oht50_bridge.gateway.auth.revocations import revoke


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'state' / 'revoked.json'


def test_what_was_revoked_is_kept_for_as_long_as_it_matters(path):
    revoke(path, subject='ann', wall=1000)
    revoke(path, subject='bob', issued_before=5000.0, wall=1000)
    revoke(path, token_id='t1', wall=1000)
    found = load_revocations(path)
    assert found.subjects == {'ann': 1000, 'bob': 5000}
    assert found.tokens == {'t1': 1000 + LONGEST}
    # The newest command holds: it also lifts a ban.
    assert revoke(path, subject='bob', wall=2000).subjects == {'ann': 1000, 'bob': 2000}
    assert revoke(path, token_id='t2', wall=1000 + LONGEST).subjects == {'bob': 2000}
    assert list(load_revocations(path).tokens) == ['t2']


def test_nothing_is_lost_when_many_write_at_once(path):
    threads = [
        threading.Thread(target=revoke, args=(path,), kwargs={'token_id': f't{number}'})
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(load_revocations(path).tokens) == 20


@pytest.mark.parametrize(
    'content',
    [
        '',
        '{',
        '[]',
        '5',
        '{}',
        '{"subjects": {}}',
        '{"subjects": [], "tokens": {}}',
        '{"subjects": {"ann": "2026"}, "tokens": {}}',
        '{"subjects": {"ann": true}, "tokens": {}}',
        '{"subjects": {}, "tokens": {}, "more": {}}',
        '{"subjects": {}, "tokens": {"t": 1e999}}',
        '{"subjects": {}, "tokens": {"t": ' + '9' * 400 + '}}',
        '{"subjects": {}, "tokens": {"t": 1}, "tokens": {}}',
        '{"subjects": {"\\ud800": 1}, "tokens": {}}',
        '[' * 100_000,
    ],
)
def test_what_is_no_list_refuses_the_tokens_of_everybody_issued_until_now(path, content, caplog):
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(TokenFileError, match='token revoke'):
        load_revocations(path)
    assert path.read_text() == content, 'only read'
    file = RevocationFile(path, wall=lambda: 1000.0)
    assert path.with_name('revoked.json.unreadable-1').read_text() == content
    assert str(path) in caplog.text
    assert 'all tokens issued until now are refused' in caplog.text
    for again in (file, RevocationFile(path, wall=lambda: 2000.0)):
        assert again.revocations.cover(claims('ann', 999.0))
        assert not again.revocations.cover(claims('ann', 1001.0))
        assert not again.reload()
    path.unlink()
    assert RevocationFile(path, wall=lambda: 3000.0).revocations.everybody == 3000.0, (
        'as if it could not have been written'
    )


def claims(subject, began_at):
    return Claims(subject, 'viewer', began_at + 60, TokenType.ACCESS, began_at)


def test_revoking_goes_on_from_a_list_that_cannot_be_read(path):
    path.parent.mkdir()
    path.write_text('{')
    assert revoke(path, token_id='t', wall=1000.0).everybody == 1000.0
    assert revoke(path, subject='ann', wall=1001.0).everybody == 1000.0
    later = revoke(path, subject='bob', wall=1000.0 + LONGEST)
    assert later.everybody == 0.0, 'tokens of before have expired'


def test_a_list_others_can_change_is_not_trusted(path, caplog):
    revoke(path, token_id='t')
    path.chmod(0o666)
    assert RevocationFile(path, wall=lambda: 5.0).revocations.everybody == 5.0
    assert 'chmod go-w' in caplog.text


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo, lambda path: path.symlink_to('nowhere')])
def test_what_is_no_file_is_not_waited_for(path, make):
    path.parent.mkdir()
    make(path)
    file = RevocationFile(path, wall=lambda: 5.0)
    assert file.revocations.everybody == 5.0
    revoke(path, subject='ann')
    assert file.reload() == []
    path.unlink()
    make(path)
    (problem,) = file.reload()
    assert str(path) in str(problem)
    assert list(file.revocations.subjects) == ['ann'], 'the former content stays in force'


def test_a_change_is_followed_and_a_wrong_one_is_not(path):
    file = RevocationFile(path)
    assert file.reload() is None
    revoke(path, subject='ann')
    assert file.reload() == []
    assert list(file.revocations.subjects) == ['ann']
    path.write_text('{"subj')
    (problem,) = file.reload()
    assert str(path) in str(problem)
    assert file.reload() is None
    path.unlink()
    assert 'removed' in str(file.reload()[0])
    assert list(file.revocations.subjects) == ['ann']
    path.write_text(json.dumps({'subjects': {}, 'tokens': {}}))
    assert file.reload() == []
    assert file.revocations.subjects == {}


def test_a_changed_list_that_cannot_be_read_for_now_is_read_later(path):
    file = RevocationFile(path)
    revoke(path, subject='ann')
    with no_descriptor_left():
        (problem,) = file.reload()
        assert os.strerror(errno.EMFILE) in str(problem)
        assert file.reload() is None, 'it is reported once'
    assert file.reload() == []
    assert list(file.revocations.subjects) == ['ann']
    assert file.reload() is None


def test_a_list_that_root_writes_belongs_to_the_owner_of_the_directory(path):
    if os.geteuid() != 0:
        pytest.skip('only root can give files away')
    path.parent.mkdir()
    os.chown(path.parent, 65534, 65534)
    revoke(path, subject='ann')
    assert {file.stat().st_uid for file in path.parent.iterdir()} == {65534}


def test_what_is_written_while_the_list_is_read_at_the_start_is_found(path, monkeypatch):
    newer = path.with_name('newer.json')
    revoke(path, subject='bob', wall=100.0)
    revoke(newer, subject='ann', wall=100.0)

    def load(path, now):
        found = load_or_replace(path, now)
        newer.replace(path)
        return found

    monkeypatch.setattr('oht50_bridge.gateway.auth.revocations.load_or_replace', load)
    file = RevocationFile(path)
    assert file.reload() == []
    assert file.revocations.cover(claims('ann', 99.0))

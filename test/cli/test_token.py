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
"""`oht50 token` and where its secret comes from."""

import json
import stat

import jwt
import pytest

from oht50_bridge.cli.main import main


def run(capsys, *arguments):
    code = main(['token', *map(str, arguments)])
    output = capsys.readouterr()
    return code, output.out, output.err


def test_prints_the_token_alone(tmp_path, capsys):
    code, out, err = run(
        capsys, '--role', 'operator', '--subject', 'alice', '--ttl', '5m', '--state-dir', tmp_path
    )
    assert (code, err) == (0, '')
    claims = jwt.decode(out.strip(), (tmp_path / 'jwt_secret').read_bytes(), algorithms=['HS256'])
    assert (claims['sub'], claims['role'], claims['typ']) == ('alice', 'operator', 'access')
    assert claims['exp'] - claims['iat'] == pytest.approx(300)


def test_secret_is_made_once_for_the_owner_alone(tmp_path, capsys):
    state = tmp_path / 'new' / 'state'
    run(capsys, '--role', 'viewer', '--state-dir', state)
    secret = state / 'jwt_secret'
    first = secret.read_bytes()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(first) >= 32
    run(capsys, '--role', 'viewer', '--state-dir', state)
    assert secret.read_bytes() == first


def test_given_secret_is_used_and_never_made(tmp_path, capsys, monkeypatch):
    given = tmp_path / 'given'
    monkeypatch.setenv('OHT50_JWT_SECRET_FILE', str(given))
    code, out, err = run(capsys, '--role', 'viewer', '--state-dir', tmp_path / 'state')
    assert (code, out) == (1, '')
    assert str(given) in err
    given.write_bytes(b'x' * 40)
    given.chmod(0o600)
    code, out, err = run(capsys, '--role', 'viewer', '--state-dir', tmp_path / 'state')
    assert code == 0
    jwt.decode(out.strip(), b'x' * 40, algorithms=['HS256'])
    assert not (tmp_path / 'state').exists()


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['--role', 'boss'], 'viewer, operator, system, admin'),
        (['--role', 'viewer', '--ttl', '31m'], '--ttl'),
        (['--role', 'viewer', '--subject', ''], 'sub: empty'),
        (
            ['--role', 'viewer', '--subject', 'a\x1b'],
            '--subject a\\x1b: sub: contains the control',
        ),
        (['--role', 'viewer', '--subject', 'a' * 300], 'at most 256'),
    ],
)
def test_refusal_names_the_option_and_the_remedy(tmp_path, capsys, arguments, named):
    code, out, err = run(capsys, *arguments, '--state-dir', tmp_path)
    assert (code, out) == (1, '')
    assert named in err


def test_table_of_roles_that_is_wrong_is_named(tmp_path, capsys, monkeypatch):
    (tmp_path / 'roles.yaml').write_bytes(b'roles: {a: {level: boss}}')
    monkeypatch.setenv('OHT50_CONFIG_DIR', str(tmp_path))
    code, out, err = run(capsys, '--role', 'a', '--state-dir', tmp_path)
    assert (code, out) == (1, '')
    assert 'roles.yaml: roles.a.level: boss' in err


@pytest.mark.parametrize('ttl', ['0', '-1m', 'soon', '1d', '\u0661s', '99999h', '9' * 400])
def test_life_that_is_no_time_is_refused(tmp_path, capsys, ttl):
    with pytest.raises(SystemExit) as exit_:
        main(['token', '--role', 'viewer', f'--ttl={ttl}', '--state-dir', str(tmp_path)])
    assert exit_.value.code == 2
    assert '--ttl' in capsys.readouterr().err


def test_secret_that_others_can_read_is_refused(tmp_path, capsys):
    run(capsys, '--role', 'viewer', '--state-dir', tmp_path)
    (tmp_path / 'jwt_secret').chmod(0o640)
    code, out, err = run(capsys, '--role', 'viewer', '--state-dir', tmp_path)
    assert (code, out) == (1, '')
    assert 'chmod 600' in err
    assert (tmp_path / 'jwt_secret').read_text() not in err


def test_the_pair_is_printed_as_json(tmp_path, capsys):
    code, out, _ = run(capsys, '--role', 'operator', '--pair', '--state-dir', tmp_path)
    pair = json.loads(out)
    secret = (tmp_path / 'jwt_secret').read_bytes()
    kinds = [
        jwt.decode(pair[name], secret, algorithms=['HS256'])['typ']
        for name in ('token', 'refresh_token')
    ]
    assert (code, kinds) == (0, ['access', 'refresh'])


@pytest.mark.parametrize(
    ('options', 'origin', 'names'),
    [
        (['--pair', '--link'], 'http://127.0.0.1:8000', ['token', 'refresh']),
        (['--link', 'https://Vehicle.example/'], 'https://vehicle.example', ['token']),
        (['--pair', '--link', 'http://[::1]:80'], 'http://[::1]', ['token', 'refresh']),
    ],
)
def test_a_link_has_the_tokens_where_no_browser_sends_them(
    tmp_path, capsys, options, origin, names
):
    code, out, err = run(capsys, '--role', 'operator', *options, '--state-dir', tmp_path)
    assert (code, err, out.count('\n')) == (0, '', 1)
    address, _, fragment = out.strip().partition('#')
    assert address == f'{origin}/'
    found = dict(pair.split('=') for pair in fragment.split('&'))
    assert list(found) == names
    secret = (tmp_path / 'jwt_secret').read_bytes()
    kinds = {'token': 'access', 'refresh': 'refresh'}
    for name, token in found.items():
        claims = jwt.decode(token, secret, algorithms=['HS256'])
        assert (claims['typ'], claims['role']) == (kinds[name], 'operator')


@pytest.mark.parametrize('url', ['vehicle', 'ws://vehicle', '*', 'null', 'http://x/?a', 'http://'])
def test_a_link_leads_to_a_bridge(tmp_path, capsys, url):
    with pytest.raises(SystemExit) as exit_:
        main(['token', '--role', 'viewer', '--link', url, '--state-dir', str(tmp_path)])
    assert exit_.value.code == 2
    assert f'{url!r} is not the address of a bridge such as' in capsys.readouterr().err


def test_a_token_is_signed_with_the_key_that_is_chosen(tmp_path, capsys, monkeypatch):
    public = {}
    for kid, algorithm in (('2026-10', 'ES256'), ('2026-11', 'EdDSA')):
        code, public[kid], _ = run(
            capsys, 'keygen', kid, '--algorithm', algorithm, '--keys', tmp_path
        )
        assert code == 0
    monkeypatch.setenv('OHT50_KEYS', str(tmp_path))
    for options, kid in (((), '2026-11'), (('--kid', '2026-10'), '2026-10')):
        _, out, _ = run(
            capsys, '--role', 'viewer', '--issuer', 'fleet', '--audience', 'oht50-7', *options
        )
        assert jwt.get_unverified_header(out.strip())['kid'] == kid
        claims = jwt.decode(
            out.strip(),
            public[kid],
            algorithms=['ES256', 'EdDSA'],
            issuer='fleet',
            audience='oht50-7',
        )
        assert claims['role'] == 'viewer'
    code, out, err = run(capsys, '--role', 'viewer', '--kid', 'other')
    assert (code, out) == (1, '')
    assert 'other' in err and 'keygen' in err


def test_a_directory_of_public_keys_signs_nothing(tmp_path, capsys):
    _, public, _ = run(capsys, 'keygen', 'a', '--keys', tmp_path / 'issuer')
    (tmp_path / 'vehicle').mkdir()
    (tmp_path / 'vehicle' / 'a.pem').write_text(public)
    code, out, err = run(capsys, '--role', 'viewer', '--keys', tmp_path / 'vehicle')
    assert (code, out) == (1, '')
    assert 'private key' in err


def test_keygen_overwrites_nothing_and_needs_a_directory(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv('OHT50_KEYS', raising=False)
    assert '--keys is missing' in run(capsys, 'keygen', 'a')[2]
    assert run(capsys, 'keygen', 'a', '--keys', tmp_path)[0] == 0
    code, _, err = run(capsys, 'keygen', 'a', '--keys', tmp_path)
    assert (code, 'exists' in err) == (1, True)


def test_what_is_revoked_is_listed(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv('OHT50_REVOCATIONS_FILE', raising=False)
    for options in (
        ['--subject', 'ann'],
        ['--subject', 'bob', '--until', '2099-01-01T00:00:00Z'],
        ['--token-id', 'abc'],
        ['--subject', '[red]eve', '--for', '8h'],
    ):
        code, out, err = run(capsys, 'revoke', *options, '--state-dir', tmp_path)
        assert (code, out) == (0, '')
        assert str(tmp_path) in err
    # Before the action --state-dir means the same.
    code, out, _ = run(capsys, '--state-dir', tmp_path, 'list-revoked')
    assert code == 0
    for text in ('ann', 'abc', '[red]eve', 'issued before 2099-01-01T00:00:00.000Z'):
        assert text in out
    assert set(json.loads((tmp_path / 'revoked.json').read_text())['subjects']) == {
        'ann',
        'bob',
        '[red]eve',
    }


def test_revoke_refuses_what_makes_no_sense(tmp_path, capsys):
    code, _, err = run(capsys, 'revoke', '--token-id', 'a', '--for', '8h', '--state-dir', tmp_path)
    assert (code, '--for' in err) == (1, True)
    for wrong in (
        [],
        ['--subject', 'a', '--token-id', 'b'],
        ['--subject', 'a', '--until', 'tomorrow'],
    ):
        with pytest.raises(SystemExit):
            main(['token', 'revoke', *wrong])
    assert list(tmp_path.iterdir()) == []


def test_without_role_or_action_the_role_is_asked_for(capsys):
    code, _, err = run(capsys)
    assert (code, '--role' in err) == (1, True)


def test_a_revocation_that_cannot_be_said_is_one(tmp_path, capsys, no_stderr):
    arguments = ['token', '--state-dir', str(tmp_path)]
    with no_stderr():
        assert main([*arguments, 'revoke', '--subject', 'ann']) == 0
    assert main([*arguments, 'list-revoked']) == 0
    assert 'ann' in capsys.readouterr().out

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
        capsys, '--role', 'operator', '--subject', 'alice', '--ttl', '5m', '--state-dir', tmp_path)
    assert (code, err) == (0, '')
    claims = jwt.decode(
        out.strip(), (tmp_path / 'jwt_secret').read_bytes(), algorithms=['HS256'])
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


@pytest.mark.parametrize(('arguments', 'named'), [
    (['--role', 'boss'], 'viewer, operator, system, admin'),
    (['--role', 'viewer', '--ttl', '31m'], '--ttl'),
])
def test_refusal_names_the_option_and_the_remedy(tmp_path, capsys, arguments, named):
    code, out, err = run(capsys, *arguments, '--state-dir', tmp_path)
    assert (code, out) == (1, '')
    assert named in err


@pytest.mark.parametrize('ttl', ['0', '-1m', 'soon', '1d'])
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

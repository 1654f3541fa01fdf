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
"""Keys, revocation, refreshing and the audit log of a vehicle that runs."""

import contextlib
import json
import os
import signal
import subprocess

import pytest
from support import OHT50
from support import Connection
from support import Vehicle
from support import free_port
from support import own_domain
from support import wait_for
from websockets.exceptions import ConnectionClosed


def oht50(*arguments):
    done = subprocess.run([*OHT50, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def setting(tmp_path_factory):
    """A vehicle that knows public keys alone, and the directory of who issues tokens for it."""
    directory = tmp_path_factory.mktemp('vehicle')
    issuer, keys = directory / 'issuer', directory / 'keys'
    keys.mkdir()
    (keys / 'a.pem').write_text(oht50('token', 'keygen', 'a', '--keys', issuer))
    # A secret of the vehicle's own, with which it signs the pairs of refreshing.
    oht50('token', 'keygen', 'own', '--algorithm', 'HS256', '--keys', keys)
    params = directory / 'params.yaml'
    params.write_text(
        json.dumps(
            {
                '/**/bridge_node': {
                    'ros__parameters': {
                        'keys': str(keys),
                        'token_issuer': 'fleet',
                        'token_audience': 'oht50-7',
                    }
                }
            }
        )
    )
    with own_domain() as domain:
        vehicle = Vehicle(directory, domain, '--params', str(params))
        vehicle.issuer, vehicle.keys = issuer, keys
        try:
            yield vehicle.wait_until_up()
        finally:
            assert vehicle.stop() == 0
    assert 'Traceback' not in vehicle.log.read_text()


def test_options_of_up_reach_the_bridge_and_wrong_keys_end_the_start(tmp_path):
    keys, state = tmp_path / 'keys', tmp_path / 'state'
    keys.mkdir()
    with own_domain() as domain:
        done = subprocess.run(
            [
                *OHT50,
                'up',
                '--sim',
                '--keys',
                str(keys),
                '--domain',
                str(domain),
                '--port',
                str(free_port()),
                '--state-dir',
                str(state),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, str(keys) in done.stderr) == (1, True)
    assert 'keygen' in done.stderr and 'Traceback' not in done.stderr
    assert not (state / 'jwt_secret').exists()


def issue(vehicle, *options, subject='ann', kid='a'):
    out = oht50(
        'token',
        '--role',
        'operator',
        '--subject',
        subject,
        '--pair',
        '--keys',
        vehicle.issuer,
        '--kid',
        kid,
        '--issuer',
        'fleet',
        '--audience',
        'oht50-7',
        *options,
    )
    return json.loads(out)


def refused(vehicle, token):
    with Connection(vehicle.url, None) as connection:
        connection.send('auth', token=token)
        return ended(connection)


def ended(connection):
    with contextlib.suppress(ConnectionClosed):
        while True:
            connection.receive()
    assert connection.received[-1]['error_code'] == 'WS-001'
    return connection._socket.protocol.close_code


def records(vehicle, what):
    out = oht50(
        'audit',
        'show',
        '--json',
        '--what',
        what,
        '--state-dir',
        vehicle.state_dir,
        '--domain',
        vehicle.domain,
    )
    return [json.loads(line) for line in out.splitlines()]


def test_a_used_refresh_token_stays_used_when_the_bridge_is_killed(setting):
    pair = issue(setting)
    with setting.client(token=pair['token']) as client:
        client.send('refresh_token', refresh_token=pair['refresh_token'])
        fresh = client.wait('auth.refreshed')['data']
    with setting.client(token=pair['token']) as client:
        # The answer may have been lost; the next client asks once more.
        client.send('refresh_token', refresh_token=pair['refresh_token'])
        assert client.wait('auth.refreshed')['data'] == fresh
        assert len(records(setting, 'auth.repeated')) == 1
        before = setting.node_pid('bridge_node')
        os.kill(before, signal.SIGKILL)
    setting.wait_for_new('bridge_node', before)
    wait_for(lambda: listens(setting), what='the bridge listens')
    with setting.client(token=fresh['token']) as client:
        client.send('refresh_token', refresh_token=pair['refresh_token'])
        assert ended(client) == 4401
    assert refused(setting, fresh['token']) == 4401


def listens(vehicle):
    try:
        with vehicle.client(token=issue(vehicle, subject='probe')['token']):
            return True
    except OSError:
        return False


def test_the_audit_log_of_all_this_is_whole_and_holds_no_token(setting):
    token = issue(setting)['token']
    with setting.client(token=token) as client:
        client.call('emergency_stop', reason='drill')
    stop = wait_for(
        lambda: [
            record
            for record in records(setting, 'command')
            if record['command']['type'] == 'emergency_stop'
        ]
    )[-1]
    assert (stop['subject'], stop['command']['reason']) == ('ann', 'drill')
    out = oht50('audit', 'verify', '--state-dir', setting.state_dir, '--domain', setting.domain)
    assert 'intact' in out
    for part in token.split('.'):
        assert part not in (setting.vehicle_dir / 'audit.jsonl').read_text()

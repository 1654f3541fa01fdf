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
"""A whole vehicle with TLS under floods, and what is refused without.

test_environment.py has one that listens beyond its machine in the clear.
"""

import json
import os
import ssl
import subprocess
import sys
import time

from gateway.certificates import Authority
from gateway.certificates import install
from gateway.certificates import pem
from support import OHT50
from support import ROOT
from support import Up
from support import module_command
from support import own_domain
from websockets.sync.client import connect

FLOODS = (
    'half_open',
    'slowloris',
    'handshakes',
    'bad_tokens',
    'commands_before_auth',
    'tiny_frames',
)


def up(tmp_path, *arguments):
    """Run `oht50 up` that must refuse; what it says."""
    result = subprocess.run(
        [*OHT50, 'up', '--sim', '--state-dir', str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert result.returncode == 1
    return result.stderr


def test_it_does_not_listen_beyond_this_machine_in_the_clear(tmp_path):
    said = up(tmp_path, '--host', '0.0.0.0')
    assert '--tls-cert' in said and '--insecure' in said and '0.0.0.0' in said
    assert not list(tmp_path.iterdir())


def test_a_certificate_that_cannot_be_used_is_named(tmp_path):
    files, _ = install(tmp_path, Authority('issuer'))
    assert '--tls-key' in up(tmp_path, '--tls-cert', str(files.certificate))
    files.key.chmod(0o644)
    said = up(tmp_path, '--tls-cert', str(files.certificate), '--tls-key', str(files.key))
    assert str(files.key) in said and 'chmod' in said


def test_the_bridge_refuses_by_itself(tmp_path):
    """As by a launch file, where no `oht50 up` looks first."""
    with own_domain() as domain:
        result = subprocess.run(
            [
                *module_command('oht50_bridge.nodes'),
                'bridge_node',
                '--ros-args',
                '-p',
                'host:=0.0.0.0',
                '-p',
                'port:=0',
                '-p',
                f'state_dir:={tmp_path}',
            ],
            capture_output=True,
            text=True,
            timeout=60,
            env={
                **os.environ,
                'ROS_DOMAIN_ID': str(domain),
                'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            },
        )
    assert result.returncode == os.EX_CONFIG
    assert 'tls_certificate' in result.stderr and 'insecure' in result.stderr
    assert 'Traceback' not in result.stderr


def test_an_operator_stops_an_encrypted_vehicle_under_floods(tmp_path):
    issuer = Authority('issuer')
    files, _ = install(tmp_path, issuer)
    trust = ssl.create_default_context(cadata=pem(issuer.certificate).decode())
    with own_domain() as domain:
        vehicle = Up(
            tmp_path, domain, '--tls-cert', str(files.certificate), '--tls-key', str(files.key)
        )
        try:
            vehicle.wait_until_up()
            url = f'wss://localhost:{vehicle.port}/ws/telemetry'
            assert 'wss://' in vehicle.log.read_text()
            with connect(url, ssl=trust, proxy=None) as websocket:
                websocket.send(json.dumps({'type': 'auth', 'token': vehicle.token('operator')}))
                assert json.loads(websocket.recv(10))['type'] == 'connection.established'
                floods = [
                    subprocess.Popen(
                        [
                            sys.executable,
                            str(ROOT / 'bench' / 'flood.py'),
                            '--attack',
                            name,
                            '--port',
                            str(vehicle.port),
                            '--tls',
                        ]
                    )
                    for name in FLOODS
                ]
                try:
                    taken = []
                    for number in range(10):
                        begin = time.monotonic()
                        websocket.send(
                            json.dumps({'type': 'emergency_stop', 'request_id': str(number)})
                        )
                        answer = json.loads(websocket.recv(10))
                        while answer.get('request_id') != str(number):
                            answer = json.loads(websocket.recv(10))
                        taken.append(time.monotonic() - begin)
                        assert answer['data']['accepted']
                        time.sleep(0.3)  # floods go up and down
                finally:
                    for process in floods:
                        process.terminate()
                    for process in floods:
                        process.wait()
        finally:
            assert vehicle.stop() == 0
    print('stops, ms:', [round(1000 * each, 1) for each in taken])
    assert sorted(taken)[5] < 1.0  # figures: bench/flood.py
    log = vehicle.log.read_text()
    assert 'Traceback' not in log and 'defect' not in log

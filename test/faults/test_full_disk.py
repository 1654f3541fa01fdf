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
"""A disk without room keeps nobody from stopping the vehicle."""

import json
import re
import subprocess
import urllib.request

from support import OHT50
from support import Vehicle
from support import filesystem
from support import fill
from support import own_domain
from support import place
from support import wait_for


def lost(vehicle):
    url = f'http://127.0.0.1:{vehicle.port}/metrics'
    with urllib.request.urlopen(url, timeout=10) as page:
        return float(
            re.search(
                r'^oht50_gateway_audit_lost_total (\S+)', page.read().decode(), re.MULTILINE
            )[1]
        )


def test_an_emergency_stop_on_a_full_disk(tmp_path):
    with filesystem(tmp_path / 'disk', '2m') as disk, own_domain() as domain:
        vehicle = Vehicle(disk, domain)
        try:
            vehicle.wait_until_up()
            token = vehicle.token('admin')
            pair = json.loads(
                subprocess.run(
                    [
                        *OHT50,
                        'token',
                        '--role',
                        'admin',
                        '--pair',
                        '--state-dir',
                        vehicle.state_dir,
                    ],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            with (
                vehicle.client(token=token, subscribe=['*']) as client,
                vehicle.simulator() as simulator,
            ):
                place(vehicle, simulator, 20.0)
                client.wait('system.status', 20.0, lambda event: event['data']['state'] == 'ready')
                filler = fill(disk)
                commander = vehicle.spawn('commander', '0.3')
                try:
                    wait_for(lambda: simulator.truth()['velocity'] > 0.28, what='it moves')
                    client.send('emergency_stop', reason='drill', request_id='r')
                    client.wait('safety.estop')
                    wait_for(lambda: simulator.truth()['velocity'] == 0, what='it stands')
                finally:
                    commander.kill()
                    commander.wait()

                def visited():  # the log's last page has room for some records yet
                    with vehicle.client(token=token):
                        return lost(vehicle) > 0

                wait_for(visited, what='the loss is counted')
                # Who comes now gets in, and a session goes on.
                with vehicle.client(token=token) as other:
                    other.send('refresh_token', refresh_token=pair['refresh_token'])
                    other.wait('auth.refreshed')
                filler.unlink()
                client.send('ping')
                client.wait('pong')
                client.call('list_modules')
                log = vehicle.vehicle_dir / 'audit.jsonl'
                wait_for(lambda: 'audit.lost' in log.read_text(), what='the loss is recorded')
            assert 'records are lost until it can' in vehicle.log.read_text()
            assert subprocess.run([*OHT50, 'audit', 'verify', log]).returncode == 0
        finally:
            assert vehicle.stop() == 0
        assert 'Traceback' not in vehicle.log.read_text()

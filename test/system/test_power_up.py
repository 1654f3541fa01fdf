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
"""Vehicle and boards are switched on together: the safety board answers after 10.3 s."""

import time

from simulator_process import SimulatorProcess
from support import Up as Vehicle
from support import own_domain
from support import wait_for

LINES = ('drive', 'sense', 'safety')


def test_a_common_power_up_raises_no_alarm_and_nothing_moves_before_the_safety_board(tmp_path):
    with SimulatorProcess() as simulator, own_domain() as domain:
        devices = ''.join(f'      {line}: {{device: {simulator.port(line)}}}\n' for line in LINES)
        params = tmp_path / 'ports.yaml'
        params.write_text(f'/**/hardware_node:\n  ros__parameters:\n    line:\n{devices}')
        client = simulator.client
        client.reboot('safety')
        switched_on = time.monotonic()
        vehicle = Vehicle(tmp_path, domain, '--params', str(params), boards=())
        try:
            vehicle.wait_until_up()
            with vehicle.client('operator', ['system.*', 'safety.*']) as operator:
                commander = vehicle.spawn('commander', '0.3')
                try:
                    client.watch('travel_motor', 'enable', 'command_speed')
                    operator.wait(
                        'system.status', 20.0, lambda event: event['data']['status'] == 'moving'
                    )
                    wait_for(lambda: client.truth()['velocity'] > 0.28, what='the vehicle moves')
                finally:
                    commander.kill()
                    commander.wait()
                first = min(t for t, _, _, words in client.log() if words != [0])
                assert first - switched_on > 10.2
            received = operator.received
            assert not [event for event in received if event['type'] == 'safety.estop']
            statuses = [e['data']['status'] for e in received if e['type'] == 'system.status']
            assert set(statuses) <= {'idle', 'moving'}
            errors = [e['data'] for e in received if e['type'] == 'system.error']
            assert not [error for error in errors if 'safety' in str(error)]
        finally:
            assert vehicle.stop() == 0

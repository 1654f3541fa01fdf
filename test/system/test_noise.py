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
"""Noise on the safety board's line makes the board deaf; it does not stop a vehicle."""

import contextlib
import time

from support import Up as Vehicle
from support import own_domain
from support import wait_for

NOISES = 5


def test_noise_on_the_line_of_the_safety_board_does_not_stop_the_vehicle(tmp_path):
    with own_domain() as domain:
        vehicle = Vehicle(tmp_path, domain).wait_until_up()
        try:
            with (
                vehicle.client('operator', ['system.*', 'safety.*', 'module.*']) as operator,
                vehicle.simulator() as simulator,
            ):
                commander = vehicle.spawn('commander', '0.3')
                try:
                    wait_for(lambda: simulator.truth()['velocity'] > 0.28, what='motion')
                    simulator.watch('travel_motor', 'enable', 'command_speed')
                    for _ in range(NOISES):
                        simulator.noise('safety', b'\xff')
                        time.sleep(0.7)  # of all effects of the noise, the loss is the latest
                    assert simulator.truth()['velocity'] > 0.28
                    assert not [words for *_, words in simulator.log() if words == [0]]
                finally:
                    commander.kill()
                    commander.wait()
                with contextlib.suppress(TimeoutError):
                    while True:  # what is on its way
                        operator.receive(0.5)
                events = {message['type'] for message in operator.received}
                assert not events & {'safety.estop', 'module.status_change'}, events
        finally:
            assert vehicle.stop() == 0

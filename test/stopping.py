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
"""An emergency stop of a vehicle at full speed, as the simulated boards and the carrier saw it."""

import contextlib
import time
from dataclasses import dataclass

from support import wait_for

BOARD, SPEED = 'travel_motor', 'command_speed'
FULL_SPEED = 1.0  # m/s, of the simulated motor
DECELERATION = 2.0  # m/s^2, the most that the simulated brake takes
SAMPLING = 0.01  # s
RETURN_AT = 25.0  # m, half of the rail
SEEN = 0.2  # s, after which the vehicle has seen that it is elsewhere
PARAMETERS = f"""
/**/safety_node:
  ros__parameters: {{speed_limit: {FULL_SPEED}, zone_names: [""]}}
"""


@dataclass(frozen=True)
class Stop:
    """How one emergency stop went; times in s from the command.

    Attributes:
        zero: to the first 0 in the motor board's speed register.
        zero_for_good: to the 0 that stays; the board may overwrite a write.
        event: to the event at the client.
        distance: m, from the first 0 to standstill.
        deceleration: m/s^2, the greatest of the carrier.

    """

    zero: float
    zero_for_good: float
    event: float
    distance: float
    deceleration: float


@contextlib.contextmanager
def driven(vehicle):
    """Have the vehicle driven at full speed whenever it may move."""
    commander = vehicle.spawn('commander', str(FULL_SPEED))
    try:
        yield
    finally:
        commander.kill()
        commander.wait()


def stop(client, simulator):
    """Stop a driven vehicle once it has its full speed; return how that went.

    Args:
        client: an operator's connection that is subscribed to safety.estop.
        simulator: the connection to the simulated boards.

    """
    wait_for(lambda: simulator.truth()['velocity'] > 0.97 * FULL_SPEED, what='full speed')
    simulator.watch(BOARD, SPEED)
    before = simulator.truth()
    sent = time.monotonic()
    client.send('emergency_stop', reason='drill')
    event = client.wait('safety.estop')['at']
    samples = []

    def stands():
        samples.append(simulator.truth())
        return samples[-1]['velocity'] == 0.0

    wait_for(stands, what='the vehicle stands', pause=SAMPLING)
    changes = [(at, words[0]) for at, _, _, words in simulator.log()]
    zeros = [at for at, speed in changes if speed == 0]
    assert changes[-1][1] == 0, changes
    if samples[-1]['position'] > RETURN_AT:
        # While the stop is latched: its clear references the position again.
        simulator.set(position=5.0)
        time.sleep(SEEN)
    braked_at = before['position'] + before['velocity'] * (zeros[0] - before['time_monotonic'])
    return Stop(
        zero=zeros[0] - sent,
        zero_for_good=zeros[-1] - sent,
        event=event - sent,
        distance=samples[-1]['position'] - braked_at,
        deceleration=max(-sample['acceleration'] for sample in samples),
    )

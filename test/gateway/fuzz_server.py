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
"""A gateway as a process of its own: prints its port, publishes, ends on SIGTERM with a report.

python fuzz_server.py
"""

import asyncio
import gc
import json
import signal
import sys

from gateway.serving import Serving
from gateway.serving import make_event

from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.gateway.commands import CommandOutcome

PERIOD = 0.02


async def handle(command, caller):
    """Repeat what was ordered, so that what is hostile in it comes back."""
    if command.type == 'cancel_mission':
        raise CommandFailedError(f'{command.mission_id} is not under way')
    return CommandOutcome(True, 'done', {'order': command.model_dump(mode='json')})


async def main():
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    async with Serving(
        handler=handle,
        max_deliveries=0,
        commands_per_second=1e9,
        command_burst=10**9,
        address_handshakes=0,
        address_commands=0,
        failure_delay=0,
        rates={'safety.zone_entered': 0},
        history=100,
    ) as server:
        print(
            json.dumps({'port': server.gateway.port, 'token': server.token('admin')}), flush=True
        )
        number = 0
        while not ending.is_set():
            number += 1
            server.gateway.publish(make_event('safety.zone_entered', zone_id=str(number)))
            server.gateway.publish(make_event('telemetry.realtime'))
            if number % 50 == 0:
                gc.collect()  # what is left is held by somebody
            await asyncio.sleep(PERIOD)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    print(json.dumps({'tasks': [repr(task) for task in left]}), flush=True)


if __name__ == '__main__':
    sys.exit(asyncio.run(main()))

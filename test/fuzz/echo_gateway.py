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
"""A gateway as a process of its own, which publishes the texts that `update_config` brings.

python echo_gateway.py
"""

import asyncio
import json
import signal

from gateway.serving import Serving
from gateway.serving import make_event

from oht50_bridge.gateway.commands import CommandOutcome


async def main():
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)

    async def handle(command, caller):
        text = command.changes['text']
        server.gateway.publish(make_event('safety.estop', estop_id=text))
        server.gateway.publish(make_event('system.error', description=text))
        if 0 < len(text) <= 128:
            server.gateway.publish(make_event('mission.started', mission_id=text))
        return CommandOutcome(True, text, {'text': text})

    # Without the limits, behind which the events of a fuzz would wait.
    rates = dict.fromkeys(('safety.estop', 'system.error', 'mission.started'), 0)
    async with Serving(
        handler=handle, max_deliveries=0, commands_per_second=1e9, rates=rates
    ) as server:
        tokens = {role: server.token(role) for role in ('admin', 'viewer')}
        print(json.dumps({'port': server.gateway.port, **tokens}), flush=True)
        await ending.wait()


if __name__ == '__main__':
    asyncio.run(main())

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
"""A drill that is recorded, and the comparison of a replay with what its client had then."""

import time
from datetime import datetime

from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.rates import Slot

# Periods for which a value waits at most until a newer one replaces it: the one before it came
# early and the slot did not move.
WAITS = 1.0 + Slot.EARLY + Slot.LATE

# Below the limits of the wire: every event of then reached its client, and so does every one now.
SLOW = """
/**/telemetry_node: {ros__parameters: {rate: 2.0}}
/**/system_node: {ros__parameters: {rate: 0.5}}
"""


def drill(client):
    """Stop and clear, with telemetry before and after."""
    client.send('emergency_stop', reason='drill')
    client.wait('safety.estop')
    client.wait('telemetry.status')
    client.clear_estop()
    for _ in range(5):
        client.wait('telemetry.realtime')


def log_of(client):
    """Return (type, timestamp, data) of the events that came after the subscription."""
    kinds = [message['type'] for message in client.received]
    after = client.received[kinds.index('subscription.confirmed') + 1 :]
    return [(e['type'], e['timestamp'], e['data']) for e in after if e['type'] in EVENTS]


def assert_replayed(live, client, timeout=60.0):
    """Receive until the log of a drill is there again, from its emergency stop on.

    What came before may have been older than the recording.
    """
    live = live[[kind for kind, _, _ in live].index('safety.estop') :]
    assert {'safety.clear', 'telemetry.realtime', 'telemetry.status'} <= {e[0] for e in live}
    end = time.monotonic() + timeout
    while (missing := missed(live, log_of(client))) and time.monotonic() < end:
        try:
            client.receive(0.5)
        except TimeoutError:
            continue
    assert missing == []
    # And in their order, nothing between them. States have their own way to a client.
    start, stop = live[0][1], live[-1][1]
    assert [e for e in live if not EVENTS[e[0]].is_state] == [
        e for e in log_of(client) if not EVENTS[e[0]].is_state and start <= e[1] <= stop
    ]


def missed(live, replayed):
    """Return what a replay lacks: where a value of a state may wait, a newer one does."""
    return [
        (kind, at)
        for kind, at, data in live
        if (kind, at, data) not in replayed
        and not (
            EVENTS[kind].is_state
            and any(
                other == kind and 0.0 < seconds(at, later) < WAITS / EVENTS[kind].rate
                for other, later, _ in replayed
            )
        )
    ]


def seconds(start, end):
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()

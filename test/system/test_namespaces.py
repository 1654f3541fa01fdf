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
"""Two vehicles on one machine, in one domain, each in a namespace of its own."""

import contextlib
import subprocess
import time

import pytest
from support import Vehicle
from support import own_domain
from support import place

QUIET = 3.0  # s, in which nothing of the other vehicle may arrive


@pytest.fixture(scope='module')
def vehicles(tmp_path_factory):
    with own_domain() as domain:
        started = []
        for name in ('hoist_a', 'hoist_b'):
            started.append(
                Vehicle(tmp_path_factory.mktemp(name), domain, '--namespace', f'/{name}')
            )
        try:
            yield [vehicle.wait_until_up() for vehicle in started]
        finally:
            codes = [vehicle.stop() for vehicle in started]
        assert codes == [0, 0]
        for vehicle in started:
            assert 'Traceback' not in vehicle.log.read_text()


def test_no_event_of_one_reaches_the_clients_of_the_other(vehicles):
    first, second = vehicles
    with first.simulator() as simulator:
        place(first, simulator, 7.0)
    with second.simulator() as simulator:
        place(second, simulator, 9.0)
    with first.client('admin', ['*']) as one, second.client('admin', ['*']) as other:
        for client, position in ((one, 7000.0), (other, 9000.0)):
            client.wait('system.status', 30.0, lambda e: e['data']['state'] == 'ready')
            client.wait(
                'telemetry.realtime', where=lambda e, at=position: e['data']['position']['x'] == at
            )
        other.received.clear()
        one.send('emergency_stop', reason='drill')
        stop = one.wait('safety.estop')
        assert stop['data']['position']['x'] == 7000.0
        one.wait('system.status', where=lambda e: e['data']['status'] == 'estop')
        end = time.monotonic() + QUIET
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                other.receive(left)
        assert {'telemetry.realtime', 'system.status'} <= {m['type'] for m in other.received}
        for message in other.received:
            if message['type'] == 'safety.state':  # it tells its own news
                assert not message['data']['latched']
            else:
                assert not message['type'].startswith('safety.')
            if message['type'] == 'telemetry.realtime':
                assert message['data']['position']['x'] == 9000.0
            if message['type'] == 'system.status':
                assert message['data']['status'] == 'idle'
        one.clear_estop()


def test_their_frames_are_apart(vehicles):
    """Not on /tf, where each would move the other's base_link."""
    first, _ = vehicles
    frames = [
        f'/{name}/{topic}' for name in ('hoist_a', 'hoist_b') for topic in ('tf', 'tf_static')
    ]
    lister = first.spawn('topic_lister', *frames, stdout=subprocess.PIPE, text=True)
    topics = lister.communicate(timeout=100)[0].split()
    assert lister.returncode == 0
    assert {*frames} <= {*topics}
    assert not {'/tf', '/tf_static'} & {*topics}

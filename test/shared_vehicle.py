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
"""A simulated vehicle for the tests of a file, started once for each file of them.

It has the PARAMETERS of that file, if there are any.
"""

import pytest
from support import place
from support import running
from support import wait_for


@pytest.fixture(scope='module')
def shared_vehicle(tmp_path_factory, request):
    parameters = getattr(request.module, 'PARAMETERS', '')
    with running(tmp_path_factory.mktemp('vehicle'), parameters) as vehicle:
        yield vehicle


@pytest.fixture
def vehicle(shared_vehicle):
    """Give a vehicle that stands, with every board well and no stop latched.

    A board that was away in the test before took the position with it, which is a stop.
    What a node that was killed in the test before left behind is over: its loss may be a stop.
    """
    wait_for(
        lambda: all(map(shared_vehicle.has_settled, ('hardware_node', 'safety_node'))),
        what='the nodes run',
        pause=0.1,
    )
    with shared_vehicle.client('admin', ['system.status']) as client:

        def ready():
            client.attempt('clear_estop')
            return client.wait('system.status')['data']['state'] == 'ready'

        try:
            wait_for(ready, 20.0, what='the vehicle is ready')
        except AssertionError as error:
            raise AssertionError(shared_vehicle.log.read_text()[-4000:]) from error
    said = shared_vehicle.log.stat().st_size
    yield shared_vehicle
    # Shown where the test failed: what the vehicle has to say to that.
    print(shared_vehicle.log.read_bytes()[said:].decode(errors='replace'))


@pytest.fixture
def simulator(vehicle):
    """Give a connection to the boards, with the vehicle amid its rail."""
    with vehicle.simulator() as simulator:
        if abs(simulator.truth()['position'] - 20.0) > 3.0:
            place(vehicle, simulator, 20.0)
        yield simulator


@pytest.fixture
def drive(vehicle):
    """Start nodes that command a velocity, m/s; none survives the test."""
    started = []

    def start(velocity):
        started.append(vehicle.spawn('commander', str(velocity)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def moving(vehicle, drive, simulator):
    """A vehicle that moves at 0.3 m/s; gives the commanding process."""
    commander = drive(0.3)
    try:
        wait_for(lambda: simulator.truth()['velocity'] > 0.28, what='the vehicle moves')
    except AssertionError as error:
        raise AssertionError(vehicle.log.read_text()[-4000:]) from error
    return commander

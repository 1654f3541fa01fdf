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
"""The configuration of a running vehicle: changed, refused, and killed amid a change."""

import json
import os
import signal

import pytest
from support import Vehicle
from support import own_domain
from support import wait_for

from oht50_bridge.vehicle.config_store import ConfigStore

PARAMETERS = """
/**/config_node:
  ros__parameters:
    table_version: "1.0"
    items: [telemetry_rate, speed, names, speed_limit, safety_zones, safety_zone_types,
            safety_zone_actions, safety_zone_starts, safety_zone_ends, safety_zone_limits]
    item:
      speed: {node: configured_node, type: double, unit: m/s, minimum: 0.0, maximum: 2.0}
      names: {node: configured_node, type: string_array}
"""

# Every Python process of the vehicle runs this first. It ends config_node by kill -9 before the
# N-th of the store's calls that change the disk, when the file named by KILL_AT says N.
SITECUSTOMIZE = """
import os, pathlib, signal, sys

control = pathlib.Path(os.environ['KILL_AT'])
calls = 0

def in_config_node():
    # Asked at each call: a node may have been forked from a process that ran this.
    return b'config_node' in pathlib.Path('/proc/self/cmdline').read_bytes()

def watched(original):
    def call(*arguments):
        global calls
        callers = [sys._getframe(depth).f_code.co_filename for depth in (1, 2)]
        ours = any(caller.endswith('atomic_file.py') for caller in callers)
        if ours and control.exists() and in_config_node():
            calls += 1
            if calls == int(control.read_text()):
                control.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)
    return call

for name in ('write', 'fsync', 'replace'):
    setattr(os, name, watched(getattr(os, name)))
"""


class Configured:
    """The node of this test whose parameters are configured."""

    def __init__(self, vehicle, path):
        self._vehicle = vehicle
        self._path = path
        self.process = None

    def start(self):
        """Start it if it does not run."""
        if self.process is not None and self.process.poll() is None:
            return
        self._path.unlink(missing_ok=True)
        self.process = self._vehicle.spawn('configured', str(self._path))

    def end(self):
        self.process.kill()
        self.process.wait()

    @property
    def has(self):
        """What it has now."""
        return json.loads(self._path.read_text()) if self._path.exists() else None


class Admin:
    """A client that changes the configuration."""

    def __init__(self, connection, directory):
        self.connection = connection
        self._directory = directory

    def send(self, command, **fields):
        self.connection.send(command, request_id='r', **fields)

    def result(self):
        return self.connection.wait('command.result')['data']

    def call(self, command, **fields):
        return self.connection.call(command, **fields)

    def update(self, **changes):
        return self.call('update_config', changes=changes)

    def get(self):
        result = self.call('get_config')
        return result['config'] if result['accepted'] else {}

    def version(self):
        return self.call('get_config')['version']

    def next_version(self):
        """Return the version of the next change; those that failed have theirs too."""
        patches = [int(path.stem.split('.')[2]) for path in self._directory.glob('*.json')]
        return f'1.0.{max(patches, default=0) + 1}'

    def event(self, kind, version):
        """Return the data of the event of a version, received already or still to come."""
        key = 'from_version' if kind == 'config.rollback' else 'version'

        def is_it(message):
            return message['type'] == kind and message['data'][key] == version

        for message in self.connection.received:
            if is_it(message):
                return message['data']
        return self.connection.wait(kind, 20.0, is_it)['data']

    def rate(self):
        """Return the rate that telemetry has now."""
        return self.connection.wait('telemetry.status')['data']['rate']

    def wait_for_rate(self, rate):
        self.connection.wait('telemetry.status', 20.0, lambda e: e['data']['rate'] == rate)


@pytest.fixture(scope='module')
def configured_vehicle(tmp_path_factory):
    directory = tmp_path_factory.mktemp('config')
    (directory / 'params.yaml').write_text(PARAMETERS)
    (directory / 'site').mkdir()
    (directory / 'site' / 'sitecustomize.py').write_text(SITECUSTOMIZE)
    path = os.pathsep.join(
        filter(None, [str(directory / 'site'), os.environ.get('PYTHONPATH', '')])
    )
    with own_domain() as domain, pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', path)
        patch.setenv('KILL_AT', str(directory / 'kill_at'))
        store = ConfigStore(directory / 'state' / f'domain-{domain}' / 'config', '1.0')
        store.confirm(
            store.begin(
                {'telemetry_rate': 4.0, 'speed': 99.0, 'warp': 9.0},
                {'telemetry_rate': 10.0, 'speed': 0.5, 'warp': 0.0},
                ['telemetry_node', 'configured_node'],
                'alice',
            )
        )
        vehicle = Vehicle(directory, domain, '--params', str(directory / 'params.yaml'))
        try:
            yield vehicle.wait_until_up()
        finally:
            code = vehicle.stop()
        print(vehicle.log.read_text())
        assert code == 0
        assert 'Traceback' not in vehicle.log.read_text()


@pytest.fixture(scope='module')
def configured(configured_vehicle):
    node = Configured(configured_vehicle, configured_vehicle.directory / 'has.json')
    node.start()
    yield node
    node.end()


@pytest.fixture
def admin(configured_vehicle, configured):
    """An admin of a vehicle that knows the parameters of its nodes; known values are in force."""
    with configured_vehicle.client('admin', ['config.*', 'telemetry.status']) as connection:
        admin = Admin(connection, configured_vehicle.vehicle_dir / 'config')
        configured.start()
        known = {'telemetry_rate': 10.0, 'speed': 0.5, 'names': ['a']}
        wait_for(
            lambda: admin.update(**known)['accepted'], what='known values are in force', pause=0.2
        )
        wait_for(
            lambda: configured.has == {'speed': 0.5, 'names': ['a']}, what='the node has them'
        )
        admin.wait_for_rate(10.0)
        connection.received.clear()
        yield admin


def test_vehicle_starts_with_what_is_stored_but_not_with_what_may_not_be_any_more(
    configured_vehicle, configured
):
    with configured_vehicle.client('admin', ['telemetry.status']) as connection:
        admin = Admin(connection, configured_vehicle.vehicle_dir / 'config')
        admin.wait_for_rate(4.0)
        config = wait_for(
            lambda: (config := admin.get())['speed'] is not None and config,
            what='configured_node reported its speed',
            pause=0.2,
        )
        assert admin.version() == '1.0.1'
    assert (config['telemetry_rate'], config['speed']) == (4.0, 0.5)
    assert 'warp' not in config
    assert configured.has['speed'] == 0.5
    log = configured_vehicle.log.read_text()
    assert 'not applied: speed 99: must be within 0 and 2 m/s' in log
    assert 'not applied: warp: cannot be configured' in log


def test_change_is_in_force_stored_and_reported(configured_vehicle, configured, admin):
    version = admin.next_version()
    result = admin.update(telemetry_rate=5, speed=0.25, names=['b', 'a'])
    assert (result['accepted'], result['version']) == (True, version)
    event = admin.event('config.updated', version)
    assert event['config_id'].startswith('config-')
    assert event['status'] == 'applied'
    assert event['updated_by'] == 'local'
    assert event['changes'] == {
        'telemetry_rate': '10.0 -> 5.0',
        'speed': '0.5 -> 0.25',
        'names': 'added b',
    }
    admin.wait_for_rate(5.0)
    assert configured.has == {'speed': 0.25, 'names': ['b', 'a']}
    config = admin.get()
    assert (config['telemetry_rate'], config['speed'], config['names']) == (5.0, 0.25, ['b', 'a'])
    record = json.loads(
        (configured_vehicle.vehicle_dir / 'config' / f'{version}.json').read_text()
    )
    assert (record['status'], record['values']['telemetry_rate']) == ('applied', 5.0)


ONE_MORE_ZONE = {
    'safety_zones': ['zone-buffer', 'zone-001'],
    'safety_zone_types': ['warning', 'restricted'],
    'safety_zone_actions': ['slow_down', 'stop'],
    'safety_zone_starts': [0.0, 40.0],
    'safety_zone_ends': [0.2, 45.0],
    'safety_zone_limits': [0.2, 0.1],
}


def test_zones_are_changed_together_and_what_cannot_be_is_refused(configured, admin):
    wait_for(lambda: admin.get()['safety_zones'], what='safety_node reported its zones', pause=0.2)
    before = {name: admin.get()[name] for name in ONE_MORE_ZONE}
    first = admin.version()
    alone = admin.update(speed=0.25, safety_zones=ONE_MORE_ZONE['safety_zones'])
    # The reply comes when what took the change has been put back.
    assert configured.has['speed'] == 0.5
    assert alone['accepted'] is False
    assert 'safety_node refused: zone_types has 1 entries' in alone['message']
    assert {name: admin.get()[name] for name in ONE_MORE_ZONE} == before
    version = admin.next_version()
    assert admin.update(speed_limit=0.4, **ONE_MORE_ZONE)['accepted'] is True
    changes = admin.event('config.updated', version)['changes']
    assert changes['safety_zones'] == 'added zone-001'
    assert changes['speed_limit'] == '0.5 -> 0.4'
    result = admin.call('rollback_config', to_version=first, reason='safety_concern')
    assert result['accepted'] is True
    assert {name: admin.get()[name] for name in ONE_MORE_ZONE} == before


def test_silent_node_takes_the_whole_change_back_also_in_itself(configured, admin):
    before, failed = admin.version(), admin.next_version()
    configured.process.send_signal(signal.SIGSTOP)
    try:
        result = admin.update(telemetry_rate=2, speed=0.25)
    finally:
        configured.process.send_signal(signal.SIGCONT)
    assert result['accepted'] is False
    assert 'configured_node did not answer' in result['message']
    assert admin.event('config.updated', failed)['status'] == 'failed'
    assert admin.event('config.rollback', failed)['status'] == 'completed'
    assert configured.has == {'speed': 0.5, 'names': ['a']}
    admin.wait_for_rate(10.0)
    assert admin.version() == before
    assert admin.update(telemetry_rate=2, speed=0.25)['accepted'] is True
    assert configured.has == {'speed': 0.25, 'names': ['a']}


def test_second_change_at_the_same_time_is_refused_with_the_reason(
    configured_vehicle, configured, admin
):
    with configured_vehicle.client('admin') as connection:
        other = Admin(connection, configured_vehicle.vehicle_dir / 'config')
        configured.process.send_signal(signal.SIGSTOP)
        try:
            admin.send('update_config', changes={'speed': 0.25})
            # The first one waits for the silent node.
            second = wait_for(lambda: _refused_as_second(other), what='the second is refused')
            first = admin.result()
        finally:
            configured.process.send_signal(signal.SIGCONT)
        assert (first['accepted'], second['accepted']) == (False, False)
        assert other.update(telemetry_rate=2)['accepted'] is True


def _refused_as_second(client):
    result = client.update(telemetry_rate=10.0)
    return result if 'is in progress; try again' in result['message'] else None


def test_node_that_starts_again_gets_the_configuration(configured_vehicle, configured, admin):
    assert admin.update(telemetry_rate=4, speed=0.25)['accepted']
    before = configured_vehicle.node_pid('telemetry_node')
    configured.end()
    os.kill(before, signal.SIGKILL)
    configured_vehicle.wait_for_new('telemetry_node', before)
    configured.start()
    wait_for(lambda: configured.has == {'speed': 0.25, 'names': ['a']}, what='it has its speed')
    # What was received before the kill does not count.
    admin.connection.received.clear()
    with configured_vehicle.client('viewer', ['telemetry.realtime']) as client:
        client.wait('telemetry.realtime')
    admin.wait_for_rate(4.0)
    assert admin.rate() == 4.0


def test_configuration_outlives_config_node_and_its_nodes_keep_it(configured_vehicle, admin):
    version = admin.update(telemetry_rate=4)['version']
    before = configured_vehicle.node_pid('config_node')
    os.kill(before, signal.SIGKILL)
    configured_vehicle.wait_for_new('config_node', before)
    # The old one's services stay known for a while after its death.
    wait_for(lambda: _is_back(configured_vehicle, version), 30.0, 'config_node serves again')
    assert admin.rate() == 4.0


def _is_back(vehicle, version):
    with vehicle.client('admin') as connection:
        connection.send('get_config', request_id='r')
        message = connection.receive()
        return message['type'] == 'command.result' and message['data']['version'] == version


def test_rate_set_by_an_operator_is_the_same_parameter_and_no_change(admin):
    version = admin.version()
    admin.call('set_telemetry_rate', rate=3)
    admin.wait_for_rate(3.0)
    assert admin.version() == version
    # What is configured already is put in force again where it is not.
    assert admin.update(telemetry_rate=10)['version'] == version
    admin.wait_for_rate(10.0)


def test_full_disk_refuses_the_change(configured_vehicle, configured, admin):
    before = admin.version()
    new = configured_vehicle.vehicle_dir / 'config' / f'{admin.next_version()}.json.new'
    # Writing there fails as on a full disk.
    new.symlink_to('/dev/full')
    result = admin.update(telemetry_rate=2, speed=0.25)
    assert result['accepted'] is False
    assert 'No space left' in result['message']
    assert result['version'] == before
    assert admin.rate() == 10.0
    assert configured.has == {'speed': 0.5, 'names': ['a']}
    assert admin.update(telemetry_rate=2, speed=0.25)['accepted'] is True


@pytest.mark.slow
def test_kill_at_the_first_or_last_write_leaves_the_old_or_the_new_version_whole(
    configured_vehicle, configured, admin
):
    control = configured_vehicle.directory / 'kill_at'
    values = {False: (10.0, 0.5), True: (2.0, 0.25)}  # telemetry_rate, speed
    now, outcomes = False, []  # whether the second of the values are in force; each change
    # Two files are written, each with write, fsync, replace and the fsync of the directory. Those
    # between are killed at in test/vehicle/test_config_store.py.
    for step in (1, 2 * 4):
        pid = configured_vehicle.node_pid('config_node')
        before, version = admin.version(), admin.next_version()
        rate, speed = values[not now]
        control.write_text(str(step))
        admin.connection.received.clear()
        admin.send('update_config', changes={'telemetry_rate': rate, 'speed': speed})
        configured_vehicle.wait_for_new('config_node', pid)
        config = wait_for(lambda: answer(configured_vehicle), 30.0, 'config_node serves again')
        reported = (config['config']['telemetry_rate'], config['config']['speed'])
        assert reported in values.values()
        changed = reported == values[not now]
        assert (config['version'] != before) == changed
        now = now != changed
        outcomes.append(changed)
        record = configured_vehicle.vehicle_dir / 'config' / f'{version}.json'
        if not changed and record.exists():
            # It was applied, not confirmed, and its withdrawal is published.
            rollback = admin.event('config.rollback', version)
            assert (rollback['rolled_back_by'], rollback['status']) == ('system', 'completed')
            assert json.loads(record.read_text())['status'] == 'failed'
        # Every node has what the configuration tells.
        wait_for(lambda s=reported[1]: configured.has['speed'] == s, what='its speed')
        admin.connection.received.clear()
        admin.wait_for_rate(reported[0])
    assert outcomes == [False, True]


def answer(vehicle):
    """Return the answer to get_config, None when there is none."""
    with vehicle.client('admin') as connection:
        connection.send('get_config', request_id='r')
        message = connection.receive()
        return message['data'] if message['type'] == 'command.result' else None

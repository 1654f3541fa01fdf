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
"""`oht50 record` and `oht50 replay`: yesterday's events with yesterday's timestamps."""

import signal
import subprocess

import pytest
import yaml
from replaying import SLOW
from replaying import assert_replayed
from replaying import drill
from replaying import log_of
from support import OHT50
from support import Background
from support import Connection
from support import Vehicle
from support import free_port
from support import own_domain
from support import processes_of
from support import wait_for


@pytest.fixture(scope='module')
def recorded(tmp_path_factory):
    """Give (bag, events that a client had meanwhile, state directory) of a drill."""
    directory = tmp_path_factory.mktemp('recorded')
    (directory / 'slow.yaml').write_text(SLOW)
    bag = directory / 'bag'
    with own_domain() as domain:
        vehicle = Vehicle(directory, domain, '--params', str(directory / 'slow.yaml'))
        try:
            vehicle.wait_until_up()
            with vehicle.client('admin', ['system.status']) as client:
                client.wait('system.status', 20.0, lambda e: e['data']['state'] == 'ready')
            with Background(
                directory / 'record.log',
                [
                    *OHT50,
                    'record',
                    str(bag),
                    '--domain',
                    str(domain),
                    '--state-dir',
                    str(vehicle.state_dir),
                ],
                vehicle.environment,
            ) as recorder:
                recorder.wait_for('The first message of /oht50 is recorded')
                with vehicle.client('admin', ['*']) as client:
                    drill(client)
                assert recorder.stop() == 0
                assert 'Traceback' not in recorder.log.read_text()
        finally:
            assert vehicle.stop() == 0
    return bag, log_of(client), vehicle.state_dir


class Replay(Background):
    """`oht50 replay` of a bag."""

    def __init__(self, directory, domain, bag, state_dir, *arguments):
        self.port = free_port()
        super().__init__(
            directory / 'replay.log',
            [
                *OHT50,
                'replay',
                str(bag),
                '--port',
                str(self.port),
                '--domain',
                str(domain),
                '--state-dir',
                str(state_dir),
                *arguments,
            ],
        )
        self.token = subprocess.run(
            [*OHT50, 'token', '--role', 'admin', '--state-dir', str(state_dir)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def client(self):
        """Return a connection, as soon as there can be one."""

        def connection():
            assert self.process.poll() is None, self.log.read_text()
            try:
                return Connection(f'ws://127.0.0.1:{self.port}/ws/telemetry', self.token)
            except OSError:
                return None

        return wait_for(connection, 30.0, 'the bridge of the replay')


def test_replay_gives_the_events_of_then(recorded, tmp_path):
    bag, live, state_dir = recorded
    with own_domain() as domain, Replay(tmp_path, domain, bag, state_dir) as replay:
        with replay.client() as client:
            client.send('subscribe', events=['*'])
            client.wait('subscription.confirmed')
            assert_replayed(live, client)
        replay.wait_for('has ended')
        assert replay.stop() == 0
        assert 'Traceback' not in replay.log.read_text()
        assert processes_of(str(bag)) == []


@pytest.mark.slow
def test_nothing_can_be_commanded_in_a_replay_beside_a_vehicle(recorded, tmp_path):
    """A vehicle in the domain receives neither a replayed stop nor a command to its bridge."""
    bag, _, state_dir = recorded
    with own_domain() as domain:
        vehicle = Vehicle(tmp_path, domain)
        try:
            vehicle.wait_until_up()
            with (
                vehicle.client(
                    'admin', ['safety.estop', 'safety.clear', 'system.status']
                ) as watching,
                Replay(tmp_path, domain, bag, state_dir, '--rate', '4') as replay,
            ):
                watching.wait('system.status', 20.0, lambda e: e['data']['state'] == 'ready')
                with replay.client() as client:
                    assert client.call('get_vehicle')['mode'] == 'replay'
                    client.send('subscribe', events=['safety.*'])
                    for command in ('emergency_stop', 'clear_estop', 'set_telemetry_rate'):
                        fields = {'rate': 5} if command == 'set_telemetry_rate' else {}
                        client.send(command, request_id=command, **fields)
                        error = client.wait(
                            'error', where=lambda e, id=command: e.get('request_id') == id
                        )
                        assert error['error_code'] == 'WS-009'
                        assert 'there is no vehicle to command' in error['description']
                    client.wait('safety.estop', 20.0)
                    client.wait('safety.clear', 20.0)
                assert replay.stop() == 0
                watching.received.clear()
                for _ in range(3):
                    watching.wait('system.status')
                assert {e['type'] for e in watching.received} == {'system.status'}
                assert watching.received[-1]['data']['state'] == 'ready'
        finally:
            assert vehicle.stop() == 0


@pytest.mark.slow
def test_loop_begins_again(recorded, tmp_path):
    bag, _, state_dir = recorded
    with (
        own_domain() as domain,
        Replay(tmp_path, domain, bag, state_dir, '--loop', '--rate', '20') as replay,
    ):
        with replay.client() as client:
            client.send('subscribe', events=['safety.clear'])
            first = client.wait('safety.clear', 20.0)
            again = client.wait('safety.clear', 20.0)
            assert (first['timestamp'], first['data']) == (again['timestamp'], again['data'])
        assert replay.stop() == 0


def refusal(*arguments):
    result = subprocess.run(
        [*OHT50, 'replay', *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1, result.stderr
    assert 'Traceback' not in result.stderr
    return result.stderr


def test_refusals_name_the_fault_and_the_remedy(recorded, tmp_path):
    bag, _, state_dir = recorded
    free = ['--port', free_port(), '--state-dir', state_dir]
    assert 'give the folder of a bag' in refusal(tmp_path, *free)
    assert '/oht50' in refusal(bag, '--vehicle', '/other', *free)
    copy = tmp_path / 'copy'
    copy.mkdir()
    for path in bag.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    content = yaml.safe_load((bag / 'metadata.yaml').read_text())
    for entry in content['rosbag2_bagfile_information']['topics_with_message_count']:
        entry['topic_metadata']['type_description_hash'] = f'RIHS01_{0:064x}'
    (copy / 'metadata.yaml').write_text(yaml.safe_dump(content))
    with own_domain() as domain:
        assert 'another version' in refusal(copy, '--domain', domain, *free)


def test_recorder_ends_a_whole_bag_on_sigterm_too_and_overwrites_none(recorded, tmp_path):
    bag, _, state_dir = recorded
    with own_domain() as domain:
        command = [
            *OHT50,
            'record',
            str(bag),
            '--domain',
            str(domain),
            '--state-dir',
            str(state_dir),
        ]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode != 0
        assert 'exists already' in result.stderr
        command[len(OHT50) + 1] = str(tmp_path / 'empty')
        with Background(tmp_path / 'record.log', command) as recorder:
            recorder.wait_for('Ctrl-C stops it')
            recorder.process.send_signal(signal.SIGTERM)
            assert recorder.process.wait(15) == 0
    assert (tmp_path / 'empty' / 'metadata.yaml').exists()

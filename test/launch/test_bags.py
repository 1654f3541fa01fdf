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
"""Bags of `ros2 bag` and of `oht50`, each for the other."""

import os
import re
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
from support import Launched
from support import free_port
from support import own_domain
from support import processes_of
from support import wait_for

from oht50_bridge import bag as bags


@pytest.fixture(scope='module')
def bags_of(tmp_path_factory):
    """Give the bags of a drill by who recorded it, the log of its client, the state directory."""
    directory = tmp_path_factory.mktemp('recorded')
    own = directory / 'own'
    (directory / 'slow.yaml').write_text(SLOW)
    with (
        own_domain() as domain,
        Launched(
            directory, domain, '--record', 'true', '--params', str(directory / 'slow.yaml')
        ) as vehicle,
    ):
        vehicle.wait_until_up()
        with vehicle.client('admin', ['*']) as client:
            client.wait('system.status', 30.0, lambda e: e['data']['state'] == 'ready')
            with Background(
                directory / 'record.log',
                [
                    *OHT50,
                    'record',
                    str(own),
                    '--domain',
                    str(domain),
                    '--state-dir',
                    str(vehicle.state_dir),
                ],
                vehicle.environment,
            ) as recorder:
                recorder.wait_for('The first message of /oht50 is recorded')
                drill(client)
                assert recorder.stop() == 0
        assert vehicle.stop() == 0
        (of_ros,) = (vehicle.vehicle_dir / 'bags').iterdir()
    return {'ros2 bag': of_ros, 'oht50': own}, log_of(client), vehicle.state_dir


@pytest.mark.parametrize('player', ['replay_launch.py', 'oht50 replay'])
@pytest.mark.parametrize('recorder', ['ros2 bag', 'oht50'])
def test_every_replay_of_every_bag_gives_the_events_of_then(bags_of, tmp_path, recorder, player):
    recorded, live, state_dir = bags_of
    port = free_port()
    bag = recorded[recorder]
    token = subprocess.run(
        [*OHT50, 'token', '--role', 'admin', '--state-dir', str(state_dir)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with own_domain() as domain:
        if player == 'oht50 replay':
            command = [
                *OHT50,
                'replay',
                str(bag),
                '--port',
                str(port),
                '--domain',
                str(domain),
                '--state-dir',
                str(state_dir),
            ]
        else:
            command = [
                'env',
                f'ROS_DOMAIN_ID={domain}',
                'ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST',
                'ros2',
                'launch',
                'oht50_bridge',
                player,
                f'bag:={bag}',
                f'port:={port}',
                f'state_dir:={state_dir}',
                'delay:=8',
            ]
        with Background(tmp_path / 'replay.log', command) as replay:

            def connection():
                assert replay.process.poll() is None, replay.log.read_text()
                try:
                    return Connection(f'ws://127.0.0.1:{port}/ws/telemetry', token)
                except OSError:
                    return None

            with wait_for(connection, 60.0, 'the bridge of the replay') as client:
                client.send('subscribe', events=['*'])
                client.wait('subscription.confirmed')
                assert_replayed(live, client, 90.0)
                client.send('emergency_stop', request_id='stop')
                error = client.wait('error')
                assert (error['error_code'], error['request_id']) == ('WS-009', 'stop')
            assert replay.stop() == 0
            assert 'Traceback' not in replay.log.read_text()


def topics_of(bag):
    """Return what the metadata of a bag says of each topic."""
    content = yaml.safe_load((bag / bags.METADATA).read_text())
    return {
        entry['topic_metadata']['name']: entry['topic_metadata']
        for entry in content['rosbag2_bagfile_information']['topics_with_message_count']
        if entry['message_count']
    }


def test_both_recorders_say_the_same_of_a_topic(bags_of):
    recorded, _, _ = bags_of
    of_ros, own = topics_of(recorded['ros2 bag']), topics_of(recorded['oht50'])
    assert len(own) > 15
    assert set(own) <= set(of_ros)
    for name, topic in own.items():
        other = of_ros[name]
        for key in ('type', 'serialization_format', 'type_description_hash'):
            assert topic[key] == other[key], name
        if name not in ('/tf', '/tf_static', '/diagnostics'):
            for key in ('reliability', 'durability'):
                assert {each[key] for each in topic['offered_qos_profiles']} == {
                    each[key] for each in other['offered_qos_profiles']
                }, name


def test_ros2_bag_reads_a_bag_of_ours(bags_of):
    recorded, _, _ = bags_of
    reported = subprocess.run(
        ['ros2', 'bag', 'info', str(recorded['oht50'])],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert '/oht50/safety/estop | Type: oht50_bridge/msg/SafetyEstop | Count: 1' in reported


def test_a_vehicle_goes_on_without_its_recorders_and_keeps_what_they_recorded(tmp_path):
    own = tmp_path / 'own'
    with own_domain() as domain, Launched(tmp_path, domain, '--record', 'true') as vehicle:
        vehicle.wait_until_up()
        command = [*OHT50, 'record', str(own), '--domain', str(domain)]
        with Background(tmp_path / 'record.log', command, vehicle.environment) as recorder:
            recorder.wait_for('The first message of /oht50 is recorded')
            with vehicle.client('admin', ['*']) as client:
                client.wait('system.status', 30.0, lambda e: e['data']['state'] == 'ready')
                drill(client)
                client.wait('system.status')
                client.wait('system.status')
            (pid,) = processes_of(str(vehicle.state_dir), re.compile('ros2 bag record'))
            recorder.process.kill()
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: re.search(r'\[record-\d+\]: process has died', vehicle.log.read_text()))
        with vehicle.client('admin', ['*']) as client:
            drill(client)
        assert processes_of(str(vehicle.state_dir), re.compile('ros2 bag record')) == []
        assert vehicle.stop() == 0
    (of_ros,) = (vehicle.vehicle_dir / 'bags').iterdir()
    for bag in (own, of_ros):
        bags.repair(bag)
        assert bags.recorded_vehicle(bag) == '/oht50'
        assert len(list(bags.in_order(bag, ['/oht50/safety/clear']))) == 1

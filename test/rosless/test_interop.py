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
"""rosless and a ROS 2 installation on one wire: its command-line tools, its rclpy, its DDS.

The installation is that whose setup file ROSLESS_ROS_SETUP names, else the newest of /opt/ros.
"""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from contract import rosless_only

pytestmark = rosless_only
CYCLONE, FAST = 'rmw_cyclonedds_cpp', 'rmw_fastrtps_cpp'
TIMEOUT_SEC = 60.0
PEER = """
from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import ParameterDescriptor
from std_msgs.msg import String
from std_srvs.srv import SetBool

def flip(request, response):
    response.success = not request.data
    response.message = 'flipped'
    return response

rclpy.init()
node = rclpy.create_node('peer', namespace='/hall')
publisher = node.create_publisher(String, 'chatter', 10)
node.create_subscription(String, 'back', lambda message: print(message.data, flush=True), 10)
node.create_service(SetBool, 'flip', flip)
node.declare_parameter('speed', 0.5, ParameterDescriptor(
    description='Speed, m/s',
    floating_point_range=[FloatingPointRange(from_value=0.0, to_value=2.0)]))
node.create_timer(0.05, lambda: publisher.publish(String(data='từ rosless')))
print('ready', flush=True)
rclpy.spin(node)
"""
CALLER = """
import sys
from std_srvs.srv import SetBool
rclpy.init()
node = rclpy.create_node('caller')
client = node.create_client(SetBool, '/far')
assert client.wait_for_service(timeout_sec=30.0)
future = client.call_async(SetBool.Request(data=True))
rclpy.spin_until_future_complete(node, future, timeout_sec=20.0)
print(future.result().success, future.result().message)
"""
SERVER = """
import rclpy
from std_srvs.srv import SetBool
def answer(request, response):
    response.success, response.message = request.data, 'from ROS 2'
    return response
rclpy.init()
node = rclpy.create_node('server')
node.create_service(SetBool, '/far', answer)
rclpy.spin(node)
"""


@functools.cache
def ros_environment() -> dict[str, str] | None:
    """Return the environment of the installation; None: there is none."""
    given = os.environ.get('ROSLESS_ROS_SETUP')
    found = [given] if given else sorted(map(str, Path('/opt/ros').glob('*/setup.bash')))
    if not found:
        return None
    clean = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    output = subprocess.run(
        ['bash', '-c', '. "$0" > /dev/null && command -v ros2 > /dev/null && env -0', found[-1]],
        env=clean,
        capture_output=True,
        text=True,
    ).stdout
    return dict(entry.split('=', 1) for entry in output.split('\0') if '=' in entry) or None


class Ros:
    """The installation, with one of its kinds of DDS."""

    def __init__(self, rmw: str) -> None:
        environment = ros_environment()
        if environment is None:
            pytest.skip('no ROS 2: none in /opt/ros, and ROSLESS_ROS_SETUP names none')
        if not any(
            (Path(prefix) / 'lib' / f'lib{rmw}.so').exists()
            for prefix in environment['AMENT_PREFIX_PATH'].split(':')
        ):
            pytest.skip(f'the ROS 2 installation has no {rmw}')
        self.environment = {
            **environment,
            'RMW_IMPLEMENTATION': rmw,
            'PYTHONUNBUFFERED': '1',
            'ROS_DOMAIN_ID': os.environ['ROS_DOMAIN_ID'],
        }
        if rmw == CYCLONE:
            self.environment['CYCLONEDDS_URI'] = os.environ['CYCLONEDDS_URI']
        else:
            self.environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *command: str) -> subprocess.Popen[str]:
        self.started.append(
            subprocess.Popen(
                command,
                env=self.environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )
        return self.started[-1]

    def cli(self, *arguments: str) -> str:
        """Return what `ros2 ...` prints."""
        process = self.start('ros2', *arguments)
        output, _ = process.communicate(timeout=TIMEOUT_SEC)
        return output

    def until(self, wanted: str, *arguments: str) -> str:
        """Return what `ros2 ...` prints when it contains the text: discovery is slow."""
        end = time.monotonic() + TIMEOUT_SEC
        while wanted not in (output := self.cli(*arguments)):
            assert time.monotonic() < end, output
        return output

    def python(self) -> str:
        """Return the Python that its tools run with."""
        tool = subprocess.run(
            ['bash', '-c', 'command -v ros2'],
            env=self.environment,
            text=True,
            capture_output=True,
            check=True,
        ).stdout.strip()
        interpreter = Path(tool).read_text().splitlines()[0].removeprefix('#!').strip()
        return interpreter if Path(interpreter).name.startswith('python') else 'python3'

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        subprocess.run(
            ['ros2', 'daemon', 'stop'],
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=TIMEOUT_SEC,
        )


@pytest.fixture
def ros2(request: pytest.FixtureRequest) -> Iterator[Ros]:
    installation = Ros(getattr(request, 'param', CYCLONE))
    yield installation
    installation.close()


@pytest.fixture
def peer(ros2: Ros, process: Callable[..., Any]) -> Any:
    """A node of rosless, as a process."""
    peer = process(PEER)
    assert peer.read_line() == 'ready'
    return peer


either = pytest.mark.parametrize('ros2', [CYCLONE, FAST], indirect=True)


@either
def test_topics_reach_the_other_both_ways(ros2, peer):
    received = ros2.until(
        'data',
        'topic',
        'echo',
        '--once',
        '--timeout',
        '20',
        '/hall/chatter',
        'std_msgs/msg/String',
    )
    assert yaml.safe_load(received.partition('---')[0]) == {'data': 'từ rosless'}
    ros2.start(
        'ros2',
        'topic',
        'pub',
        '--rate',
        '10',
        '/hall/back',
        'std_msgs/msg/String',
        '{data: "từ ROS 2"}',
    )
    assert peer.read_line() == 'từ ROS 2'


def test_the_graph_is_listed(ros2, peer):
    spin = ('--no-daemon', '--spin-time', '3')
    ros2.until('/hall/peer', 'node', 'list', *spin)
    assert '/hall/chatter [std_msgs/msg/String]' in ros2.until(
        '/hall/chatter', 'topic', 'list', '--show-types', *spin
    )
    assert '/hall/flip [std_srvs/srv/SetBool]' in ros2.until(
        '/hall/flip', 'service', 'list', '--show-types', *spin
    )
    info = ros2.until('/hall/flip', 'node', 'info', *spin, '/hall/peer')
    assert '/hall/back: std_msgs/msg/String' in info


def test_the_type_hash_is_that_of_ros(ros2, peer):
    ros2.start('ros2', 'topic', 'pub', '--rate', '10', '/hall/back', 'std_msgs/msg/String', '{}')
    spin = ('--verbose', '--no-daemon', '--spin-time', '3')
    info = ros2.until('Publisher count: 1\n', 'topic', 'info', *spin, '/hall/back')
    hashes = [line.partition(': ')[2] for line in info.splitlines() if 'type hash' in line]
    assert len(hashes) == 2 and len(set(hashes)) == 1, info
    assert hashes[0].startswith('RIHS01_')
    assert info.count('Reliability: RELIABLE') == 2


def test_services_answer_the_other_both_ways(ros2, peer, process):
    assert "success=False, message='flipped'" in ros2.until(
        'flipped', 'service', 'call', '/hall/flip', 'std_srvs/srv/SetBool', '{data: true}'
    )
    ros2.start(ros2.python(), '-c', SERVER)
    code, output, errors = process(CALLER).wait(TIMEOUT_SEC)
    assert (code, output.strip()) == (0, 'True from ROS 2'), errors


def test_parameters_are_read_and_set(ros2, peer):
    ros2.until('speed', 'param', 'list', '/hall/peer')
    assert ros2.until('0.5', 'param', 'get', '/hall/peer', 'speed') == 'Double value is: 0.5\n'
    assert 'Speed, m/s' in ros2.until('speed', 'param', 'describe', '/hall/peer', 'speed')
    assert 'successful' in ros2.until('uccess', 'param', 'set', '/hall/peer', 'speed', '1.5')
    refused = ros2.until('ailed', 'param', 'set', '/hall/peer', 'speed', '2.5')
    assert 'range' in refused
    assert ros2.until('1.5', 'param', 'get', '/hall/peer', 'speed') == 'Double value is: 1.5\n'


def test_a_bag_is_recorded(ros2, peer, tmp_path):
    bag = tmp_path / 'bag'
    recorder = ros2.start(
        'ros2', 'bag', 'record', '--storage', 'mcap', '--output', str(bag), '/hall/chatter'
    )
    assert recorder.stdout is not None
    assert any("Subscribed to topic '/hall/chatter'" in line for line in recorder.stdout)
    time.sleep(1.0)  # some messages
    recorder.send_signal(signal.SIGINT)
    recorder.communicate(timeout=TIMEOUT_SEC)
    information = yaml.safe_load((bag / 'metadata.yaml').read_text())
    (topic,) = information['rosbag2_bagfile_information']['topics_with_message_count']
    assert topic['topic_metadata']['type'] == 'std_msgs/msg/String'
    assert topic['message_count'] > 0

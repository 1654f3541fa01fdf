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
"""Wherever SIGINT or SIGTERM meets a node, it ends whole, with 0 and without a word."""

import os
import signal
import subprocess
import sys

import pytest
from rclpy.context import Context
from support import own_domain

from oht50_bridge.bringup.process import module_command
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.priority import available_priority

pytestmark = pytest.mark.cover_processes

NODE = """
import os, sys
from importlib.util import find_spec
if find_spec('rclpy') is None:
    import rosless
    rosless.install()
import rclpy
from rclpy.node import Node
from oht50_bridge.nodes import process

wanted, number = sys.argv[1], int(sys.argv[2])

def reached(place):
    if place == wanted:
        os.kill(os.getpid(), number)

class Finalized:
    def __del__(self):
        reached('finalizer')

class StopSignal(Node):
    def __init__(self):
        super().__init__('ending')
        reached('constructor')
        self.create_timer(0.01, self.turn)
    def turn(self):
        reached('timer')
        Finalized()
        if wanted in ('destroy_node', 'after'):
            rclpy.shutdown()
    def destroy_node(self):
        reached('destroy_node')
        super().destroy_node()
        print('destroyed')

init = rclpy.init
def late(**arguments):
    reached('init')
    init(**arguments)
rclpy.init = late
process.run(StopSignal)
reached('after')
"""


@pytest.mark.parametrize(
    'number', [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    'place', ['init', 'constructor', 'timer', 'finalizer', 'destroy_node', 'after']
)
def test_signal_ends_a_node_wherever_it_is(place, number):
    with own_domain() as domain:
        result = subprocess.run(
            [sys.executable, '-c', NODE, place, str(int(number))],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        )
    assert (result.returncode, result.stderr) == (0, '')
    # Asked to end before there was a node, it makes none.
    assert result.stdout == ('' if place == 'init' else 'destroyed\n')


ANNOUNCED = """
from importlib.util import find_spec
if find_spec('rclpy') is None:
    import rosless
    rosless.install()
from rclpy.node import Node
from oht50_bridge.nodes import process
for name in ('safety_node', 'recorder'):
    process.run(
        lambda: Node(name), lambda node: print(node.count_publishers('vehicle/presence'))
    )
"""


def test_the_nodes_of_a_vehicle_give_signs_of_life():
    with own_domain() as domain:
        result = subprocess.run(
            [sys.executable, '-c', ANNOUNCED],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        )
    assert (result.stdout, result.stderr) == ('1\n0\n', '')


@pytest.mark.processes
@pytest.mark.parametrize('node', ['telemetry_node', 'bridge_node'])
def test_a_file_that_ros_does_not_read_is_reported_in_one_line(tmp_path, node):
    broken = tmp_path / 'broken.yaml'
    broken.write_text('/**:\n  ros__parameters: {rate: [1, [2]]\n')
    command = [*module_command('oht50_bridge.nodes'), node, '--ros-args', '--params-file']
    with own_domain() as domain:
        result = subprocess.run(
            [*command, str(broken)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        )
    assert result.returncode == os.EX_CONFIG
    (line,) = [each for each in result.stderr.splitlines() if not each.startswith('[')]
    assert line.startswith('ROS does not start: ') and 'oht50 params check' in line


@pytest.mark.processes
def test_a_domain_that_cannot_be_joined_may_be_joined_later(tmp_path):
    """It is one line, and not the exit code after which the node is not started again."""
    command = module_command('oht50_bridge.nodes')
    if 'rosless' not in command:
        pytest.skip('ROS 2 joins when a node is made')
    interface = '<General><Interfaces><NetworkInterface name="none0"/></Interfaces></General>'
    result = subprocess.run(
        [*command, 'telemetry_node'],
        capture_output=True,
        text=True,
        timeout=60,
        env={
            **os.environ,
            'CYCLONEDDS_URI': f'<CycloneDDS><Domain>{interface}</Domain></CycloneDDS>',
        },
    )
    assert result.returncode == 1
    (line,) = [each for each in result.stderr.splitlines() if 'none0' not in each]
    assert line.startswith('cannot join DDS domain ') and 'MaxAutoParticipantIndex' in line


WOKEN_TOO_EARLY = """
import threading
import rclpy
from rclpy.node import Node
from oht50_bridge.nodes import process

class Waiting(Node):
    def __init__(self):
        super().__init__('waiting')
        shutdown = rclpy.get_default_context().handle.shutdown  # wakes nobody
        threading.Timer(0.5, shutdown).start()

process.run(Waiting)
"""


@pytest.mark.skipif(
    not hasattr(Context, 'handle'), reason='rosless wakes the executor after the shutdown'
)
def test_node_without_messages_ends_although_rclpy_woke_it_before_the_shutdown():
    with own_domain() as domain:
        result = subprocess.run(
            [sys.executable, '-c', WOKEN_TOO_EARLY],
            capture_output=True,
            text=True,
            timeout=20,
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        )
    assert (result.returncode, result.stderr) == (0, '')


PUNCTUAL = """
from importlib.util import find_spec
if find_spec('rclpy') is None:
    import rosless
    rosless.install()
from rclpy.node import Node
from oht50_bridge.nodes import process
from oht50_bridge.bringup.process import module_command
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.priority import scheduling_of

process.run(
    lambda: Node('punctual'),
    lambda node: print('has', scheduling_of(0)),
    RealtimePriority.SAFETY_NODE,
)
"""


def test_a_node_that_must_run_on_time_requests_its_priority_and_logs_what_it_got():
    with own_domain() as domain:
        result = subprocess.run(
            [sys.executable, '-c', PUNCTUAL],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        )
    assert result.returncode == 0, result.stderr
    got = available_priority(RealtimePriority.SAFETY_NODE)
    assert f'has {got._replace(obstacle="")}' in result.stdout
    assert str(got) in result.stdout + result.stderr


STARVED = """
import resource, runpy, sys, threading, time, types

class Finalized:
    def __del__(self):
        bytearray(1 << 30)

def main():
    resource.setrlimit(resource.RLIMIT_AS, (512 << 20, 512 << 20))
    try:
        {first}
    finally:
        {second}

sys.modules['oht50_bridge.nodes.probe'] = types.SimpleNamespace(main=main)
sys.argv = ['__main__.py', 'probe']
runpy.run_module('oht50_bridge.nodes', run_name='__main__', alter_sys=True)
"""


def _run(code):
    return subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=30.0
    )


@pytest.mark.processes
@pytest.mark.parametrize(
    ('first', 'second'),
    [
        ('bytearray(1 << 30)', 'pass'),
        # What fails on the way out hides it, or is hidden by it.
        ('bytearray(1 << 30)', 'raise SystemError("an error without an exception")'),
        ('raise SystemError("an error without an exception")', 'bytearray(1 << 30)'),
        # Of another thread, and where nothing can handle it.
        ('threading.Thread(target=bytearray, args=(1 << 30,)).start()', 'time.sleep(20.0)'),
        ('Finalized()', 'time.sleep(20.0)'),
    ],
)
def test_a_node_without_memory_ends_with_one_line(first, second):
    ended = _run(STARVED.format(first=first, second=second))
    assert ended.stderr == 'no memory is left: the process ends\n'
    assert ended.returncode == 1


@pytest.mark.processes
def test_a_defect_of_a_node_keeps_its_traceback():
    ended = _run(STARVED.format(first='raise SystemError("defect")', second='pass'))
    assert ended.stderr.startswith('Traceback')
    assert ended.stderr.endswith('SystemError: defect\n')
    assert ended.returncode == 1

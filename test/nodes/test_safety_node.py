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
"""What the node of the emergency stop does when something under it fails."""

import threading
import time

import pytest
import rclpy
from rclpy.parameter import Parameter
from support import own_domain
from support import wait_for

from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.msg import SafetyInputs
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.safety_node import SafetyNode
from oht50_bridge.srv import ClearEstop
from oht50_bridge.srv import EmergencyStop
from oht50_bridge.vehicle.estop import EstopLatch


def well(node):
    """Report that every input is well."""
    node._on_inputs(SafetyInputs(configured=True))


def beat_of(node):
    """Return what the next heartbeat is."""
    beats = []
    node._publisher._heartbeat.publish = beats.append
    node._beat()
    return beats[0]


def broken(*arguments):
    raise OSError(5, 'Input/output error')


@pytest.fixture
def ros(tmp_path, monkeypatch, request):
    """rclpy on a domain of its own; the parameter is more of the command line."""
    with own_domain() as domain:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        more = getattr(request, 'param', [])
        rclpy.init(args=['test', '--ros-args', '-p', f'state_dir:={tmp_path}', *more])
        yield
        rclpy.try_shutdown()


@pytest.fixture
def node(ros):
    node = SafetyNode()
    yield node
    node.destroy_node()


def stop(node):
    return node._on_emergency_stop(EmergencyStop.Request(reason='drill'), EmergencyStop.Response())


def latched_on_disk(tmp_path):
    return EstopLatch(tmp_path / 'estop.json', time.time_ns).estop


def test_no_motion_before_the_configuration_is_confirmed_nor_in_maintenance(node):
    well(node)
    beat = beat_of(node)
    assert (beat.motion_permitted, beat.mode) == (False, SafetyHeartbeat.MODE_STARTING)
    assert 'not confirmed' in beat.reason
    confirmed = Parameter(CONFIG_VERSION, value='1.0.0')
    node.set_parameters([confirmed])
    assert beat_of(node).motion_permitted
    assert beat_of(node).mode == SafetyHeartbeat.MODE_NORMAL
    node.set_parameters([Parameter('maintenance', value=True)])
    beat = beat_of(node)
    assert (beat.motion_permitted, beat.mode, beat.reason) == (
        False,
        SafetyHeartbeat.MODE_MAINTENANCE,
        'maintenance',
    )


@pytest.mark.parametrize(
    ('inputs', 'reason'),
    [
        ({'configured': False}, 'not enabled'),
        ({'status': SafetyInputs.STATUS_CRITICAL}, 'danger'),
        ({'status': SafetyInputs.STATUS_ERROR}, 'fault'),
        ({'latched': True}, 'emergency stop'),
        ({'estop_pressed': True}, 'emergency stop'),
    ],
)
def test_no_motion_with_a_report_that_is_not_well(node, inputs, reason):
    node.set_parameters([Parameter(CONFIG_VERSION, value='1.0.0')])
    well(node)
    assert beat_of(node).motion_permitted
    node._on_inputs(SafetyInputs(**{'configured': True, **inputs}))
    beat = beat_of(node)
    assert not beat.motion_permitted
    assert reason in beat.reason


@pytest.mark.parametrize('publisher', ['_state', '_estop', '_heartbeat'])
def test_stop_that_cannot_be_told_is_there_at_the_next_start(node, tmp_path, publisher):
    getattr(node._publisher, publisher).publish = broken
    with pytest.raises(OSError):
        stop(node)
    assert latched_on_disk(tmp_path).reason == 'drill'


def test_stop_that_could_not_be_written_is_written_later(node, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr('oht50_bridge.vehicle.estop.replace_file', broken)
        assert stop(node).accepted
        assert latched_on_disk(tmp_path) is None
    node._beat()
    assert latched_on_disk(tmp_path).reason == 'drill'


def test_clear_that_fails_on_disk_leaves_the_stop_there(node, tmp_path, monkeypatch):
    stop(node)

    def remove_and_fail(path):
        path.unlink()
        broken()

    monkeypatch.setattr('oht50_bridge.vehicle.estop.remove', remove_and_fail)
    node._sources.clear = lambda now: node._latch.clear()
    response = node._on_clear_estop(ClearEstop.Request(), ClearEstop.Response())
    assert not response.accepted
    assert 'on disk' in response.message
    node._beat()
    assert latched_on_disk(tmp_path).reason == 'drill'


GPIO = ['-p', 'gpio_chip:=/dev/gpiochip-that-is-not-there']


@pytest.mark.parametrize('ros', [GPIO], indirect=True)
def test_node_does_not_start_without_the_line_it_is_to_watch(ros):
    with pytest.raises(StartError, match='gpio_chip /dev/gpiochip-that-is-not-there'):
        SafetyNode()


@pytest.mark.parametrize('ros', [GPIO], indirect=True)
def test_open_line_is_a_stop_that_is_not_cleared_before_it_is_closed(ros, monkeypatch):
    is_open = threading.Event()
    monkeypatch.setattr(
        'oht50_bridge.nodes.safety_node.open_estop_input', lambda chip, offset: is_open.is_set
    )
    node = SafetyNode()

    def spin_until(condition):
        wait_for(lambda: rclpy.spin_once(node, timeout_sec=0.05) or condition())

    def clear():
        well(node)
        node._on_modules(ModuleStates())
        response = node._on_clear_estop(ClearEstop.Request(), ClearEstop.Response())
        return response.accepted or response.message

    try:
        is_open.set()
        spin_until(lambda: node._latch.estop)
        assert node._latch.estop.trigger_type == 'hardware'
        assert 'line is open' in clear()
        is_open.clear()
        spin_until(lambda: clear() is True)
        assert node._latch.estop is None
    finally:
        node.destroy_node()

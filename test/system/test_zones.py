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

import json
import os
import signal
import subprocess

import pytest
from support import own_domain
from support import place
from support import wait_for

from oht50_bridge.bringup.process import module_command
from oht50_bridge.paths import config_dir

PARAMETERS = """
/**:
  ros__parameters:
    distance_directions: [forward, "", backward, ""]
/**/hardware_node:
  ros__parameters:
    module:
      safety:
        profile: oht_v2_safety
        digital_inputs: [low, high, "", ""]
        distance_inputs: [true, true, true, true]
        # The board's own judgement must not come before that of the vehicle.
        zone_thresholds: [0.01, 0.02, 0.03, 0.04]
/**/safety_node:
  ros__parameters:
    guard_input: 2
    zone_names: [slow, stop]
    zone_types: [warning, restricted]
    zone_actions: [slow_down, stop]
    zone_starts: [22.0, 30.0]
    zone_ends: [22.6, 32.0]
    zone_limits: [0.2, 0.1]
"""
# The machine of the tests may be late by more than the reaction time that the limits allow for.
SLACK = 0.05  # m/s


@pytest.fixture
def simulator(vehicle):
    with vehicle.simulator() as simulator:
        simulator.set(obstacles=[])
        place(vehicle, simulator, 15.0)
        yield simulator
        simulator.set(position=15.0, obstacles=[])


def test_board_has_the_thresholds_of_the_parameters(simulator):
    assert simulator.read('safety', 'zone_threshold') == pytest.approx([0.01, 0.02, 0.03, 0.04])


def truths_until(simulator, condition, timeout=20.0):
    """Return what was true of the carrier until `condition` of it."""
    truths = []

    def reached():
        truths.append(simulator.truth())
        return condition(truths[-1])

    wait_for(reached, timeout, 'the carrier is there')
    return truths


def standing(truth):
    return truth['velocity'] == 0.0


def set_zones(vehicle, **values):
    """Set parameters of safety_node; return its answer."""
    setter = vehicle.spawn(
        'parameter_setter', 'safety_node', json.dumps(values), stdout=subprocess.PIPE, text=True
    )
    answer, _ = setter.communicate(timeout=60)
    assert setter.returncode == 0
    return answer.strip()


def test_carrier_is_slow_in_a_warning_zone_and_its_entry_is_told_once(vehicle, simulator, drive):
    place(vehicle, simulator, 20.5)
    with vehicle.client('viewer', ['safety.zone_entered']) as client:
        drive(0.5)
        before = truths_until(simulator, lambda truth: truth['position'] >= 22.0)
        inside = truths_until(simulator, lambda truth: truth['position'] >= 22.6)
        after = truths_until(simulator, lambda truth: truth['position'] >= 24.0)
        events = [client.wait('safety.zone_entered')]
        with pytest.raises(AssertionError, match='no safety'):
            client.wait('safety.zone_entered', 0.5)
    assert max(truth['velocity'] for truth in before) > 0.48
    assert max(truth['velocity'] for truth in inside) <= 0.2 + SLACK
    assert max(truth['velocity'] for truth in after) > 0.48
    data = events[0]['data']
    assert (data['zone_id'], data['zone_type'], data['action']) == ('slow', 'warning', 'slow_down')
    assert data['position']['x'] == pytest.approx(22_000, abs=50)


def test_carrier_stands_before_a_stop_zone_and_can_go_back(vehicle, simulator, drive):
    place(vehicle, simulator, 28.5)
    commander = drive(0.5)
    truths = truths_until(simulator, lambda truth: truth['position'] > 29.5 and standing(truth))
    assert max(truth['velocity'] for truth in truths) > 0.48
    assert 29.9 < truths[-1]['position'] < 30.0
    assert commander.poll() is None, 'the commander goes on commanding'
    commander.send_signal(signal.SIGINT)
    commander.wait(5)
    drive(-0.3)
    truths_until(simulator, lambda truth: truth['velocity'] < -0.28)
    assert simulator.truth()['position'] < 30.0


def test_stop_zone_is_left_by_its_nearer_end_only(vehicle, simulator, drive):
    place(vehicle, simulator, 30.2)
    commander = drive(0.3)
    # Long enough to be taken for a command: it is not obeyed.
    with vehicle.client('viewer', ['telemetry.realtime']) as client:
        for _ in range(15):
            client.wait('telemetry.realtime')
    assert simulator.truth()['position'] < 30.21
    commander.send_signal(signal.SIGINT)
    commander.wait(5)
    drive(-0.3)
    truths = truths_until(simulator, lambda truth: truth['position'] < 29.95)
    inside = [truth for truth in truths if truth['position'] > 30.0]
    assert min(truth['velocity'] for truth in inside) >= -0.1 - SLACK
    truths_until(simulator, lambda truth: truth['velocity'] < -0.28)


def test_obstacle_slows_stops_and_lets_go_when_it_is_gone(vehicle, simulator, drive):
    place(vehicle, simulator, 5.0)
    simulator.set(obstacles=[9.0])
    commander = drive(0.5)
    truths = truths_until(
        simulator, lambda truth: truth['position'] > 8.0 and standing(truth), 40.0
    )
    assert max(truth['velocity'] for truth in truths) > 0.45
    near = [truth for truth in truths if truth['position'] > 7.0]
    assert max(truth['velocity'] for truth in near) <= 0.1 + SLACK
    assert 0.5 <= 9.0 - truths[-1]['position'] < 0.6
    assert commander.poll() is None
    simulator.set(obstacles=[])
    truths_until(simulator, lambda truth: truth['velocity'] > 0.45)


def test_open_guard_stops_without_an_emergency_stop(vehicle, simulator, drive):
    with vehicle.client('viewer', ['safety.*']) as client:
        drive(0.3)
        truths_until(simulator, lambda truth: truth['velocity'] > 0.28)
        simulator.set(input_levels=[True, True, False, False])
        try:
            truths_until(simulator, standing)
        finally:
            simulator.set(input_levels=[True, False, False, False])
        truths_until(simulator, lambda truth: truth['velocity'] > 0.28)
        with pytest.raises(AssertionError, match='no safety'):
            client.wait('safety.estop', 0.2)


def test_zones_can_be_changed_while_the_vehicle_runs_and_bad_ones_are_refused(vehicle, simulator):
    place(vehicle, simulator, 40.0)
    assert "zone_types of 'slow': 'deadly'" in set_zones(
        vehicle, zone_types=['deadly', 'restricted']
    )
    assert 'zone_limits has 1 entries' in set_zones(vehicle, zone_limits=[0.1])
    with vehicle.client('viewer', ['safety.zone_entered']) as client:
        assert set_zones(vehicle, zone_starts=[39.5, 30.0], zone_ends=[40.5, 32.0]) == 'set'
        assert client.wait('safety.zone_entered')['data']['zone_id'] == 'slow'
    assert set_zones(vehicle, zone_starts=[22.0, 30.0], zone_ends=[22.6, 32.0]) == 'set'


@pytest.mark.parametrize(
    ('parameter', 'message'),
    [
        ('zone_types:=[deadly]', "zone_types of 'zone-buffer': 'deadly' is not one of"),
        ('zone_ends:=[0.0]', "zone_starts of 'zone-buffer': 0 m is not below its end, 0 m"),
        (
            'distance_directions:=[up]',
            "distance_directions: 'up' is not forward, backward or empty",
        ),
        ('gpio_chip:=/dev/no-such-chip', 'gpio_chip /dev/no-such-chip'),
    ],
)
def test_node_does_not_start_with_what_cannot_be(tmp_path, parameter, message):
    # As a section of the node's own: over one of these in a file, `-p` does nothing.
    name, value = parameter.split(':=')
    own = tmp_path / 'own.yaml'
    own.write_text(
        f'/oht50/safety_node: {{ros__parameters: {{state_dir: {tmp_path}, {name}: {value}}}}}'
    )
    with own_domain() as domain:
        done = subprocess.run(
            [
                *module_command('oht50_bridge.nodes.safety_node'),
                '--ros-args',
                '-r',
                '__ns:=/oht50',
                '--params-file',
                str(config_dir() / 'vehicle.yaml'),
                '--params-file',
                str(own),
            ],
            env={
                **os.environ,
                'ROS_DOMAIN_ID': str(domain),
                'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            },
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == os.EX_CONFIG
    assert message in done.stderr
    assert 'Traceback' not in done.stderr

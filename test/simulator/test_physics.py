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
"""Invariants of the physics."""

from __future__ import annotations

import math

import pytest

from oht50_bridge.simulator.physics import Parameters
from oht50_bridge.simulator.physics import World


def world(velocity=0.0, enabled=True, **parameters):
    result = World(Parameters(**parameters))
    result.drive = lambda dt: (velocity, enabled)
    result.advance(0.0)
    return result


def test_reaches_the_wanted_velocity_within_the_limit_of_acceleration():
    carrier = world(1.0)
    last = 0.0
    for step in range(1, 400):
        carrier.advance(step * 0.005)
        assert carrier.velocity - last <= carrier.parameters.accel * 0.005 + 1e-9
        last = carrier.velocity
    assert carrier.velocity == pytest.approx(1.0)


def test_way_is_the_integral_of_velocity():
    carrier = world(1.0)
    carrier.advance(2.0)
    rise = 1.0 / 1.5
    assert carrier.position - 5.0 == pytest.approx(rise / 2 + (2.0 - rise), abs=0.01)


def test_disabled_drive_brakes_to_rest():
    carrier = world(1.0)
    carrier.advance(1.0)
    carrier.drive = lambda dt: (1.0, False)
    start = carrier.position
    carrier.advance(2.0)
    assert carrier.velocity == 0.0
    assert carrier.position - start == pytest.approx(0.25, abs=0.01)  # v^2 / 2a


@pytest.mark.parametrize('velocity', [5.0, -5.0])
def test_stays_on_the_rail(velocity):
    carrier = world(velocity, rail_length=6.0)
    carrier.advance(20.0)
    assert carrier.position == (6.0 if velocity > 0 else 0.0)


def test_same_inputs_same_states_whatever_the_pace():
    slow, fast = world(0.7), world(0.7)
    for step in range(1, 301):
        slow.advance(step * 0.01)
    fast.advance(3.0)
    assert (slow.position, slow.velocity, slow.soc) == (fast.position, fast.velocity, fast.soc)


def test_charge_is_counted():
    carrier = world()
    carrier.advance(36.0)
    used = carrier.parameters.idle_current * 36.0 / 3600.0 / carrier.parameters.capacity
    assert carrier.parameters.soc - carrier.soc == pytest.approx(used, rel=0.01)
    carrier.charger_connected = carrier.charge_relay = True
    before = carrier.soc
    carrier.advance(72.0)
    assert carrier.charging and carrier.soc > before
    assert carrier.charger_temperature > carrier.parameters.ambient


def test_the_sensor_of_the_current_filters_what_the_steps_of_the_drive_draw():
    """Readings that keep step with the commands find what was drawn all the same."""
    vehicle = World(Parameters())
    vehicle.advance(0.0)
    drawn = 0.0
    for step in range(1, 76):  # 0.5 m/s^2, a command every 20 ms
        vehicle.drive = lambda dt, velocity=0.01 * step: (velocity, True)
        vehicle.advance(0.02 * (step - 1) + 0.005)
        drawn -= vehicle.sensed_current * vehicle.voltage * 0.02
        vehicle.advance(0.02 * step)
    assert drawn == pytest.approx(vehicle.drawn, rel=0.1)


def test_voltage_rises_with_charge():
    voltages = []
    for soc in (0.0, 0.05, 0.3, 0.7, 1.0):
        voltages.append(World(Parameters(soc=soc)).open_voltage)
    assert voltages == sorted(voltages)
    assert voltages[0] == pytest.approx(18.0) and voltages[-1] == pytest.approx(25.2)


def test_distance_sees_the_nearest_in_its_direction():
    carrier = world()
    carrier.obstacles = [2.0, 9.0, 7.5]
    assert (carrier.distance(True), carrier.distance(False)) == (2.5, 3.0)


def test_it_coasts_when_switched_off():
    world = World(Parameters(coast=0.5))
    world.drive = lambda dt: (0.5, True)
    world.advance(0.0)
    world.advance(2.0)
    world.drive = lambda dt: (0.0, False)
    world.advance(2.5)
    assert world.velocity == pytest.approx(0.5 / math.e, rel=0.05)


def test_running_into_the_end_of_the_rail_is_a_crash_each_time():
    world = World(Parameters(start=49.9))
    world.drive = lambda dt: (0.5, True)
    world.advance(0.0)
    world.advance(5.0)
    assert world.crashes == [pytest.approx(0.5)]


def unrolling(**parameters):
    result = world()
    result.parameters.hoist_coast = parameters.get('hoist_coast', 0.0)
    result.hoist = lambda dt: (0.2, True)
    result.advance(1.0)
    return result


def test_the_hoist_unrolls_and_brakes_when_switched_off():
    vehicle = unrolling()
    assert vehicle.rope == pytest.approx(0.2, abs=0.01)
    rope = vehicle.rope
    vehicle.hoist = lambda dt: (0.2, False)
    vehicle.advance(2.0)
    assert vehicle.rope == rope


def test_a_hoist_that_is_switched_off_may_coast():
    vehicle = unrolling(hoist_coast=0.5)
    rope = vehicle.rope
    vehicle.hoist = lambda dt: (0.2, False)
    vehicle.advance(6.0)
    assert vehicle.rope - rope == pytest.approx(0.1, abs=0.01)  # v times the time constant


def test_rope_that_comes_out_by_itself_passes_the_encoder_and_ends():
    vehicle = world()
    assert vehicle.wound_up
    vehicle.rope_slip = 1.0
    vehicle.advance(1.0)
    assert vehicle.rope == pytest.approx(1.0, abs=0.01)
    assert not vehicle.wound_up
    vehicle.advance(5.0)
    assert vehicle.rope == vehicle.rope_turned == vehicle.parameters.rope
    vehicle.wind(0.0)
    assert (vehicle.wound_up, vehicle.rope_turned) == (True, 2 * vehicle.parameters.rope)

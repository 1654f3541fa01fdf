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
"""Another vehicle is noticed, and a restart of the own one is none."""

import pytest

from oht50_bridge.vehicle.neighbours import LIFETIME
from oht50_bridge.vehicle.neighbours import Neighbours
from oht50_bridge.vehicle.neighbours import Presence


def presence(vehicle, node='safety_node', instance='1', description='host:/state'):
    return Presence(vehicle, node, instance, description)


def test_a_node_of_another_vehicle_is_named_while_it_speaks():
    neighbours = Neighbours('own')
    neighbours.update(presence('own'), 0.0)
    assert neighbours.other(0.0) is None
    neighbours.update(presence('other', 'bridge_node', description='lab:/b, process 7'), 1.0)
    assert 'another vehicle' in neighbours.other(1.0)
    assert 'lab:/b, process 7' in neighbours.other(1.0 + LIFETIME)
    assert neighbours.other(1.01 + LIFETIME) is None


@pytest.mark.parametrize(('own', 'other'), [('', 'other'), ('own', '')])
def test_a_node_that_was_started_by_hand_is_of_no_other_vehicle(own, other):
    neighbours = Neighbours(own)
    neighbours.update(presence(other), 0.0)
    assert neighbours.other(0.0) is None


@pytest.mark.parametrize('vehicle', ['', 'own'])
def test_a_restarted_node_is_no_second_one(vehicle):
    neighbours = Neighbours('own')
    for instance in range(20):
        for _ in range(3):
            neighbours.update(presence(vehicle, instance=str(instance)), 0.0)
            assert neighbours.other(0.0) is None


@pytest.mark.parametrize('vehicle', ['', 'own'])
def test_two_nodes_of_one_name_are_noticed_when_the_earlier_speaks_again(vehicle):
    neighbours = Neighbours('own')
    now = 0.0
    for instance in ('1', '2', '1'):
        neighbours.update(presence(vehicle, instance=instance), now)
    assert 'a second safety_node' in neighbours.other(now)
    for _ in range(20):  # for as long as both speak
        now += 0.5
        for instance in ('2', '1'):
            neighbours.update(presence(vehicle, instance=instance), now)
        assert neighbours.other(now) is not None
    for _ in range(6):  # and no longer
        now += 0.5
        neighbours.update(presence(vehicle, instance='2'), now)
    assert neighbours.other(now) is None


def test_what_another_vehicle_sends_is_bounded_and_printable():
    neighbours = Neighbours('own')
    neighbours.update(presence('other', description='\x1b[2J\r\nforged' + 'x' * 10_000), 0.0)
    assert neighbours.other(0.0).isprintable()
    assert len(neighbours.other(0.0)) < 300
    neighbours = Neighbours('own')
    for instance in '121':
        neighbours.update(presence('own', '\x1b' * 10_000, instance), 0.0)
    assert neighbours.other(0.0).isprintable()
    assert len(neighbours.other(0.0)) < 1200

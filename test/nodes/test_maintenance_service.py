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
"""The service set_maintenance."""

import pytest
from service_node import ServiceNode

from oht50_bridge.nodes.maintenance_service import MaintenanceService
from oht50_bridge.srv import SetMaintenance
from oht50_bridge.vehicle.maintenance import MaintenanceLock


@pytest.fixture
def world(tmp_path):
    world = ServiceNode()
    world.lock = MaintenanceLock(tmp_path / 'maintenance.json')
    world.changes = []
    world.neighbour = None
    MaintenanceService(
        world, world.lock, lambda: world.changes.append(world.lock.locked), lambda: world.neighbour
    )

    def call(source, **request):
        return world.services['set_maintenance'](
            SetMaintenance.Request(source=source, **request), SetMaintenance.Response()
        )

    world.call = call
    return world


def test_a_lock_forbids_motion_at_once_and_its_release_permits_it(world):
    response = world.call('alice', active=True)
    assert (response.accepted, response.owners) == (True, ['alice'])
    assert "locked by 'alice': nothing moves" in response.message
    response = world.call('alice', active=False)
    assert (response.accepted, response.owners) == (True, [])
    assert world.changes == [True, False]
    assert len(world.logged) == 2


def test_the_lock_of_another_needs_an_override(world):
    world.call('alice', active=True)
    refused = world.call('bob', active=False)
    assert (refused.accepted, refused.owners) == (False, ['alice'])
    assert 'override' in refused.message
    assert world.call('bob', active=False, override_others=True).accepted
    assert not world.lock.locked
    assert "'bob'" in world.logged[-1]


def test_the_log_shows_names_as_data(world):
    for active in (True, False):
        world.call('bob\r\n[WARN] \x1b]52;', active=active)
    assert len(world.logged) == 2 and all(line.isprintable() for line in world.logged)


def test_an_override_does_not_count_with_a_lock(world):
    world.call('alice', active=True)
    world.call('bob', active=True, override_others=True)
    assert world.lock.owners == ('alice', 'bob')


def test_a_lock_that_cannot_be_written_holds_but_is_not_accepted(world, monkeypatch):
    def broken(*arguments):
        raise OSError(28, 'No space left on device')

    world.call('alice', active=True)
    monkeypatch.setattr('oht50_bridge.vehicle.maintenance.replace_file', broken)
    response = world.call('bob', active=True)
    assert not response.accepted
    assert 'a restart would release it' in response.message
    assert response.owners == ['alice', 'bob']
    response = world.call('alice', active=False)
    assert not response.accepted
    assert 'stays locked' in response.message
    assert world.changes == [True, True, True]


def test_no_lock_is_released_while_another_vehicle_is_there(world):
    world.neighbour = 'another vehicle, lab:/b'
    assert world.call('alice', active=True).accepted
    for override in (False, True):
        refused = world.call('alice', active=False, override_others=override)
        assert (refused.accepted, refused.owners) == (False, ['alice'])
        assert 'lab:/b' in refused.message

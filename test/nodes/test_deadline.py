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
"""Requests that are too late are refused."""

import asyncio

import pytest
from service_node import ServiceNode

from oht50_bridge.msg import Deadline
from oht50_bridge.nodes.deadline import boot_id
from oht50_bridge.nodes.deadline import create_command_service
from oht50_bridge.nodes.deadline import deadline_in
from oht50_bridge.nodes.from_wire import SERVICE_CALLS
from oht50_bridge.protocol import commands
from oht50_bridge.srv import SetMaintenance

READING = {commands.GetSystemStatus, commands.GetVehicle, commands.GetConfig, commands.ListModules}


def accept(request, response):
    response.accepted = True
    return response


async def accept_later(request, response):
    await asyncio.sleep(0.0)
    return accept(request, response)


@pytest.fixture(params=[accept, accept_later])
def call(request):
    """Give a call of a service, and what its node logged."""
    node = ServiceNode()
    create_command_service(node, SetMaintenance, 'set_maintenance', request.param)

    def call(deadline):
        answer = node.services['set_maintenance'](
            SetMaintenance.Request(deadline=deadline), SetMaintenance.Response()
        )
        return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer

    call.logged = node.logged
    return call


def test_a_request_is_carried_out_until_its_deadline(call):
    assert call(deadline_in(60.0)).accepted
    assert not call.logged


def test_a_late_request_is_refused_and_logged(call):
    response = call(deadline_in(-1.5))
    assert not response.accepted
    assert response.message.startswith('not carried out: it came 1.5 s after it was')
    assert call.logged == [f'set_maintenance {response.message}']


def test_a_request_without_a_deadline_is_never_late(call):
    assert call(Deadline()).accepted
    assert call(Deadline(boot_id=boot_id())).accepted


def test_the_deadline_of_another_computer_cannot_be_judged(call):
    assert call(Deadline(boot_time=1.0, boot_id='another')).accepted
    assert not call(Deadline(boot_time=1.0, boot_id=boot_id())).accepted


@pytest.mark.parametrize('command', SERVICE_CALLS)
def test_every_request_that_changes_something_has_a_deadline_but_a_stop(command):
    request = SERVICE_CALLS[command].service.Request()
    without = command in READING or command is commands.EmergencyStop
    assert hasattr(request, 'deadline') != without

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
"""What forbids motion, by the heartbeat and by the motor's guard."""

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from service_node import ServiceNode

from oht50_bridge.msg import DriveState
from oht50_bridge.nodes.motion_permission import READY
from oht50_bridge.nodes.motion_permission import MotionPermission
from oht50_bridge.stop_reason import StopReason


class World(ServiceNode):
    """A vehicle at rest that may move; `changes` counts the calls."""

    def __init__(self):
        super().__init__()
        self.changes = 0
        self.permission = MotionPermission(self, self.changed)
        self.permission.permit(True)

    def changed(self):
        self.changes += 1

    def drive(self, stop_reason):
        self.subscriptions['drive/state'](DriveState(stop_reason=stop_reason))


@pytest.mark.parametrize('reason', StopReason)
def test_each_stop_reason_forbids_motion_or_lets_a_mission_begin(reason):
    world = World()
    world.drive('no_command')
    assert (world.permission.forbidden, world.changes) == (False, 1)
    for _ in range(3):
        world.drive(reason.value)
    assert world.permission.forbidden == (reason.value not in READY)
    assert world.changes == 1 + world.permission.forbidden
    level = DiagnosticStatus.WARN if world.permission.forbidden else DiagnosticStatus.OK
    status = world.permission.diagnostics()
    assert (status.level, status.values[0].value) == (level, reason.value)
    assert not world.permission.forbidden or status.message.endswith(f'is stopped: {reason}')


def test_a_motor_that_was_never_reported_and_a_missing_permission_forbid_motion():
    world = World()
    assert world.permission.forbidden
    assert world.permission.diagnostics().level == DiagnosticStatus.STALE
    world.drive('no_command')
    assert not world.permission.forbidden
    world.permission.permit(False)
    assert world.permission.forbidden

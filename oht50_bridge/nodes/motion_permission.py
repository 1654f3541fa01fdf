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
"""Whether anything may move: what safety_node permits, and what the motor's guard reports."""

from __future__ import annotations

from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node

from oht50_bridge.msg import DriveState
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.diagnostics import diagnosis
from oht50_bridge.nodes.newest import Newest

PERMISSION_LIFETIME = 0.5  # s; the motor has stopped by then
DRIVE_LIFETIME = 2.0  # s; the motor is read each 0.1 s at least, less often during a scan

#: Stop reasons with which a mission can begin. It releases the charger before it commands, a scan
#: only delays it, and of `not_permitted` the heartbeat says whether both directions are forbidden.
READY = (
    DriveState.STOP_NONE,
    DriveState.STOP_NO_COMMAND,
    DriveState.STOP_COMMAND_TIMEOUT,
    DriveState.STOP_NOT_PERMITTED,
    DriveState.STOP_CHARGING,
    DriveState.STOP_SCAN,
)


def motor_hindrance(stop_reason: str | None) -> str:
    """Return why no mission can begin, for a person; empty where one can.

    Args:
        stop_reason: one of DriveState.STOP_*; None: the motor does not report.

    """
    if stop_reason is None:
        return 'the travel motor does not report'
    return '' if stop_reason in READY else f'the travel motor is stopped: {stop_reason}'


class MotionPermission:
    """Collects what forbids motion.

    Args:
        node: subscribes.
        on_change: called when the motor's guard begins or ceases to forbid motion.

    """

    def __init__(self, node: Node, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._permitted: Newest[bool] = Newest(PERMISSION_LIFETIME)
        self._stop_reason: Newest[str] = Newest(DRIVE_LIFETIME)
        topics.DRIVE_STATE.subscribe(node, self._on_drive)

    def permit(self, permitted: bool) -> None:
        """Note what the safety heartbeat says."""
        self._permitted.put(permitted)

    @property
    def forbidden(self) -> bool:
        """Whether nothing may move."""
        return not self._permitted.get() or bool(self.hindrance)

    @property
    def hindrance(self) -> str:
        """Why no mission can begin, for a person; empty where one can."""
        return motor_hindrance(self._stop_reason.get())

    def diagnostics(self) -> DiagnosticStatus:
        """Return the diagnosis of the drive."""
        reason = self._stop_reason.get()
        level = DiagnosticStatus.WARN if self.hindrance else DiagnosticStatus.OK
        if reason is None:
            level = DiagnosticStatus.STALE
        return diagnosis('drive', level, self.hindrance, {'stop reason': reason or 'not known'})

    def _on_drive(self, drive: DriveState) -> None:
        before = self.hindrance
        self._stop_reason.put(drive.stop_reason)
        if self.hindrance != before:
            self._on_change()

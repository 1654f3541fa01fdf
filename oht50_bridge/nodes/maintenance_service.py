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

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node

from oht50_bridge.nodes.deadline import create_command_service
from oht50_bridge.nodes.presence import REMEDY
from oht50_bridge.srv import SetMaintenance
from oht50_bridge.vehicle.maintenance import MaintenanceLock
from oht50_bridge.vehicle.refusal import RefusedError


class MaintenanceService:
    """Locks and releases the maintenance lock for callers of the service.

    Args:
        node: serves it.
        lock: the lock.
        changed: called after each request that may have changed it.
        neighbour: returns who else is in the namespace of the vehicle, None: nobody.

    """

    def __init__(
        self,
        node: Node,
        lock: MaintenanceLock,
        changed: Callable[[], None],
        neighbour: Callable[[], str | None],
    ) -> None:
        self._node = node
        self._lock = lock
        self._changed = changed
        self._neighbour = neighbour
        create_command_service(node, SetMaintenance, 'set_maintenance', self.set_maintenance)

    def set_maintenance(
        self, request: SetMaintenance.Request, response: SetMaintenance.Response
    ) -> SetMaintenance.Response:
        """Lock for the caller, or release his lock."""
        before = self._lock.owners
        try:
            response.accepted, response.message = self._set(request)
        finally:
            self._changed()
        response.owners = list(self._lock.owners)
        if self._lock.owners != before:
            self._node.get_logger().warning(
                f'maintenance: {request.source!r} changed who is at work from '
                f'{", ".join(map(repr, before)) or "nobody"} to '
                f'{", ".join(map(repr, self._lock.owners)) or "nobody"}'
            )
        return response

    def _set(self, request: SetMaintenance.Request) -> tuple[bool, str]:
        neighbour = None if request.active else self._neighbour()
        if neighbour is not None:
            # It was meant for one of the two vehicles, and reached both.
            return False, f'{neighbour}; {REMEDY}'
        try:
            if request.active:
                self._lock.lock(request.source)
            else:
                self._lock.release(request.source, override=request.override_others)
        except RefusedError as refusal:
            return False, str(refusal)
        except OSError as error:
            if request.active:
                return False, (
                    f'locked, but the lock cannot be written ({error}): a restart would release it'
                )
            return False, f'the release cannot be written ({error}); it stays locked'
        if not self._lock.locked:
            return True, 'nobody is at work on the vehicle'
        return True, f'locked by {", ".join(map(repr, self._lock.owners))}: nothing moves'

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
"""Until when a request may be carried out: a later one was answered as failed already."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from oht50_bridge.identity import BOOT_ID
from oht50_bridge.msg import Deadline

TOO_LATE = 'not carried out: it came {:.1f} s after it was reported to its sender as failed'


@functools.cache
def boot_id() -> str:
    """Return the unique name of the start of this computer."""
    return BOOT_ID.read_text().strip()


def _boot_time() -> float:
    """Return the time since that start, s: no change of the date and no suspension touches it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def deadline_in(seconds: float) -> Deadline:
    """Return the deadline of a request that is sent now."""
    return Deadline(boot_time=_boot_time() + seconds, boot_id=boot_id())


def late_by(deadline: Deadline) -> float:
    """Return how long ago a deadline was, s; negative before it, and without one.

    A request without one, as of `ros2 service call`, and one from another computer, whose clock is
    another, are never late.
    """
    if not deadline.boot_time or deadline.boot_id != boot_id():
        return -1.0
    return _boot_time() - float(deadline.boot_time)


def create_command_service(
    node: Node, service: Any, name: str, callback: Callable[[Any, Any], Any], **options: Any
) -> None:
    """Serve requests that change something, until their deadline.

    Args:
        node: serves them.
        service: type, whose request has a `deadline` and whose response `accepted` and `message`.
        name: of the service.
        callback: as of `Node.create_service`.
        options: of `Node.create_service`.

    """

    def refuses(request: Any, response: Any) -> bool:
        late = late_by(request.deadline)
        if late <= 0.0:
            return False
        response.accepted, response.message = False, TOO_LATE.format(late)
        node.get_logger().warning(f'{name} {response.message}')
        return True

    def serve(request: Any, response: Any) -> Any:
        return response if refuses(request, response) else callback(request, response)

    async def serve_async(request: Any, response: Any) -> Any:
        return response if refuses(request, response) else await callback(request, response)

    asynchronous = inspect.iscoroutinefunction(callback)
    node.create_service(service, name, serve_async if asynchronous else serve, **options)

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
"""Brings the emergency stops of clients to the latch, whatever node is away meanwhile."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any
from typing import Protocol

from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.msg import StopRequest
from oht50_bridge.srv import EmergencyStop

REPEAT_AFTER = 0.25  # s without an answer, after which a request is sent again
READY_PERIOD = 0.02  # s, between two looks whether safety_node is there
PENDING = 32  # requests that are repeated at once; a further one joins the newest of them

_log = logging.getLogger(__name__)

NOT_LATCHED = (
    'NOT LATCHED yet: safety_node does not answer. The bridge repeats the stop until it is '
    'latched. Press the emergency stop button'
)


class ServiceClient(Protocol):
    """What is used of a client of a service."""

    def service_is_ready(self) -> bool:
        """Return whether a server is there."""

    def call_async(self, request: Any) -> Any:
        """Send a request; return the future of its response."""

    def remove_pending_request(self, future: Any) -> None:
        """Forget a request."""


def send(client: ServiceClient, request: Any) -> Coroutine[Any, Any, Any]:
    """Send a request at once; return what waits for its response in the event loop."""
    future = client.call_async(request)
    answer: Future[Any] = Future()
    # From now on a cancelled wait does not cancel it, so that a late response cannot fail.
    answer.set_running_or_notify_cancel()
    future.add_done_callback(lambda response: answer.set_result(response.result()))

    async def wait() -> Any:
        try:
            return await asyncio.wrap_future(answer)
        finally:
            client.remove_pending_request(future)

    return wait()


class StopRelay:
    """Repeats each emergency stop until safety_node has latched it.

    Meanwhile the stop is published for hardware_node, which needs no safety_node to stop the
    motor. All methods belong to the thread of one event loop.

    Args:
        client: calls the service.
        publish: publishes the requests that are on their way; called at each change.
        answer_within: s, after which a caller is informed that the stop is not latched yet.

    """

    def __init__(
        self,
        client: ServiceClient,
        publish: Callable[[Sequence[StopRequest]], None],
        answer_within: float,
    ) -> None:
        self._client = client
        self._publish = publish
        self._answer_within = answer_within
        self._pending: dict[asyncio.Task[EmergencyStop.Response], StopRequest] = {}

    @property
    def pending(self) -> bool:
        """Whether a stop is on its way."""
        return bool(self._pending)

    async def stop(self, reason: str, source: str) -> EmergencyStop.Response:
        """Stop the vehicle; return the answer of safety_node.

        Raises:
            CommandFailedError: it is not latched within `answer_within`. It is repeated until it
                is.

        """
        if len(self._pending) < PENDING:
            request = StopRequest(
                request_id=uuid.uuid4().hex, reason=reason, trigger_type='remote', source=source
            )
            task = asyncio.get_running_loop().create_task(self._latch(request))
            self._pending[task] = request
            task.add_done_callback(self._done)
        else:
            task = next(reversed(self._pending))
        done, _ = await asyncio.wait([task], timeout=self._answer_within)
        if not done:
            raise CommandFailedError(NOT_LATCHED)
        return task.result()

    async def _latch(self, request: StopRequest) -> EmergencyStop.Response:
        published = reported = False
        while True:
            try:
                try:
                    call = self._call(request)
                finally:
                    if not published:  # after the call, which must not wait for it
                        self._publish(list(self._pending.values()))
                        published = True
                if call is not None:
                    response = await asyncio.wait_for(call, REPEAT_AFTER)
                    if response.accepted:
                        return response
            except asyncio.TimeoutError:
                continue
            except Exception:
                # Whatever fails here may work the next time. A stop is never given up.
                if not reported:
                    reported = True
                    _log.exception('an emergency stop could not be sent; it is sent again')
            await asyncio.sleep(READY_PERIOD)

    def _call(self, request: StopRequest) -> Coroutine[Any, Any, EmergencyStop.Response] | None:
        """Send a request; return what waits for its response, None without a server."""
        if not self._client.service_is_ready():
            return None
        return send(
            self._client,
            EmergencyStop.Request(
                reason=request.reason,
                trigger_type=request.trigger_type,
                source=request.source,
                request_id=request.request_id,
            ),
        )

    def _done(self, task: asyncio.Task[EmergencyStop.Response]) -> None:
        self._pending.pop(task, None)
        if not task.cancelled():
            task.exception()  # who waits for it gets it too
            self._publish(list(self._pending.values()))

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
"""When an emergency stop is sent again, and what confirms it. No sockets and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oht50_bridge.client.errors import BridgeError
from oht50_bridge.client.errors import Outcome
from oht50_bridge.client.reports import StopResult
from oht50_bridge.protocol.errors import ErrorCode

STOP_RETRIED = 10.0  # s, for which a stop is sent again
FIRST_RETRY = 0.5  # s, after which a connection that did not confirm is not relied upon
RETRY_PERIOD = 1.0  # s


class StopOrder:
    """One emergency stop, from the order to its confirmation.

    Args:
        now: time of the order, s.
        timeout: s, after which nothing is sent any more.
        is_live: whether it is sent on the client's connection first.
        status: the last one that the vehicle reported; None: not known.

    """

    def __init__(
        self, now: float, timeout: float, is_live: bool, status: str | None = None
    ) -> None:
        self._began = now
        self._end = now + timeout
        self._next = now + FIRST_RETRY if is_live else now
        self._status = status
        self._unanswered = 0
        self._was_refused = False
        self._message = 'the bridge did not answer'
        self._result: StopResult | None = None
        self.refusal: BridgeError | None = None

    def due(self, now: float) -> bool:
        """Return whether another connection must be tried now; it is then not due for a while."""
        if now < self._next or now >= self._end:
            return False
        is_first = now < self._began + FIRST_RETRY
        self._next = self._began + FIRST_RETRY if is_first else now + RETRY_PERIOD
        return True

    def next_due(self) -> float:
        """Return when something is due next."""
        return min(self._next, self._end)

    def sent(self) -> None:
        """Note that it was sent."""
        self._unanswered += 1

    def hasten(self, now: float) -> None:
        """Try another connection now: nothing is to be expected of the client's own."""
        self._next = min(self._next, now)

    def failed(self, error: Exception) -> None:
        """Note why it could not be sent, or was not answered."""
        self._message = str(error) or type(error).__name__

    def answered(self, data: Mapping[str, Any], now: float) -> None:
        """Note the data of its `command.result`."""
        self._unanswered -= 1
        self._message = str(data.get('message', ''))
        if data.get('accepted'):
            self._confirm(data.get('estop_id'), now, dict(data))
        else:
            self._was_refused = True

    def error(self, error: BridgeError) -> None:
        """Note an error instead of a result; without the right to stop there is no other way."""
        self._unanswered -= 1
        self._was_refused = True
        self._message = str(error)
        if error.code == ErrorCode.PERMISSION_DENIED.code:
            self.refusal = error

    def event(self, event: Mapping[str, Any], now: float, is_live: bool) -> None:
        """Note an event: the vehicle may say that it stands.

        Neither does a vehicle that was stopped before say so, nor what is replayed while the
        connection is restored.
        """
        data = event['data']
        if event['type'] == 'system.status':
            before, self._status = self._status, data.get('status')
            if is_live and self._status == 'estop' and before not in (None, 'estop'):
                self._message = 'the status is estop'
                self._confirm(None, now, None)
        elif is_live:
            self._message = 'safety.estop'
            self._confirm(data.get('estop_id'), now, None)

    def result(self, now: float) -> StopResult | None:
        """Return how it ended; None: it has not ended yet."""
        if self._result is None and now >= self._end:
            outcome: Outcome = 'not_sent'
            if self._unanswered > 0:
                outcome = 'unknown'
            elif self._was_refused:
                outcome = 'refused'
            return StopResult(False, None, now - self._began, outcome, self._message)
        return self._result

    def _confirm(self, estop_id: str | None, now: float, reply: dict[str, Any] | None) -> None:
        if self._result is None:
            after = now - self._began
            self._result = StopResult(True, estop_id, after, None, self._message, reply)

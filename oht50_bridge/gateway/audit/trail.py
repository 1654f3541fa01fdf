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
"""What the gateway records in the audit log, and how often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from typing import Protocol

from oht50_bridge.gateway.admission.limits import RecordLimit
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.redact import redact
from oht50_bridge.protocol import commands
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import EVENTS


class Identity(Protocol):
    """Who is at the other end of a connection."""

    session_id: str
    client_id: str

    @property
    def subject(self) -> str:
        """Subject of its token; empty before there is one."""

    @property
    def role(self) -> str:
        """Role of its token; empty before there is one."""


class Trail:
    """Records what peers and clients do; tokens are removed from every record.

    Args:
        audit: the log; None: nothing is recorded.
        counts: the deliveries to report.
        now: clock, s, monotonic.

    """

    def __init__(
        self, audit: AuditWriter | None, counts: Counts, now: Callable[[], float]
    ) -> None:
        self._audit = audit
        self._counts = counts
        self._now = now
        self._limit = RecordLimit()
        self._reported: Counter[str] = Counter()

    @property
    def lost(self) -> int:
        """Records that could not be written."""
        return self._audit.lost if self._audit is not None else 0

    def client(self, what: str, who: Identity, **fields: Any) -> None:
        """Record what a client did."""
        if self._audit is not None:
            self._audit.record(
                what,
                session=who.session_id,
                client=redact(who.client_id),
                subject=who.subject,
                role=who.role,
                **redact(fields),
            )

    def unauthenticated(self, what: str, who: Identity, address: str, **fields: Any) -> None:
        """Record what an unauthenticated connection did, unless there are too many records."""
        if self._limit.allow(address, what, self._now()):
            self.client(what, who, peer=address, **fields)

    def failure(self, who: Identity, address: str, error: str, **fields: Any) -> None:
        """Record an error that was sent to a client, unless there are too many records."""
        if self._limit.allow(address, error, self._now()):
            self.client('failure', who, peer=address, error=error, **fields)

    def refused(self, address: str, reason: str, description: str) -> None:
        """Record and count a peer that was refused before it had a connection."""
        self._counts.refused[reason] += 1
        if self._audit is not None and self._limit.allow(address, reason, self._now()):
            self._audit.record(
                'refused', peer=address, reason=reason, description=redact(description)
            )

    def command(self, who: Identity, command: commands.Command, answer: Message) -> None:
        """Record a command and its outcome."""
        match answer:
            case replies.CommandResult():
                outcome = {'accepted': answer.data.accepted, 'message': answer.data.message}
            case replies.Error():
                outcome = {'error': answer.error_code, 'message': answer.description}
            case _:
                outcome = {'accepted': True, 'message': answer.type}
        self.client('command', who, command=command.model_dump(mode='json'), outcome=outcome)

    def event(self, event: OutgoingEvent) -> None:
        """Record an event-class event."""
        if self._audit is not None and not event.kind.is_state:
            self._audit.record(
                'event', type=event.kind.name, seq=event.seq, event=json.loads(event.payload)
            )

    def certificate(self, what: str, description: str) -> None:
        """Record and count a change of the certificate's files."""
        self._counts.certificate[what] += 1
        if self._audit is not None:
            self._audit.record(f'certificate.{what}', description=description)

    def report(self) -> None:
        """Record how many state-class events were sent, and how many records suppressed."""
        if self._audit is None:
            return
        delivered = self._counts.delivered
        since = {
            kind: count - self._reported[kind]
            for kind, count in delivered.items()
            if EVENTS[kind].is_state and count > self._reported[kind]
        }
        if since:
            self._audit.record('deliveries', counts=since)
        self._reported = Counter(delivered)
        if (suppressed := self._limit.summary()) is not None:
            self._audit.record('suppressed', **suppressed)

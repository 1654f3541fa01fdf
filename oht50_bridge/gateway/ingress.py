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
"""Hands events from other threads to the event loop: bounded, one wake-up per batch."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from oht50_bridge.gateway.journal import Origin
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import EVENTS

_log = logging.getLogger(__name__)


class IngressFullError(Exception):
    """The event loop is blocked: an event-class event could not be handed over."""


class Ingress:
    """Carries events from any thread to `deliver`, called in the loop's thread, in order.

    Of a state-class type only the newest value per key crosses; event-class events all do.

    Args:
        loop: the gateway's.
        deliver: receives each event.
        capacity: event-class events that may be queued.

    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deliver: Callable[[Message, Origin | None], None],
        capacity: int = 10_000,
    ) -> None:
        self._loop = loop
        self._deliver = deliver
        self._capacity = capacity
        self._lock = threading.Lock()
        self._waiting: dict[object, tuple[Message, Origin | None]] = {}
        self._events = 0
        self._closed = False

    def put(self, event: Message, origin: Origin | None = None) -> None:
        """Hand an event over; after `close` it is dropped.

        Raises:
            IngressFullError: `capacity` event-class events are queued already.

        """
        kind = EVENTS[event.type]
        key: object = (event.type, kind.key(event) if kind.key else '')
        with self._lock:
            if self._closed:
                return
            if not kind.is_state:
                if self._events >= self._capacity:
                    raise IngressFullError(
                        f'{self._capacity} events are queued for the gateway, {event.type} is lost'
                    )
                self._events += 1
                key = object()
            else:
                # At the end, behind the events that came before the new value.
                self._waiting.pop(key, None)
            wake = not self._waiting
            self._waiting[key] = event, origin
            if wake:
                self._loop.call_soon_threadsafe(self._drain)

    def close(self) -> None:
        """Accept nothing more; what is queued is dropped."""
        with self._lock:
            self._closed = True
            self._waiting.clear()

    def _drain(self) -> None:
        with self._lock:
            batch = list(self._waiting.values())
            self._waiting.clear()
            self._events = 0
        for event, origin in batch:
            try:
                self._deliver(event, origin)
            except Exception:
                # One bad event must not prevent the events behind it.
                _log.exception('%s could not be published', event.type)

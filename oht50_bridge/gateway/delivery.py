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
"""An event on its way to clients, and the WebSocket frames it becomes."""

from __future__ import annotations

import json
from collections.abc import Callable

from websockets.frames import Frame
from websockets.frames import Opcode

from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import EventType
from oht50_bridge.protocol.catalogue import name_of
from oht50_bridge.protocol.codec import with_keys
from oht50_bridge.protocol.replies import Error


def text_frame(payload: bytes) -> bytes:
    """Return the WebSocket frame, unmasked and final, of UTF-8 text."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def payload_of(frame: bytes) -> bytes:
    """Return the payload of an unmasked frame."""
    length = frame[1]
    return frame[2 if length < 126 else 4 if length == 126 else 10 :]


#: How the payload of an error begins, which is sent instead of an event that is too large.
_ERROR = b'{"type":"error"'


class OutgoingEvent:
    """One event for any number of clients; encoded once, when it is first needed.

    Attributes:
        kind: the entry of its type in the catalogue.
        seq: its number among the event-class events of this epoch; None for the state class.
        key: identifies the value that a newer one of the state class replaces.

    """

    __slots__ = ('_encode', '_event', '_frame', '_numbered', '_payload', 'key', 'kind', 'seq')

    def __init__(
        self,
        event: Message,
        encode: Callable[[Message], bytes],
        seq: int | None = None,
        kind: EventType | None = None,
    ) -> None:
        self.kind = kind or EVENTS[event.type]
        self._event: Message | None = event
        self.seq = seq
        self.key = (self.kind.name, self.kind.key(event) if self.kind.key else '')
        self._encode = encode
        self._payload: bytes | None = None
        self._frame: bytes | None = None
        self._numbered: bytes | None = None

    @property
    def event(self) -> Message:
        """The model; of a restored event that was too large it is the error sent instead."""
        if self._event is None:
            return self.kind.model.model_validate_json(self.payload)
        return self._event

    @property
    def payload(self) -> bytes:
        """The UTF-8 JSON, without `seq`."""
        if self._payload is None:
            self._payload = self._encode(self.event)
        return self._payload

    @property
    def frame(self) -> bytes:
        """The ready WebSocket frame, without `seq`."""
        frame = self._frame or text_frame(self.payload)
        if self._event is not None:
            self._frame = frame
        return frame

    @property
    def numbered_frame(self) -> bytes:
        """The ready WebSocket frame, with `seq`."""
        frame = self._numbered or text_frame(with_keys(self.payload, seq=self.seq))
        if self._event is not None:
            self._numbered = frame
        return frame

    def shrink(self) -> None:
        """Keep the payload alone, of which the rest is made again whenever it is needed.

        The model and the frames are nine tenths of the memory.
        """
        if not self.payload.startswith(_ERROR):  # of which no model can be made again
            self._event = None
        self._frame = self._numbered = None

    def repeats(self, other: OutgoingEvent | None) -> bool:
        """Return whether it has the same data as `other`."""
        if other is None or other.kind is not self.kind:
            return False
        # Every event has `data`, of a type of its own; an error sent instead has none.
        data = getattr(self.event, 'data', None)
        return data is not None and bool(getattr(other.event, 'data', None) == data)


def restored(payload: bytes, encode: Callable[[Message], bytes], seq: int) -> OutgoingEvent:
    """Return an event from its payload, as it was sent.

    Raises:
        ValueError: it is no event.

    """
    try:
        value = json.loads(payload)
        # That of an event that was too large begins with its type: `Responses.encode`.
        was_replaced = value['type'] == name_of(Error)
        kind = EVENTS[value['description'].split()[0] if was_replaced else value['type']]
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError('its type is not known') from error
    model = Error if was_replaced else kind.model
    event = OutgoingEvent(model.model_validate_json(payload), encode, seq, kind)
    event._payload = payload
    event.shrink()
    return event

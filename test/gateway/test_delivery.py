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
"""Outgoing events and their frames."""

import json

import pytest
from websockets.frames import Frame
from websockets.frames import Opcode

from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.delivery import payload_of
from oht50_bridge.gateway.delivery import restored
from oht50_bridge.gateway.delivery import text_frame
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.responses import Responses
from oht50_bridge.protocol.codec import Encoder


@pytest.mark.parametrize('size', [0, 125, 126, 65535, 65536])
def test_a_frame_equals_that_of_the_library_and_returns_its_payload(size):
    frame = text_frame(b'x' * size)
    assert frame == Frame(Opcode.TEXT, b'x' * size).serialize(mask=False)
    assert payload_of(frame) == b'x' * size


def test_an_event_is_encoded_once_for_all_clients(event):
    calls = []
    delivery = OutgoingEvent(event('safety.clear'), lambda e: calls.append(e) or b'{"a":1}', 4)
    assert delivery.frame is delivery.frame
    assert delivery.numbered_frame is delivery.numbered_frame
    assert payload_of(delivery.numbered_frame) == b'{"a":1,"seq":4}'
    assert len(calls) == 1


def test_a_shrunk_event_is_the_same_and_is_not_encoded_again(event):
    calls = []
    encoder = Encoder()

    def encode(message):
        calls.append(message)
        return encoder.encode(message)

    original = event('safety.estop')
    delivery = OutgoingEvent(original, encode, 4)
    before = delivery.payload, delivery.frame, delivery.numbered_frame, delivery.key
    delivery.shrink()
    assert (delivery.payload, delivery.frame, delivery.numbered_frame, delivery.key) == before
    assert delivery.event == original
    assert delivery._event is delivery._frame is delivery._numbered is None
    assert delivery.repeats(OutgoingEvent(original, encode))
    assert len(calls) == 1


def test_an_event_that_is_too_large_is_an_error_of_its_type_also_when_it_was_shrunk(event):
    responses = Responses(Counts(), lambda: 0.0)
    large = OutgoingEvent(
        event('config.updated', changes={'a': 'x' * 17_000}), responses.encode, 4
    )
    payload = large.payload
    assert json.loads(payload)['error_code'] == 'WS-005'
    large.shrink()
    again = restored(payload, responses.encode, 4)
    for each in (large, again):
        assert (each.payload, each.kind.name, each.seq) == (payload, 'config.updated', 4)
        assert not each.repeats(OutgoingEvent(event('config.updated'), responses.encode))
        assert each.event


@pytest.mark.parametrize(
    'payload',
    [
        b'{"type":"no.event"}',
        b'{"type":"error"}',
        b'{"type":"error","description":""}',
        b'{"type":"error","description":"no.event of 9 bytes"}',
        b'7',
    ],
)
def test_what_is_no_event_is_not_restored(payload):
    with pytest.raises(ValueError):
        restored(payload, Encoder().encode, 4)

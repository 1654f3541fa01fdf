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
"""What peers can do to a bridge that speaks TLS."""

from __future__ import annotations

import contextlib

from faults.harness.fault import IDLE
from faults.harness.fault import MOVING
from faults.harness.fault import STOPPING
from faults.harness.fault import Fault
from faults.harness.rig import Rig
from faults.harness.websocket_faults import Peer
from faults.harness.websocket_faults import again_and_again
from faults.harness.websocket_faults import garbage
from faults.harness.websocket_faults import head
from faults.harness.websocket_faults import hello
from faults.harness.websocket_faults import peers
from faults.harness.websocket_faults import sending

SITUATIONS = (IDLE, MOVING, STOPPING)
APPLICATION_DATA = bytes.fromhex('170303')  # of a record; its length follows


def torn(rig: Rig) -> None:
    """End by RST when the bridge has answered the ClientHello."""
    peer = Peer(rig)
    peer.send(hello())
    with contextlib.suppress(OSError):
        peer.socket.recv(16)
    peer.reset()


def torn_early(rig: Rig) -> None:
    """End by RST amid the ClientHello."""
    peer = Peer(rig)
    peer.send(hello()[:100])
    peer.reset()


def garbage_in_it(rig: Rig) -> bytes:
    """Return a ClientHello, and records that no key has encrypted."""
    content = garbage(3, 2000)
    return hello() + (APPLICATION_DATA + len(content).to_bytes(2, 'big') + content) * 4


def tls_faults() -> list[Fault]:
    """Return what peers can do to TLS; the bridge must speak it."""
    return [
        Fault(
            'tls-torn', 'client', 'TLS: handshakes are torn when the bridge has answered',
            again_and_again(torn, 4), SITUATIONS, lasts=3.0, tls=True,
        ),
        Fault(
            'tls-torn-early', 'client', 'TLS: handshakes are torn amid their first message',
            again_and_again(torn_early, 4), SITUATIONS, lasts=3.0, tls=True,
        ),
        Fault(
            'tls-half-open', 'client', 'TLS: 50 handshakes that are not continued',
            sending(lambda rig: hello(), 50), SITUATIONS, lasts=3.0, tls=True,
        ),
        Fault(
            'tls-silent', 'client', 'TLS: 50 connections that send nothing',
            peers(50, lambda peer, rig: None), SITUATIONS, lasts=3.0, tls=True,
        ),
        Fault(
            'tls-garbage', 'client', 'TLS: 20 handshakes with arbitrary bytes in them',
            sending(garbage_in_it, 20), SITUATIONS, tls=True,
        ),
        Fault(
            'tls-plain', 'client', 'TLS: 20 requests that are not encrypted',
            sending(lambda rig: head(), 20), SITUATIONS, tls=True,
        ),
    ]  # fmt: skip

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
"""A loopback that loses, delays, repeats and reorders packets.

The kernel hands each packet to this process (NFQUEUE), which accepts it later, or drops it. Not
`tc netem`: many kernels, those of virtual machines above all, are built without it.
"""

from __future__ import annotations

import contextlib
import heapq
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

QUEUE = 50


@dataclass(frozen=True)
class Badness:
    """What happens to packets.

    Attributes:
        loss: share of them that is lost.
        delay: s by which each one is late.
        jitter: s by which it may be later, so that it arrives out of order.
        twice: share of them that arrives twice.

    """

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    twice: float = 0.0


class _Packets:
    """Receives packets in one thread, and passes them on in another when they are due."""

    def __init__(self, badness: Badness) -> None:
        try:
            import fnfqueue
        except ImportError:
            raise RuntimeError("fnfqueue is missing: pip install 'fnfqueue>=1.1,<2'") from None
        self.lost = self.passed = self.repeated = 0
        self._badness = badness
        self._chance = random.Random(5)
        self._held: list[tuple[float, int, fnfqueue.Packet]] = []
        self._changed = threading.Condition()
        self._ending = False
        self._overflow = fnfqueue.BufferOverflowException
        self._connection = fnfqueue.Connection()
        queue = self._connection.bind(QUEUE)
        # With the payload: the kernel then completes the checksum, which a repeated packet needs.
        queue.set_mode(fnfqueue.MAX_PAYLOAD, fnfqueue.COPY_PACKET)
        self._raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._threads = [threading.Thread(target=each) for each in (self._receive, self._pass_on)]
        for thread in self._threads:
            thread.start()

    def _receive(self) -> None:
        while True:
            try:
                for number, packet in enumerate(self._connection):
                    self._take(number, packet)
            except self._overflow:  # more than it could hold: those are lost
                self._connection.reset()
            else:
                return

    def _take(self, number, packet) -> None:
        badness, chance = self._badness, self._chance
        if chance.random() < badness.loss:
            self.lost += 1
            packet.drop()
            return
        if chance.random() < badness.twice:
            self.repeated += 1
            self._raw.sendto(packet.payload, ('127.0.0.1', 0))
        due = time.monotonic() + badness.delay + chance.uniform(0.0, badness.jitter)
        with self._changed:
            heapq.heappush(self._held, (due, number, packet))
            self._changed.notify()

    def _pass_on(self) -> None:
        while True:
            with self._changed:
                while not self._held or self._held[0][0] > time.monotonic():
                    if self._ending:
                        if not self._held:
                            return
                        break
                    self._changed.wait(self._held[0][0] - time.monotonic() if self._held else None)
                _, _, packet = heapq.heappop(self._held)
            packet.accept()
            self.passed += 1

    def close(self) -> None:
        """Pass on what is held, and end."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._threads[1].join()
        self._connection.close()
        self._threads[0].join()
        self._raw.close()


@contextlib.contextmanager
def bad_network(badness: Badness) -> Iterator[_Packets]:
    """Make the loopback of this network bad for a while; yield what counts its packets.

    Raises:
        RuntimeError: a packet was never lost, passed on or repeated, as it should have been.

    """
    rule = ['INPUT', '-i', 'lo', '-j', 'NFQUEUE', '--queue-num', str(QUEUE), '--queue-bypass']
    packets = _Packets(badness)
    try:
        subprocess.run(['iptables', '-A', *rule], check=True)
        try:
            yield packets
        finally:
            subprocess.run(['iptables', '-D', *rule], check=True)
    finally:
        packets.close()
    wanted = {'lost': badness.loss, 'passed': 1.0, 'repeated': badness.twice}
    missing = [name for name, share in wanted.items() if share and not getattr(packets, name)]
    if missing:
        raise RuntimeError(f'of the packets of the loopback none was {" or ".join(missing)}')

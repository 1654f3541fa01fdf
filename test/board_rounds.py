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
"""Rounds of a driver with a simulated board: no line, no waiting."""

import struct

from oht50_bridge.hardware.errors import RequestAbandonedError
from oht50_bridge.hardware.requests import Break
from oht50_bridge.hardware.requests import Reply
from oht50_bridge.hardware.requests import Write


class Clock:
    """Time that passes only when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def run(
    module,
    board,
    clock,
    seconds,
    dead=(),
    error=None,
    cost=0.01,
    refuses=None,
    exchange=0.01,
    late=0.0,
    requests=None,
):
    """Let a driver work for some seconds.

    Args:
        module: the driver.
        board: the simulated board.
        clock: the test's.
        seconds: how long.
        dead: blocks whose requests fail with `error` after `cost` s.
        refuses: error of each write that is sent.
        exchange: s that each request takes.
        late: s that the reply to a read is on its way beyond that.
        requests: list that receives each request with the time when it was sent.

    """
    end = clock.now + seconds
    while clock.now < end:
        steps, result, raised = module.steps(), None, None
        try:
            while True:
                request = steps.throw(raised) if raised is not None else steps.send(result)
                if requests is not None:
                    requests.append((clock.now, request))
                clock.now += exchange
                result = raised = None
                if request.valid is not None and not request.valid():
                    raised = RequestAbandonedError('no longer valid')
                    continue
                if isinstance(request, Break):
                    result = Reply((), 1, clock.now)
                elif isinstance(request, Write) and refuses is not None:
                    raised = refuses
                elif isinstance(request, Write):
                    head = (request.address, len(request.values), 2 * len(request.values))
                    words = struct.pack(f'>{len(request.values)}H', *request.values)
                    board.handle(struct.pack('>BHHB', 16, *head) + words, clock.now)
                    result = Reply((), 1, clock.now)
                elif any(
                    (request.address, request.count) == (block.start, block.count)
                    for block in dead
                ):
                    clock.now += cost
                    raised = error
                else:
                    pdu = struct.pack('>BHH', 3, request.address, request.count)
                    reply = board.handle(pdu, clock.now)
                    clock.now += late
                    words = struct.unpack(f'>{request.count}H', reply[2:])
                    result = Reply(words, 1, clock.now)
                module.exchanged(raised)
        except StopIteration as done:
            clock.now = max(clock.now + 0.001, done.value)

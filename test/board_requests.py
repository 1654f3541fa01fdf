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
"""Requests to a simulated board, without a line."""

import struct

READ, WRITE, WRITE_SEVERAL = 3, 6, 16


def read(board, name, now=0.0):
    register = board.profile.registers[name]
    reply = board.handle(struct.pack('>BHH', READ, register.address, register.count), now)
    assert reply[:2] == bytes([READ, 2 * register.count])
    return register.decode(struct.unpack(f'>{register.count}H', reply[2:]))


def write(board, name, value, now=0.0):
    """Write a register by function 6 or 16; return the reply."""
    register = board.profile.registers[name]
    words = register.encode(value)
    if len(words) == 1:
        return board.handle(struct.pack('>BHH', WRITE, register.address, words[0]), now)
    head = struct.pack('>BHHB', WRITE_SEVERAL, register.address, len(words), 2 * len(words))
    return board.handle(head + struct.pack(f'>{len(words)}H', *words), now)

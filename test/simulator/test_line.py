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
"""A line of the simulator: which requests are answered, and with which bytes."""

from __future__ import annotations

import os
import random
import select
import termios
import time

import pytest

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.rtu import frame
from oht50_bridge.hardware.rtu import intact
from oht50_bridge.hardware.rtu import read_request
from oht50_bridge.simulator.boards import BOARDS
from oht50_bridge.simulator.event_loop import EventLoop
from oht50_bridge.simulator.line import PtyLine
from oht50_bridge.simulator.physics import Parameters
from oht50_bridge.simulator.physics import World

QUIET = {'loss': 0.0, 'overwrite': 0.0, 'quiet_before': 0.0, 'tick': 0.0}


class Wire:
    """A line with one power board at address 2, and its port."""

    def __init__(self, directory):
        self.loop = EventLoop()
        rng = random.Random(1)
        self.line = PtyLine(self.loop, rng, 'all', directory / 'all', 115200)
        profile = load('stm32_power')
        self.board = BOARDS[profile.kind](
            'power', 2, profile, World(Parameters()), QUIET, rng, lambda *change: None
        )
        self.line.boards[2] = self.board
        self.line.plug()
        self.port = os.open(directory / 'all', os.O_RDWR | os.O_NOCTTY)
        self.tick()

    def tick(self):
        """End each wait for an event within 5 ms; a turn without a timer could wait for ever."""
        self.loop.at(time.monotonic() + 0.005, self.tick)

    def ask(self, *pieces):
        """Write bytes; return what the line answers within 0.1 s, in which it has its turns."""
        for piece in pieces:
            os.write(self.port, piece)
            self.loop.turn()
        reply, turns, end = b'', 0, time.monotonic() + 0.1
        while turns < 20 or time.monotonic() < end:
            self.loop.turn()
            turns += 1
            while select.select([self.port], [], [], 0)[0]:
                reply += os.read(self.port, 256)
        return reply

    def close(self):
        os.close(self.port)
        self.line.unplug()
        self.loop.close()


@pytest.fixture
def wire(tmp_path):
    wire = Wire(tmp_path)
    yield wire
    wire.close()


REQUEST = read_request(2, 0x0000, 1)


def test_a_read_is_answered_with_the_register(wire):
    name = next(r.name for r in wire.board.profile.registers.values() if r.address == 0)
    register = wire.board.profile.registers[name]
    reply = wire.ask(REQUEST)
    assert intact(reply)
    assert reply[:3] == bytes([2, 3, 2])
    word = int.from_bytes(reply[3:5], 'big')
    assert register.decode([word]) == wire.board.get(name)


def test_a_request_in_pieces_is_one_request(wire):
    assert intact(wire.ask(REQUEST[:3], REQUEST[3:]))


def test_a_request_to_nobody_or_with_a_wrong_check_is_not_answered(wire):
    assert wire.ask(read_request(9, 0, 1)) == b''
    assert wire.ask(REQUEST[:-1] + bytes([REQUEST[-1] ^ 1])) == b''
    assert intact(wire.ask(REQUEST))


def test_an_unknown_function_is_answered_with_exception_1(wire):
    reply = wire.ask(frame(2, bytes([0x2B, 0, 0, 0, 0])))
    assert intact(reply)
    assert reply[:3] == bytes([2, 0xAB, 1])


@pytest.mark.parametrize('habit', [{'absent': True}, {'loss': 1.0}, {'quiet_before': 3600.0}])
def test_a_board_that_is_absent_or_loses_requests_is_silent(wire, habit):
    wire.ask(read_request(9, 0, 1))  # `quiet_before` counts from the traffic of others
    for name, value in habit.items():
        setattr(wire.board.misbehaviour, name, value)
    assert wire.ask(REQUEST) == b''


def test_a_board_receives_nothing_for_a_while_after_its_own_reply(wire):
    assert wire.board.misbehaviour.quiet_after == 0.002
    wire.board.misbehaviour.quiet_after = 3600.0
    assert intact(wire.ask(REQUEST))
    assert wire.ask(REQUEST) == b''
    wire.board.misbehaviour.quiet_after = 0.002
    assert intact(wire.ask(REQUEST))


def test_a_corrupt_reply_has_a_wrong_check(wire):
    wire.board.misbehaviour.corrupt = 1.0
    reply = wire.ask(REQUEST)
    assert len(reply) == 7 and not intact(reply)


def test_a_pulled_adapter_takes_its_link_with_it(wire, tmp_path):
    wire.line.unplug()
    wire.line.unplug()
    assert not (tmp_path / 'all').is_symlink()
    wire.line.plug()
    assert (tmp_path / 'all').is_symlink()


SAFETY_REQUEST = read_request(5, 0x0000, 6)


@pytest.fixture
def safety(tmp_path):
    """Return a line with a safety board at address 5 besides the power board."""
    wire = Wire(tmp_path)
    profile = load('safety_module_fw')
    board = BOARDS[profile.kind](
        'safety', 5, profile, World(Parameters()), {}, random.Random(1), lambda *change: None
    )
    wire.line.mount(board)
    yield wire
    wire.close()


def set_speed(port, speed):
    attributes = termios.tcgetattr(port)
    attributes[4:6] = [speed] * 2
    termios.tcsetattr(port, termios.TCSANOW, attributes)


def test_the_safety_board_is_deaf_after_noise_until_a_byte_comes_at_a_lower_speed(safety):
    assert intact(safety.ask(SAFETY_REQUEST))
    safety.ask(b'\xff')
    assert [safety.ask(SAFETY_REQUEST) for _ in range(3)] == [b''] * 3
    set_speed(safety.port, termios.B9600)
    safety.ask(b'\0')
    set_speed(safety.port, termios.B115200)
    assert intact(safety.ask(SAFETY_REQUEST))


def test_the_same_byte_at_the_speed_of_the_line_is_more_noise(safety):
    safety.ask(b'\xff')
    safety.ask(b'\0')
    assert safety.ask(SAFETY_REQUEST) == b''


@pytest.mark.parametrize('board', ['request', 'reply'])
def test_the_safety_board_is_deaf_after_the_traffic_of_another(safety, board):
    assert intact(safety.ask(SAFETY_REQUEST))
    kept = safety.line._buffers[5]
    if board == 'request':
        safety.ask(read_request(9, 0, 1))  # to which nobody replies
        assert len(kept) == 8
    else:
        reply = safety.ask(REQUEST)
        assert intact(reply)
        assert len(kept) == 8 + len(reply)
    assert safety.ask(SAFETY_REQUEST) == b''
    assert intact(safety.ask(REQUEST))  # the power board is well


def test_the_safety_board_receives_noise_that_nobody_sent(safety):
    safety.line.noise(b'\xff')
    assert safety.ask(SAFETY_REQUEST) == b''
    assert intact(safety.ask(REQUEST))


def test_a_byte_at_a_lower_speed_is_dropped_by_the_other_boards(wire):
    os.write(wire.port, REQUEST[:3])
    wire.loop.turn()
    set_speed(wire.port, termios.B9600)
    wire.ask(b'\0')
    set_speed(wire.port, termios.B115200)
    assert intact(wire.ask(REQUEST))


def test_a_safety_board_that_starts_receives_nothing(safety):
    board = safety.line.boards[5]
    board.reboot(time.monotonic())
    safety.ask(b'\xff')
    assert safety.ask(SAFETY_REQUEST) == b''
    board.silent_until = 0.0
    assert intact(safety.ask(SAFETY_REQUEST))


def test_the_safety_board_answers_at_once(safety):
    habit = safety.line.boards[5].misbehaviour
    assert habit.tick == 0.0
    assert habit.delay <= 0.0015
    started = time.monotonic()
    os.write(safety.port, SAFETY_REQUEST)
    while not select.select([safety.port], [], [], 0)[0]:
        safety.loop.turn()
        assert time.monotonic() - started < 1.0

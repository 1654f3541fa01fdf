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
"""The control socket: commands as lines of JSON, and what a wrong one is answered."""

from __future__ import annotations

import json
import socket

import pytest

from oht50_bridge.simulator.control_server import CONTROL_SOCKET
from oht50_bridge.simulator.control_server import ControlServer
from oht50_bridge.simulator.control_server import short_path
from oht50_bridge.simulator.event_loop import EventLoop


class Counter:
    """Commands of a test."""

    def __init__(self):
        self.value = 0

    def add(self, amount):
        """Add to the value; return it."""
        self.value += amount
        return self.value

    def _hidden(self):
        raise AssertionError('not a command')


class Talk:
    """A client of a control server that runs in this thread."""

    def __init__(self, directory):
        self.updates = 0
        self.loop = EventLoop()
        path = directory / CONTROL_SOCKET
        ControlServer(self.loop, Counter(), self._update).listen(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(directory) as folder:
            self.socket.connect(f'{folder}/{path.name}')
        self.loop.turn()

    def _update(self):
        self.updates += 1

    def send(self, data):
        """Send bytes and let the server read them."""
        self.socket.sendall(data)
        self.loop.turn()

    def replies(self):
        """Return the replies that have arrived."""
        return [json.loads(line) for line in self.socket.recv(65536).splitlines()]


@pytest.fixture
def talk(tmp_path):
    # Longer than the path of a Unix socket may be.
    directory = tmp_path / ('d' * 100) / ('e' * 100)
    directory.mkdir(parents=True)
    talk = Talk(directory)
    yield talk
    talk.socket.close()
    talk.loop.close()


def test_a_command_is_answered_and_the_simulator_updated_around_it(talk):
    talk.send(b'{"command": "add", "amount": 2}\n')
    assert talk.replies() == [{'ok': True, 'result': 2}]
    assert talk.updates == 2


def test_several_lines_at_once_and_one_in_pieces(talk):
    line = b'{"command": "add", "amount": 1}\n'
    talk.send(line + line + line[:10])
    assert [reply['result'] for reply in talk.replies()] == [1, 2]
    talk.send(line[10:])
    assert [reply['result'] for reply in talk.replies()] == [3]


@pytest.mark.parametrize(
    ('line', 'error'),
    [
        (b'{"command": "_hidden"}', 'unknown command'),
        (b'{"command": "subtract"}', 'unknown command'),
        (b'{"command": "add", "amont": 1}', 'amont'),
        (b'{"amount": 1}', "KeyError: 'command'"),
        (b'[]', 'TypeError'),
        (b'no json', 'JSONDecodeError'),
    ],
)
def test_a_wrong_command_is_answered_and_the_connection_continues(talk, line, error):
    talk.send(line + b'\n')
    (reply,) = talk.replies()
    assert not reply['ok'] and error in reply['error']
    talk.send(b'{"command": "add", "amount": 1}\n')
    assert talk.replies() == [{'ok': True, 'result': 1}]

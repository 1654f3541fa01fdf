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
"""The tap of serial lines of the fault harness, on real terminals."""

import contextlib
import os
import pty
import select
import time
import tty

import pytest
from faults.harness.line_taps import LineTaps
from faults.harness.modbus import intact
from faults.harness.modbus import sealed
from support import wait_for

READ = sealed(bytes([3, 3, 0, 0, 0, 1]))
OTHER = sealed(bytes([3, 3, 0, 5, 0, 1]))
WRITE = sealed(bytes([3, 6, 0, 1, 0, 0]))
REPLY = sealed(bytes([3, 3, 2, 0, 7]))
SILENCE = 0.15  # s, after which nothing comes any more

pytestmark = pytest.mark.processes


class Ends:
    """Both ends of a tapped line: the port that a vehicle opens, and the boards."""

    def __init__(self, folder):
        self.boards, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.link = folder / 'line'
        self.taps = LineTaps({'line': (self.link, os.ttyname(self._slave))})
        self.host = -1
        self.open()

    def open(self):
        self.host = os.open(self.link, os.O_RDWR | os.O_NOCTTY)

    def close(self):
        self.taps.__exit__()
        for fd in (self.host, self.boards, self._slave):
            os.close(fd)

    def exchange(self, request=READ, reply=REPLY):
        """Send a request and answer what arrives; return what arrived, and what came back."""
        os.write(self.host, request)
        arrived = received(self.boards)
        if arrived and reply:
            os.write(self.boards, reply)
        return arrived, received(self.host)


def received(fd):
    """Return what comes until there is silence."""
    data = b''
    while select.select([fd], [], [], SILENCE)[0]:
        data += os.read(fd, 4096)
    return data


@pytest.fixture
def ends(tmp_path):
    ends = Ends(tmp_path)
    yield ends
    ends.close()


def test_it_passes_everything_and_keeps_it(ends):
    before = time.monotonic()
    assert ends.exchange() == (READ, REPLY)
    frames = ends.taps.frames()
    assert [(frame.way, frame.data) for frame in frames] == [
        ('sent', READ), ('arrived', READ), ('replied', REPLY),
    ]  # fmt: skip
    assert before < frames[0].at <= frames[-1].at < time.monotonic()
    assert ends.taps.frames() == []


@pytest.mark.parametrize(
    ('habits', 'request_', 'arrived', 'back'),
    [
        ({'drop': 1.0}, READ, b'', b''),
        ({'mute_requests': True}, READ, b'', b''),
        ({'mute_replies': True}, READ, READ, b''),
        ({'duplicate': 1.0}, READ, READ, REPLY + REPLY),
        ({'garbage': 2}, READ, READ, b'\0\0' + REPLY),
        ({'foreign': 1.0}, READ, READ, sealed(bytes([0x63, 3, 2, 0, 7])) + REPLY),
        ({'echo': True}, READ, READ, READ + REPLY),
        ({'exception': 4}, READ, b'', sealed(bytes([3, 0x83, 4]))),
        ({'refuse_writes': 4}, READ, READ, REPLY),
        ({'refuse_writes': 4}, WRITE, b'', sealed(bytes([3, 0x86, 4]))),
        ({'unit': 5, 'mute_replies': True}, READ, READ, REPLY),
    ],
)
def test_it_disturbs_what_passes(ends, habits, request_, arrived, back):
    ends.taps.disturb('line', **habits)
    assert ends.exchange(request_) == (arrived, back)
    ends.taps.disturb('line')
    assert ends.exchange(request_) == (request_, REPLY)


def test_it_changes_bits(ends):
    ends.taps.disturb('line', flip=1.0)
    arrived, _ = ends.exchange(reply=b'')
    assert len(arrived) == len(READ) and not intact(arrived)
    assert all((one ^ other).bit_count() == 1 for one, other in zip(arrived, READ, strict=True))


def test_a_reply_comes_after_the_next_request(ends):
    ends.taps.disturb('line', late=1.0)
    assert ends.exchange() == (READ, b'')
    ends.taps.disturb('line')
    assert ends.exchange(OTHER, b'') == (OTHER, REPLY)


def test_a_reply_is_delayed(ends):
    ends.taps.disturb('line', delay=0.1)
    os.write(ends.host, READ)
    received(ends.boards)
    start = time.monotonic()
    os.write(ends.boards, REPLY)
    assert select.select([ends.host], [], [], 2.0)[0]
    assert time.monotonic() - start > 0.09


def test_it_babbles(ends):
    ends.taps.disturb('line', babble=0.003)
    assert select.select([ends.host], [], [], 2.0)[0]
    ends.taps.disturb('line')
    received(ends.host)
    assert ends.exchange() == (READ, REPLY)


def test_a_port_is_pulled_and_comes_back_under_another_name(ends):
    name = os.ttyname(ends.host)
    ends.taps.unplug('line')
    assert not ends.link.exists()
    with contextlib.suppress(OSError):
        wait_for(lambda: os.read(ends.host, 1) == b'', 2.0, 'the port is gone')
    ends.taps.plug('line')
    os.close(ends.host)
    ends.open()
    assert os.ttyname(ends.host) != name
    assert ends.exchange() == (READ, REPLY)

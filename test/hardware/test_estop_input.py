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
"""The GPIO line of the emergency stop chain.

No kernel of a test machine can be counted on to have a GPIO chip: the line is a pipe here, each
byte an edge, the last one the level, behind the three functions of a gpiod request that are used.
"""

import os
import select

import pytest

from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.estop_input import EstopInput
from oht50_bridge.hardware.estop_input import open_estop_input

OFFSET = 27
CLOSED, OPEN = b'1', b'0'


class PipeLine:
    """A line that is a pipe."""

    def __init__(self):
        self.fd, self._end = os.pipe()
        os.set_blocking(self.fd, False)
        self._level = CLOSED

    def change(self, *levels):
        for level in levels:
            os.write(self._end, level)

    def close(self):
        os.close(self._end)
        os.close(self.fd)

    def wait_edge_events(self, timeout):
        return bool(select.select([self.fd], [], [], timeout)[0])

    def read_edge_events(self):
        events = os.read(self.fd, 16)  # the kernel's buffer
        self._level = events[-1:]
        return list(events)

    def get_value(self, offset):
        assert offset == OFFSET
        return self._level == CLOSED


@pytest.fixture
def pipe():
    return PipeLine()


def test_line_is_pressed_while_it_is_open(pipe):
    line = EstopInput(pipe, OFFSET)
    assert line.pressed() is False
    pipe.change(OPEN)
    assert [line.pressed() for _ in range(3)] == [True] * 3
    pipe.change(CLOSED)
    assert line.pressed() is True, 'it was open since the last look'
    assert line.pressed() is False


def test_opening_that_was_over_before_the_next_look_is_seen_once(pipe):
    line = EstopInput(pipe, OFFSET)
    pipe.change(OPEN, CLOSED)
    assert [line.pressed() for _ in range(2)] == [True, False]


def test_more_edges_than_the_kernel_gives_at_once_leave_the_last_level(pipe):
    line = EstopInput(pipe, OFFSET)
    pipe.change(*[OPEN, CLOSED] * 50)
    assert [line.pressed() for _ in range(2)] == [True, False]


def test_line_that_cannot_be_read_any_more_is_pressed(pipe):
    line = EstopInput(pipe, OFFSET)
    assert line.pressed() is False
    pipe.close()
    assert line.pressed() is True


@pytest.mark.parametrize('chip', ['/dev/gpiochip-that-is-not-there', '/dev/null'])
def test_line_that_is_not_there_is_refused_by_name(chip):
    with pytest.raises(HardwareConfigError, match=f'gpio_chip {chip}'):
        open_estop_input(chip, OFFSET)

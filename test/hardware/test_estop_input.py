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
import re
import select
import sys
from enum import Enum
from types import ModuleType
from types import SimpleNamespace

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
    line = EstopInput(pipe, OFFSET, 'high')
    assert line.pressed() is False
    pipe.change(OPEN)
    assert [line.pressed() for _ in range(3)] == [True] * 3
    pipe.change(CLOSED)
    assert line.pressed() is True, 'it was open since the last look'
    assert line.pressed() is False


def test_opening_that_was_over_before_the_next_look_is_seen_once(pipe):
    line = EstopInput(pipe, OFFSET, 'high')
    pipe.change(OPEN, CLOSED)
    assert [line.pressed() for _ in range(2)] == [True, False]


def test_more_edges_than_the_kernel_gives_at_once_leave_the_last_level(pipe):
    line = EstopInput(pipe, OFFSET, 'high')
    pipe.change(*[OPEN, CLOSED] * 50)
    assert [line.pressed() for _ in range(2)] == [True, False]


def test_line_that_cannot_be_read_any_more_is_pressed(pipe):
    line = EstopInput(pipe, OFFSET, 'high')
    assert line.pressed() is False
    pipe.close()
    assert line.pressed() is True


@pytest.mark.parametrize('chip', ['/dev/gpiochip-that-is-not-there', '/dev/null'])
def test_line_that_is_not_there_is_refused_by_name(chip):
    with pytest.raises(HardwareConfigError, match=f'gpio_chip {chip}'):
        open_estop_input(chip, OFFSET, 'pull_down', 'high')


class Wire:
    """A wire from the line through normally closed contacts to a level, and gpiod reading it.

    The line has the level of the contacts while it is connected, else that of its resistor.
    """

    def __init__(self, level):
        self._level = level == 'high'
        self.connected = True
        self._pull = None

    def install(self, monkeypatch):
        """Stand in for the module gpiod."""
        gpiod, line = ModuleType('gpiod'), ModuleType('gpiod.line')
        line.Bias = Enum('Bias', ['AS_IS', 'DISABLED', 'PULL_UP', 'PULL_DOWN'])
        line.Direction = Enum('Direction', ['INPUT', 'OUTPUT'])
        line.Edge = Enum('Edge', ['NONE', 'BOTH'])
        gpiod.LineSettings = SimpleNamespace
        gpiod.request_lines = self.request_lines
        gpiod.line = line
        monkeypatch.setitem(sys.modules, 'gpiod', gpiod)
        monkeypatch.setitem(sys.modules, 'gpiod.line', line)

    def request_lines(self, chip, consumer, config):
        settings = config[OFFSET]
        assert (settings.direction.name, settings.edge_detection.name) == ('INPUT', 'BOTH')
        # Without a resistor, the worst: it floats at the level of a closed chain.
        self._pull = {'PULL_UP': True, 'PULL_DOWN': False}.get(settings.bias.name, self._level)
        return self

    def wait_edge_events(self, timeout):
        return False

    def get_value(self, offset):
        assert offset == OFFSET
        return self._level if self.connected else self._pull


@pytest.mark.parametrize(('bias', 'closed'), [('pull_down', 'high'), ('pull_up', 'low')])
def test_cut_wire_reads_as_open(monkeypatch, bias, closed):
    wire = Wire(closed)
    wire.install(monkeypatch)
    pressed = open_estop_input('chip', OFFSET, bias, closed)
    assert pressed() is False, 'the chain is closed'
    wire.connected = False  # a pressed button, a cut wire, a loose plug
    assert pressed() is True
    wire.connected = True
    assert pressed() is False


@pytest.mark.parametrize('bias', ['pull_down', 'pull_up', 'disabled', 'as_is', '', 'PULL_UP'])
@pytest.mark.parametrize('closed', ['high', 'low', ''])
def test_no_accepted_configuration_reads_a_cut_wire_as_closed(monkeypatch, bias, closed):
    wire = Wire(closed)
    wire.install(monkeypatch)
    try:
        pressed = open_estop_input('chip', OFFSET, bias, closed)
    except HardwareConfigError as error:
        assert re.match('gpio_(bias|closed) ', str(error))
        assert 'give' in str(error)
        return
    wire.connected = False
    assert pressed() is True


@pytest.mark.parametrize(
    ('bias', 'closed', 'message'),
    [
        ('pull_up', 'high', "gpio_closed 'high': with gpio_bias pull_up a cut wire would read"),
        ('pull_down', 'low', "gpio_closed 'low': with gpio_bias pull_down a cut wire would read"),
        ('disabled', 'high', "gpio_bias 'disabled': a cut wire would float; give pull_down"),
    ],
)
def test_wiring_that_hides_a_cut_wire_is_refused_with_field_and_remedy(bias, closed, message):
    with pytest.raises(HardwareConfigError, match=message):
        open_estop_input('chip', OFFSET, bias, closed)

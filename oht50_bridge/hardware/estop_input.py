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
"""A GPIO line of the host that carries an emergency stop chain: a cut wire reads as open.

The chain of normally closed contacts connects the line to one level, and the resistor of the line
pulls it to the other. So a pressed button, a cut wire and a loose plug all read as open. Both
ways of wiring are possible: contacts to the supply and a pull-down (`pull_down`, closed `high`),
or contacts to ground and a pull-up (`pull_up`, closed `low`). With any other combination a cut
wire would read as closed, or float.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oht50_bridge.hardware.errors import HardwareConfigError

#: The level of a closed chain by the resistor of the line.
CLOSED_LEVELS = {'pull_down': 'high', 'pull_up': 'low'}


def open_estop_input(chip: str, offset: int, bias: str, closed: str) -> Callable[[], bool]:
    """Return a function that tells whether the chain is open, see `EstopInput.pressed`.

    Args:
        chip: path of the GPIO chip.
        offset: the line's number on it.
        bias: resistor of the line, one of CLOSED_LEVELS. A chip without such a resistor does not
            report it; then one must be fitted outside.
        closed: level of the line while the chain is closed, the one of CLOSED_LEVELS.

    Raises:
        HardwareConfigError: a cut wire would not read as open, there is no such line, or python
            has no gpiod.
    """
    _check_wiring(bias, closed)
    try:
        import gpiod
        from gpiod.line import Bias
        from gpiod.line import Direction
        from gpiod.line import Edge
    except ImportError as error:
        raise HardwareConfigError(
            f'gpio_chip {chip}: python needs the package gpiod, version 2, to read it ({error})'
        ) from error
    settings = gpiod.LineSettings(
        direction=Direction.INPUT,
        bias=Bias.PULL_DOWN if bias == 'pull_down' else Bias.PULL_UP,
        edge_detection=Edge.BOTH,
    )
    try:
        request = gpiod.request_lines(chip, consumer='oht50-estop', config={offset: settings})
    except (OSError, ValueError) as error:
        raise HardwareConfigError(
            f'gpio_chip {chip}, gpio_line {offset}: {error}; give the line of the emergency stop, '
            'or an empty gpio_chip'
        ) from error
    return EstopInput(request, offset, closed).pressed


def _check_wiring(bias: str, closed: str) -> None:
    if bias not in CLOSED_LEVELS:
        raise HardwareConfigError(
            f'gpio_bias {bias!r}: a cut wire would float; give pull_down (contacts to the supply) '
            'or pull_up (contacts to ground)'
        )
    if closed != CLOSED_LEVELS[bias]:
        raise HardwareConfigError(
            f'gpio_closed {closed!r}: with gpio_bias {bias} a cut wire would read as closed; give '
            f'{CLOSED_LEVELS[bias]!r} and wire the contacts to that level, or the other gpio_bias'
        )


class EstopInput:
    """The line of the emergency stop chain.

    Args:
        request: a LineRequest of gpiod that detects both edges of the line.
        offset: the line's number.
        closed: level of the line while the chain is closed, high or low.
    """

    def __init__(self, request: Any, offset: int, closed: str) -> None:
        self._request = request
        self._offset = offset
        self._closed_is_high = closed == 'high'

    def pressed(self) -> bool:
        """Tell whether the chain is open, or was since the last call, or cannot be read.

        The kernel keeps the edges, so that no opening is too short to be seen.
        """
        try:
            opened = False
            while self._request.wait_edge_events(0):
                opened |= bool(self._request.read_edge_events())
            is_high = bool(self._request.get_value(self._offset))
            return opened or is_high != self._closed_is_high
        except OSError:
            return True

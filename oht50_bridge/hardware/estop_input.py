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
"""A GPIO line of the host that carries an emergency stop chain: high while closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oht50_bridge.hardware.errors import HardwareConfigError


def open_estop_input(chip: str, offset: int) -> Callable[[], bool]:
    """Return a function that tells whether the chain is open, see `EstopInput.pressed`.

    Args:
        chip: path of the GPIO chip.
        offset: the line's number on it.

    Raises:
        HardwareConfigError: there is no such line, or python has no gpiod.
    """
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
        direction=Direction.INPUT, bias=Bias.PULL_UP, edge_detection=Edge.BOTH
    )
    try:
        request = gpiod.request_lines(chip, consumer='oht50-estop', config={offset: settings})
    except (OSError, ValueError) as error:
        raise HardwareConfigError(
            f'gpio_chip {chip}, gpio_line {offset}: {error}; give the line of the emergency stop, '
            'or an empty gpio_chip'
        ) from error
    return EstopInput(request, offset).pressed


class EstopInput:
    """The line of the emergency stop chain.

    Args:
        request: a LineRequest of gpiod that detects both edges of the line.
        offset: the line's number.
    """

    def __init__(self, request: Any, offset: int) -> None:
        self._request = request
        self._offset = offset

    def pressed(self) -> bool:
        """Tell whether the chain is open, or was since the last call, or cannot be read.

        The kernel keeps the edges, so that no opening is too short to be seen.
        """
        try:
            opened = False
            while self._request.wait_edge_events(0):
                opened |= bool(self._request.read_edge_events())
            return opened or not self._request.get_value(self._offset)
        except OSError:
            return True

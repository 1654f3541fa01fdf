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
"""What hardware_node reports of the boards, as far as the safety rules need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class BoardReport:
    """State of one board.

    Attributes:
        module_id: unique name.
        kind: what the board is for, such as `safety` or `travel_motor`.
        online: it answers and its layout is confirmed.
        status: `online`, `offline` or `error`.
        error: description of its error; empty without one, also before the first request.
        boot_time: s from its power-up until it can answer.

    """

    module_id: str
    kind: str
    online: bool
    status: str
    error: str
    boot_time: float = 0.0


@dataclass(frozen=True)
class InputsReport:
    """A report of the safety board.

    Attributes:
        configured: its inputs are enabled; a disabled input reports nothing of a pressed button.
        alarm: it judges its inputs critical or faulty.
        latched: it holds its relay open.
        estop_pressed: the emergency stop chain is open.
        distances: m, to the nearest obstacle by each input; infinity: none in range, NaN: no
            reading.
        digital_inputs: whether each input is active.
        dangers: how often since the start of hardware_node the chain was opened, or a board
            without a latch judged its inputs critical or faulty.
        received: how many of them a safety_node has received, this one or one before it.

    """

    configured: bool = True
    alarm: bool = False
    latched: bool = False
    estop_pressed: bool = False
    distances: Sequence[float] = ()
    digital_inputs: Sequence[bool] = ()
    dangers: int = 0
    received: int = 0

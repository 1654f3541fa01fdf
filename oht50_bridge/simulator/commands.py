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
"""Commands of tests and demonstrations to the simulator."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from typing import Protocol

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.simulator.boards.board import Board
from oht50_bridge.simulator.line import PtyLine
from oht50_bridge.simulator.physics import World


class Controlled(Protocol):
    """What the commands act on: the simulator."""

    world: World
    boards: dict[str, Board]
    lines: dict[str, PtyLine]
    watched: dict[str, set[str]]
    log: list[tuple[float, str, str, list[int]]]

    def board(self, name: str) -> Board:
        """Return a board; ValueError when there is none of this name."""

    def build(self, config: Mapping[str, Any]) -> None:
        """Make world, lines and boards of a configuration."""

    def mount(
        self,
        line: PtyLine,
        name: str,
        address: int,
        profile: RegisterProfile,
        habits: Mapping[str, Any],
    ) -> None:
        """Put a board on a line."""


class Commands:
    """Each public method is a command; its parameters are the fields of the request.

    Args:
        simulator: what they act on.

    """

    def __init__(self, simulator: Controlled) -> None:
        self._simulator = simulator

    def truth(self) -> dict[str, Any]:
        """Return the state of the world."""
        world = self._simulator.world
        return {
            'time_monotonic': time.monotonic(),
            'position': world.position,
            'velocity': world.velocity,
            'acceleration': world.acceleration,
            'soc': world.soc,
            'voltage': world.voltage,
            'current': world.current,
            'battery_temperature': world.battery_temperature,
            'charger_temperature': world.charger_temperature,
            'charging': world.charging,
            'charge_requested': world.charge_requested,
            'travelled': world.travelled,
            'drawn': world.drawn,
            'crashes': world.crashes,
            'rope': world.rope,
            'estop_pressed': not world.input_levels[0],
            'obstacles': world.obstacles,
        }

    def set(self, **values: Any) -> None:
        """Change the world."""
        world = self._simulator.world
        simple = {
            'position', 'soc', 'charge_rate', 'charger_connected', 'obstacles',
            'unplugged_distances', 'rope_slip',
        }  # fmt: skip
        for name, value in values.items():
            if name == 'estop_pressed':
                world.input_levels[0] = not value
            elif name == 'input_levels':
                world.input_levels[:] = [bool(level) for level in value]
            elif name == 'rope':
                world.wind(value)
            elif name in simple:
                setattr(world, name, value)
            else:
                raise ValueError(f'cannot set {name!r}')

    def misbehave(self, board: str, **habits: Any) -> dict[str, Any]:
        """Change the behaviour of a board; return all of it."""
        target = self._simulator.board(board)
        for name, value in habits.items():
            if name not in target.misbehaviour.__dataclass_fields__:
                raise ValueError(f'no misbehaviour {name!r}')
            setattr(target.misbehaviour, name, value)
        return asdict(target.misbehaviour)

    def reboot(self, board: str) -> None:
        """Reboot a board."""
        self._simulator.board(board).reboot(time.monotonic())

    def configure(self, **config: Any) -> None:
        """Replace lines, boards and world."""
        for line in self._simulator.lines.values():
            line.unplug()
        self._simulator.build(config)
        for line in self._simulator.lines.values():
            line.plug()

    def swap(self, board: str, profile: str) -> None:
        """Replace a board by one with another profile."""
        old = self._simulator.board(board)
        line = next(line for line in self._simulator.lines.values() if old in line.boards.values())
        self._simulator.mount(line, old.name, old.address, load(profile), asdict(old.misbehaviour))

    def read(self, board: str, register: str) -> Any:
        """Return the value of a register."""
        return self._simulator.board(board).get(register)

    def write(self, board: str, register: str, value: Any) -> None:
        """Set the value of a register."""
        self._simulator.board(board).put(register, value)

    def write_words(self, board: str, register: str, words: list[int]) -> None:
        """Set the words of a register, also to what it should not have."""
        target = self._simulator.board(board)
        target.set_words(register, words)

    def registers(self, board: str) -> dict[str, int]:
        """Return every word of a board by address."""
        return {
            f'0x{a:04X}': word for a, word in sorted(self._simulator.board(board).words.items())
        }

    def watch(self, board: str, registers: list[str]) -> None:
        """Log the changes of some registers or outputs from now on."""
        target = self._simulator.board(board)
        for register in registers:
            if register not in target.profile.registers and register not in target.outputs:
                raise ValueError(f'no register or output {register!r}')
        self._simulator.watched[board] = set(registers)
        self._simulator.log.clear()

    def log(self) -> list[Any]:
        """Return the logged changes: time, board, register, words."""
        return list(self._simulator.log)

    def noise(self, line: str, data: str) -> None:
        """Let the boards of a line receive bytes that nobody sent, given in hexadecimal."""
        self._simulator.lines[line].noise(bytes.fromhex(data))

    def unplug(self, line: str) -> None:
        """Pull the adapter of a line."""
        self._simulator.lines[line].unplug()

    def plug(self, line: str) -> None:
        """Plug the adapter of a line in."""
        self._simulator.lines[line].plug()

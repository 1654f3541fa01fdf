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
"""The simulator: world, boards, lines and control, in one thread."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.paths import make_private
from oht50_bridge.signals import handle_signals
from oht50_bridge.simulator.boards import board_class
from oht50_bridge.simulator.boards.board import Board
from oht50_bridge.simulator.boards.motor import MotorBoard
from oht50_bridge.simulator.commands import Commands
from oht50_bridge.simulator.control_server import CONTROL_SOCKET
from oht50_bridge.simulator.control_server import ControlServer
from oht50_bridge.simulator.event_loop import EventLoop
from oht50_bridge.simulator.line import PtyLine
from oht50_bridge.simulator.physics import Parameters
from oht50_bridge.simulator.physics import World

DEFAULT_CONFIG: dict[str, Any] = {
    'lines': {
        'drive': {'boards': [{'id': 'travel_motor', 'profile': 'driver_2_motor', 'address': 3}]},
        'sense': {'boards': [
            {'id': 'power', 'profile': 'stm32_power', 'address': 2},
            {'id': 'dock', 'profile': 'oht_v2_dock', 'address': 5},
        ]},
        'safety': {'boards': [{'id': 'safety', 'profile': 'safety_module_fw', 'address': 5}]},
    },
}  # fmt: skip
_LAST_BREATH = 1.2  # s from the death of the parent to the end
_HOUSEKEEPING = 0.05  # s between updates without requests


class Simulator:
    """Lines, boards, world, control.

    Args:
        config: {'lines': {name: {baudrate, boards: [{id, profile, address, misbehaviour}]}},
            'vehicle': fields of physics.Parameters, 'seed': number}.
        directory: folder for the links to the pseudo-terminals and the control socket.
        die_with_parent: end soon after the parent process has died.
        linger: s from SIGINT or SIGTERM to the end.

    Raises:
        ValueError: a fault in the configuration, naming the field.

    """

    world: World
    boards: dict[str, Board]
    lines: dict[str, PtyLine]

    def __init__(
        self,
        config: Mapping[str, Any],
        directory: Path,
        die_with_parent: bool = False,
        linger: float = 0.0,
    ) -> None:
        self._loop = EventLoop()
        self.log: list[tuple[float, str, str, list[int]]] = []
        self.watched: dict[str, set[str]] = {}
        self._directory = directory
        self._parent = os.getppid() if die_with_parent else None
        self._linger = linger
        self._ends_at = math.inf  # s, monotonic
        self.build(config)

    def build(self, config: Mapping[str, Any]) -> None:
        """Make world, lines and boards of a configuration.

        Raises:
            ValueError: a fault in it, naming the field.

        """
        self._rng = random.Random(config.get('seed', 1))  # noqa: S311 - not for secrets
        self.log.clear()
        self.watched.clear()
        known = Parameters.__dataclass_fields__
        vehicle = config.get('vehicle', {})
        for name in vehicle:
            if name not in known:
                raise ValueError(f'vehicle.{name}: unknown, choose from {sorted(known)}')
        self.world = World(Parameters(**vehicle))
        self.boards: dict[str, Board] = {}
        self.lines: dict[str, PtyLine] = {}
        for name, entry in config['lines'].items():
            line = PtyLine(
                self._loop, self._rng, name, self._directory / name, entry.get('baudrate', 115200)
            )
            self.lines[name] = line
            for item in entry['boards']:
                self._add_board(line, item)

    def _add_board(self, line: PtyLine, item: Mapping[str, Any]) -> None:
        profile = load(item['profile'])
        if item['id'] in self.boards:
            raise ValueError(f'lines.{line.name}: id {item["id"]} used twice, rename one')
        if item['address'] in line.boards:
            raise ValueError(
                f'lines.{line.name}: address {item["address"]} used twice, change one'
            )
        if profile.fixed_address not in (None, item['address']):
            raise ValueError(
                f'lines.{line.name}: address {item["address"]}: a board of profile {profile.name}'
                f' is always at {profile.fixed_address}, set that'
            )
        self.mount(line, item['id'], item['address'], profile, item.get('misbehaviour', {}))

    def mount(
        self,
        line: PtyLine,
        name: str,
        address: int,
        profile: RegisterProfile,
        habits: Mapping[str, Any],
    ) -> None:
        """Put a board on a line, in place of the one with its address."""
        board = board_class(profile)(
            name, address, profile, self.world, dict(habits), self._rng, self._changed
        )
        self.boards[name] = board
        line.mount(board)
        if isinstance(board, MotorBoard):
            self.world.drive, self.world.hoist = board.drive, board.hoist

    def board(self, name: str) -> Board:
        """Return a board.

        Raises:
            ValueError: there is none of this name.

        """
        if name not in self.boards:
            raise ValueError(f'no board {name!r}, choose from {sorted(self.boards)}')
        return self.boards[name]

    def run(self, announce: Callable[[dict[str, Any]], None]) -> None:
        """Serve until SIGINT or SIGTERM; `announce` receives the paths when all is ready."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        handle_signals(lambda: self._end_in(self._linger))
        self._loop.watch(wake_read, lambda: os.read(wake_read, 64))
        make_private(self._directory)
        path = self._directory / CONTROL_SOCKET
        try:
            for line in self.lines.values():
                line.plug()
            ControlServer(self._loop, Commands(self), self._update).listen(path)
            self._housekeeping()
            announce({
                'ready': True,
                'lines': {name: str(line.link) for name, line in self.lines.items()},
                'control': str(path),
            })  # fmt: skip
            while time.monotonic() < self._ends_at:
                self._loop.turn()
        finally:
            for line in self.lines.values():
                line.unplug()
            self._loop.close()
            path.unlink(missing_ok=True)
            signal.set_wakeup_fd(-1)
            os.close(wake_read)
            os.close(wake_write)

    def _housekeeping(self) -> None:
        self._update()
        if self._parent is not None and os.getppid() != self._parent:
            # The other processes of the vehicle end too: they still have a motor to stop.
            self._parent = None
            self._end_in(_LAST_BREATH)
        self._loop.at(time.monotonic() + _HOUSEKEEPING, self._housekeeping)

    def _end_in(self, seconds: float) -> None:
        self._ends_at = min(self._ends_at, time.monotonic() + seconds)

    def _update(self) -> None:
        now = time.monotonic()
        for board in self.boards.values():
            board.update(now)

    def _changed(self, board: str, register: str, words: list[int]) -> None:
        if register in self.watched.get(board, ()):
            at = self.world.now if self.world.advancing else time.monotonic()
            self.log.append((at, board, register, words))

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
"""Serves the boards on pseudo-terminals, and the control socket, in one thread."""

from __future__ import annotations

import contextlib
import errno
import heapq
import itertools
import json
import math
import os
import pty
import random
import selectors
import signal
import socket
import time
import tty
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.hardware.rtu import crc16
from oht50_bridge.hardware.rtu import intact
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.signals import handle_signals
from oht50_bridge.simulator.boards import BOARDS
from oht50_bridge.simulator.boards import Board
from oht50_bridge.simulator.boards import MotorBoard
from oht50_bridge.simulator.physics import Parameters
from oht50_bridge.simulator.physics import World

DEFAULT_CONFIG: dict[str, Any] = {
    'lines': {
        'drive': {'boards': [{'id': 'travel_motor', 'profile': 'driver_2_motor', 'address': 4}]},
        'sense': {'boards': [
            {'id': 'power', 'profile': 'stm32_power', 'address': 2},
            {'id': 'dock', 'profile': 'oht_v2_dock', 'address': 5},
        ]},
        'safety': {'boards': [{'id': 'safety', 'profile': 'safety_module_fw', 'address': 3}]},
    },
}  # fmt: skip
CONTROL_SOCKET = 'control.sock'
_LAST_BREATH = 1.2  # s from the death of the parent to the end
_HOUSEKEEPING = 0.05  # s between updates while nobody asks
_STALE_FRAME = 0.05  # s after which an unfinished request is dropped


@dataclass
class _Line:
    name: str
    link: Path
    baudrate: int
    boards: dict[int, Board] = field(default_factory=dict)
    master: int = -1
    slave: int = -1
    buffer: bytes = b''
    last_byte: float = -math.inf
    quiet_since: float = -math.inf
    last_unit: int = 0
    busy_with_others: set[int] = field(default_factory=set)  # units that heard others' traffic


@contextlib.contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """Give a short name of a folder: the path of a Unix socket holds 107 bytes."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f'/proc/self/fd/{descriptor}'
    finally:
        os.close(descriptor)


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

    def __init__(
        self,
        config: Mapping[str, Any],
        directory: Path,
        die_with_parent: bool = False,
        linger: float = 0.0,
    ) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._log: list[tuple[float, str, str, list[int]]] = []
        self._watched: dict[str, set[str]] = {}
        self._directory = directory
        self._control: socket.socket | None = None
        self._parent = os.getppid() if die_with_parent else None
        self._linger = linger
        self._ends_at = math.inf  # s, monotonic
        self._build(config)

    def _build(self, config: Mapping[str, Any]) -> None:
        self._rng = random.Random(config.get('seed', 1))  # noqa: S311 - not for secrets
        self._log.clear()
        self._watched.clear()
        known = Parameters.__dataclass_fields__
        vehicle = config.get('vehicle', {})
        for name in vehicle:
            if name not in known:
                raise ValueError(f'vehicle.{name}: unknown, choose from {sorted(known)}')
        self.world = World(Parameters(**vehicle))
        self.boards: dict[str, Board] = {}
        self._lines: dict[str, _Line] = {}
        for name, entry in config['lines'].items():
            line = _Line(name, self._directory / name, entry.get('baudrate', 115200))
            self._lines[name] = line
            for item in entry['boards']:
                self._add_board(line, item)

    def _add_board(self, line: _Line, item: Mapping[str, Any]) -> None:
        profile = load(item['profile'])
        if item['id'] in self.boards:
            raise ValueError(f'lines.{line.name}: id {item["id"]} used twice, rename one')
        if item['address'] in line.boards:
            raise ValueError(
                f'lines.{line.name}: address {item["address"]} used twice, change one'
            )
        self._mount(line, item['id'], item['address'], profile, item.get('misbehaviour', {}))

    def _mount(
        self,
        line: _Line,
        name: str,
        address: int,
        profile: RegisterProfile,
        habits: Mapping[str, Any],
    ) -> None:
        board = BOARDS[profile.kind](
            name, address, profile, self.world, dict(habits), self._rng, self._changed
        )
        self.boards[name] = line.boards[address] = board
        if isinstance(board, MotorBoard):
            self.world.drive = board.drive

    # --- life ---

    def run(self, announce: Callable[[dict[str, Any]], None]) -> None:
        """Serve until SIGINT or SIGTERM; `announce` is told the paths when everything is ready."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        handle_signals(lambda: self._end_in(self._linger))
        self._selector.register(wake_read, selectors.EVENT_READ, lambda: os.read(wake_read, 64))
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / CONTROL_SOCKET
        try:
            for line in self._lines.values():
                self._plug(line)
            self._listen(path)
            self._housekeeping()
            announce({
                'ready': True,
                'lines': {name: str(line.link) for name, line in self._lines.items()},
                'control': str(path),
            })  # fmt: skip
            while time.monotonic() < self._ends_at:
                self._turn()
        finally:
            for line in self._lines.values():
                self._unplug(line)
            for key in list(self._selector.get_map().values()):
                self._selector.unregister(key.fileobj)
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.close()
            path.unlink(missing_ok=True)
            self._selector.close()
            signal.set_wakeup_fd(-1)
            os.close(wake_read)
            os.close(wake_write)

    def _turn(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        wait = max(self._timers[0][0] - time.monotonic(), 0.0) if self._timers else None
        for key, _ in self._selector.select(wait):
            # An earlier handler may have closed it, or opened another with its number.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    def _at(self, when: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (when, next(self._order), action))

    def _housekeeping(self) -> None:
        self._update()
        if self._parent is not None and os.getppid() != self._parent:
            # Its siblings die with it too: they still have a motor to stop and to read back.
            self._parent = None
            self._end_in(_LAST_BREATH)
        self._at(time.monotonic() + _HOUSEKEEPING, self._housekeeping)

    def _end_in(self, seconds: float) -> None:
        self._ends_at = min(self._ends_at, time.monotonic() + seconds)

    def _update(self) -> None:
        now = time.monotonic()
        for board in self.boards.values():
            board.update(now)

    # --- lines ---

    def _plug(self, line: _Line) -> None:
        if line.master >= 0:
            return
        line.master, line.slave = pty.openpty()
        tty.setraw(line.slave)
        os.set_blocking(line.master, False)
        line.buffer = b''
        self._selector.register(line.master, selectors.EVENT_READ, lambda: self._receive(line))
        temporary = line.link.with_name(f'.{line.link.name}.new')
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.ttyname(line.slave))
        temporary.replace(line.link)

    def _unplug(self, line: _Line) -> None:
        if line.master < 0:
            return
        line.link.unlink(missing_ok=True)
        self._selector.unregister(line.master)
        os.close(line.master)
        os.close(line.slave)
        line.master = line.slave = -1

    def _receive(self, line: _Line) -> None:
        try:
            data = os.read(line.master, 4096)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EIO):
                return
            raise
        now = time.monotonic()
        if now - line.last_byte > _STALE_FRAME:
            line.buffer = b''
        line.last_byte = now
        line.buffer += data
        while (length := _request_length(line.buffer)) and len(line.buffer) >= length:
            request, line.buffer = line.buffer[:length], line.buffer[length:]
            if intact(request):
                self._take(line, request, now)
            else:
                line.buffer = b''

    def _take(self, line: _Line, request: bytes, now: float) -> None:
        unit = request[0]
        ends = now + wire_time(len(request), line.baudrate)
        others_since = now - line.quiet_since if line.last_unit != unit else math.inf
        line.quiet_since, line.last_unit = ends, unit
        for address in line.boards:
            if address != unit:
                line.busy_with_others.add(address)
        board = line.boards.get(unit)
        if board is None:
            return
        habit, rng = board.misbehaviour, self._rng
        if habit.absent or now < board.silent_until or others_since < habit.quiet_before:
            return
        if rng.random() < habit.loss:
            return
        if unit in line.busy_with_others and rng.random() < habit.deaf:
            return
        when = ends
        if habit.tick > 0:
            when = (math.floor(ends / habit.tick - board.phase) + 1 + board.phase) * habit.tick
        self._at(when, lambda: self._answer(line, board, request))

    def _answer(self, line: _Line, board: Board, request: bytes) -> None:
        now = time.monotonic()
        if board.misbehaviour.absent or now < board.silent_until:
            return
        body = bytes([board.address]) + board.handle(request[1:-2], now)
        check = crc16(body)
        if self._rng.random() < board.misbehaviour.corrupt:
            check = bytes([check[0] ^ 0x55, check[1]])
        reply = body + check
        ends = now + board.misbehaviour.delay + wire_time(len(reply), line.baudrate)
        self._at(ends, lambda: self._send(line, reply))

    def _send(self, line: _Line, reply: bytes) -> None:
        if line.master < 0:
            return
        line.quiet_since, line.last_unit = time.monotonic(), reply[0]
        with contextlib.suppress(
            BlockingIOError
        ):  # nobody reads: the bytes are lost, as on a wire
            os.write(line.master, reply)

    # --- log of changes ---

    def _changed(self, board: str, register: str, words: list[int]) -> None:
        if register in self._watched.get(board, ()):
            self._log.append((time.monotonic(), board, register, words))

    # --- control ---

    def _listen(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(path.parent) as folder:
            server.bind(f'{folder}/{path.name}')
        server.listen()
        server.setblocking(False)
        self._selector.register(server, selectors.EVENT_READ, lambda: self._accept(server))

    def _accept(self, server: socket.socket) -> None:
        connection, _ = server.accept()
        pending = bytearray()
        self._selector.register(
            connection, selectors.EVENT_READ, lambda: self._converse(connection, pending)
        )

    def _converse(self, connection: socket.socket, pending: bytearray) -> None:
        try:
            data = connection.recv(65536)
            pending += data
            while b'\n' in pending:
                line, _, rest = pending.partition(b'\n')
                pending[:] = rest
                connection.sendall(json.dumps(self._reply(bytes(line))).encode() + b'\n')
        except OSError:
            data = b''
        if not data:
            self._selector.unregister(connection)
            connection.close()

    def _reply(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            command = getattr(self, f'_do_{request.pop("command")}', None)
            if command is None:
                raise ValueError('unknown command')
            self._update()
            result = command(**request)
            self._update()
            return {'ok': True, 'result': result}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            return {'ok': False, 'error': f'{type(error).__name__}: {error}'}

    def _board(self, board: str) -> Board:
        if board not in self.boards:
            raise ValueError(f'no board {board!r}, choose from {sorted(self.boards)}')
        return self.boards[board]

    def _do_truth(self) -> dict[str, Any]:
        world = self.world
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
            'estop_pressed': not world.input_levels[0],
            'obstacles': world.obstacles,
        }

    def _do_set(self, **values: Any) -> None:
        world = self.world
        simple = {'position', 'soc', 'charge_rate', 'charger_connected', 'obstacles'}
        for name, value in values.items():
            if name == 'estop_pressed':
                world.input_levels[0] = not value
            elif name == 'input_levels':
                world.input_levels[:] = [bool(level) for level in value]
            elif name in simple:
                setattr(world, name, value)
            else:
                raise ValueError(f'cannot set {name!r}')

    def _do_misbehave(self, board: str, **habits: Any) -> dict[str, Any]:
        target = self._board(board)
        for name, value in habits.items():
            if name not in target.misbehaviour.__dataclass_fields__:
                raise ValueError(f'no misbehaviour {name!r}')
            setattr(target.misbehaviour, name, value)
        return asdict(target.misbehaviour)

    def _do_reboot(self, board: str) -> None:
        self._board(board).reboot(time.monotonic())

    def _do_configure(self, **config: Any) -> None:
        for line in self._lines.values():
            self._unplug(line)
        self._build(config)
        for line in self._lines.values():
            self._plug(line)

    def _do_swap(self, board: str, profile: str) -> None:
        old = self._board(board)
        line = next(line for line in self._lines.values() if old in line.boards.values())
        self._mount(line, old.name, old.address, load(profile), asdict(old.misbehaviour))

    def _do_read(self, board: str, register: str) -> Any:
        return self._board(board).get(register)

    def _do_write(self, board: str, register: str, value: Any) -> None:
        self._board(board).put(register, value)

    def _do_registers(self, board: str) -> dict[str, int]:
        return {f'0x{a:04X}': word for a, word in sorted(self._board(board).words.items())}

    def _do_watch(self, board: str, registers: list[str]) -> None:
        target = self._board(board)
        for register in registers:
            if register not in target.profile.registers:
                raise ValueError(f'no register {register!r}')
        self._watched[board] = set(registers)
        self._log.clear()

    def _do_log(self) -> list[Any]:
        return list(self._log)

    def _do_unplug(self, line: str) -> None:
        self._unplug(self._lines[line])

    def _do_plug(self, line: str) -> None:
        self._plug(self._lines[line])


def _request_length(buffer: bytes) -> int:
    """Length of the request that begins `buffer`; 0 while that cannot be told."""
    if len(buffer) < 2:
        return 0
    if buffer[1] == 16:
        return 9 + buffer[6] if len(buffer) >= 7 else 0
    return 8

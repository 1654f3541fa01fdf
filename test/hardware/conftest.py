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
"""A vehicle on a simulator: real processes, real bytes on pseudo-terminals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest
from heartbeats import Heartbeats
from simulator_process import SimulatorProcess

from oht50_bridge.hardware.hardware import Hardware

BOARDS = {
    'travel_motor': ('driver_2_motor', 'drive', 3, {'accel': 8.0, 'decel': 8.0}),
    'power': ('stm32_power', 'sense', 2, {}),
    'dock': ('oht_v2_dock', 'sense', 5, {}),
    'safety': ('safety_module_fw', 'safety', 5, {}),
}

#: Layouts in place of those whose board needs a line of its own.
SHARING = {'safety_module_fw': 'oht_v2_safety'}

NIMBLE = {'accel': 8.0, 'decel': 8.0}  # m/s^2: what is measured is the registers, not the ramp


def _wait_for(condition: Callable[[], Any], timeout: float = 8.0, what: str = 'condition') -> Any:
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f'{what} did not come true within {timeout} s'
        time.sleep(0.002)
    return result


class Rig:
    """Hardware on a simulator, with what its callbacks said."""

    def __init__(
        self,
        process: SimulatorProcess,
        boards: dict[str, Any],
        modules: dict[str, Any],
        one_line: bool = False,
        vehicle: dict[str, Any] | None = None,
    ) -> None:
        self.wait_for = _wait_for
        self.samples: dict[str, Any] = {}
        self.discovered: list[Any] = []
        self.statuses: list[tuple[float, Any]] = []
        self.beats = Heartbeats()
        self._pump: threading.Thread | None = None
        self._pumping = threading.Event()
        self._velocity = 0.0
        lines: dict[str, Any] = {}

        def line_of(name: str, line: str) -> str:
            return 'all' if one_line and name != 'safety' else line  # which needs one of its own

        for name, (profile, line, address, *habits) in boards.items():
            entry = {'id': name, 'profile': profile, 'address': address}
            entry['misbehaviour'] = {
                'loss': 0.0,
                'overwrite': 0.0,
                'boot': 0.15,  # a test that needs that of the board says so
                **(habits[0] if habits else {}),
            }
            lines.setdefault(line_of(name, line), {'boards': []})['boards'].append(entry)
        self.process = process
        self.sim = process.client
        self.sim.configure(lines=lines, vehicle=NIMBLE | (vehicle or {}))
        self.config = {
            'lines': {name: {'device': self.process.port(name)} for name in lines},
            'modules': [
                {'id': name, 'profile': profile, 'line': line_of(name, line),
                 'address': address, 'options': options}
                for name, (profile, line, address, options) in modules.items()
            ],
        }  # fmt: skip
        self.hw: Hardware | None = None

    def start(self) -> Hardware:
        self.hw = Hardware(
            self.config,
            self.samples.__setitem__,
            self.discovered.append,
            lambda *change: self.statuses.append((time.monotonic(), change)),
        )
        self.hw.start()
        return self.hw

    def module(self, name: str) -> Any:
        return next(info for info in self.hw.modules() if info.id == name)

    def online(self, *names: str) -> None:
        _wait_for(
            lambda: all(
                m.status == 'online' for m in self.hw.modules() if not names or m.id in names
            ),
            what=f'{names or "all"} online',
        )

    def pump(self, velocity: float, heartbeat: bool = True, command: bool = True) -> None:
        """Send command and heartbeat every 20 ms until `stop_pump`."""
        self.stop_pump()
        self._pumping.set()

        def run() -> None:
            while self._pumping.is_set():
                if heartbeat:
                    self.hw.motor.heartbeat(self.beats.next(True, 2.0))
                if command:
                    self.hw.motor.drive(velocity)
                time.sleep(0.02)

        self._pump = threading.Thread(target=run)
        self._pump.start()

    def stop_pump(self) -> None:
        self._pumping.clear()
        if self._pump is not None:
            self._pump.join()
        self._pump = None

    def moving(self, velocity: float = 0.5) -> None:
        """Drive until the vehicle has this velocity."""
        self.pump(velocity)
        _wait_for(lambda: abs(self.sim.truth()['velocity'] - velocity) < 0.05, what='motion')

    def stopped_at(self, register: str = 'command_speed') -> float:
        """Monotonic time at which a watched register became 0 for the last time."""
        _wait_for(lambda: self.hw.motor.state().stop_verified, what='verified stop')
        changes = [(t, words) for t, _, name, words in self.sim.log() if name == register]
        assert changes and changes[-1][1] == [0], changes
        return changes[-1][0]

    def close(self) -> None:
        self.stop_pump()
        if self.hw is not None:
            self.hw.close()


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    return _wait_for


@pytest.fixture(scope='session')
def simulator() -> Iterator[SimulatorProcess]:
    """One simulator for all: each rig begins anew in it."""
    with SimulatorProcess() as process:
        yield process


@pytest.fixture
def make_rig(simulator: SimulatorProcess) -> Iterator[Callable[..., Rig]]:
    """Build rigs: boards (profile, line, address, habits) by name, and modules alike."""
    rigs: list[Rig] = []

    def make(
        *names: str,
        boards: dict[str, Any] | None = None,
        modules: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Rig:
        chosen = {name: BOARDS[name] for name in names or BOARDS}
        if kwargs.get('one_line'):
            chosen = {n: (SHARING.get(b[0], b[0]), *b[1:]) for n, b in chosen.items()}
        real = {name: board[:3] for name, board in chosen.items()} | (boards or {})
        rigs.append(Rig(simulator, real, chosen | (modules or {}), **kwargs))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()

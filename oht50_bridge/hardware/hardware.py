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
"""The vehicle's hardware as one object: lines, modules, the motor's controls, callbacks."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oht50_bridge.hardware.config import check_keys
from oht50_bridge.hardware.config import read_lines
from oht50_bridge.hardware.config import read_module
from oht50_bridge.hardware.drivers.dock import DockModule
from oht50_bridge.hardware.drivers.motor import MotorModule
from oht50_bridge.hardware.drivers.motor_registers import MotorSample
from oht50_bridge.hardware.drivers.power import PowerModule
from oht50_bridge.hardware.drivers.safety import SafetyModule
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.module import ModuleInfo
from oht50_bridge.hardware.module import version
from oht50_bridge.hardware.motion_guard import Heartbeat
from oht50_bridge.hardware.own_line import crowded_board
from oht50_bridge.hardware.registers import Timing
from oht50_bridge.hardware.requests import Endpoint
from oht50_bridge.hardware.requests import Priority
from oht50_bridge.hardware.requests import Read
from oht50_bridge.hardware.requests import Steps
from oht50_bridge.stop_reason import StopReason

logger = logging.getLogger(__name__)

_DRIVERS: dict[str, type[Module]] = {
    driver.kind: driver for driver in (PowerModule, SafetyModule, MotorModule, DockModule)
}
_SCAN_TIMING = Timing(timeout=0.06, retries=2, gap=0.02, offline_after=1.0)
_IDENTITY = (0x0104, 3)  # type code, firmware and hardware version on every board
_LET_GO = 0.5  # s, for the charger at the end


@dataclass(frozen=True)
class FoundBoard:
    """A board that answered a scan."""

    line: str
    address: int
    type_code: int
    firmware_version: str
    hardware_version: str


@dataclass(frozen=True)
class LineInfo:
    """State of a line: `port_error` is None while the port is open, `utilisation` a ratio 0..1."""

    name: str
    device: str
    port_error: str | None
    utilisation: float


class Motor:
    """The motor's controls, for any thread; every call returns at once."""

    def __init__(self, module: MotorModule) -> None:
        self._module = module

    def drive(self, velocity: float, age: float = 0.0) -> StopReason:
        """Command m/s, to be repeated within 200 ms.

        Args:
            velocity: m/s, signed.
            age: s since the command was given, where it has come a way.

        Returns:
            'none', or why it is refused.
        """
        return self._module.guard.drive(velocity, age)

    def heartbeat(self, beat: Heartbeat, age: float = 0.0) -> bool:
        """Permit or forbid motion, to be repeated within 300 ms.

        Args:
            beat: what is permitted.
            age: s since it was given, where it has come a way.

        Returns:
            False when it is void: it is not newer than one before.
        """
        return self._module.guard.heartbeat(beat, age)

    def estop(self, latched: bool) -> None:
        """Stop at once and refuse every command, until called with False."""
        if latched:
            self._module.guard.inhibit(StopReason.ESTOP, 'caller')
        else:
            self._module.guard.release(StopReason.ESTOP, 'caller')

    def rest(self, wanted: bool) -> None:
        """Refuse every command while a scan holds up the motor's line, until called with False."""
        if wanted:
            self._module.guard.inhibit(StopReason.SCAN, 'caller')
        else:
            self._module.guard.release(StopReason.SCAN, 'caller')

    def state(self) -> MotorSample:
        """Latest registers with the stop reason of this moment."""
        return self._module.state()


class Hardware:
    """Lines and modules of a vehicle.

    Callbacks run one at a time in a thread of their own, so that a slow one cannot delay a stop.

    Args:
        config: {'lines': {name: {device, baudrate, parity, stop_bits}}, 'modules': [{id, kind,
            profile, line, address, polls {block: s}, timeout, retries, gap, offline_after,
            options}]}. Times in s.
        on_sample: called with (module id, PowerSample | SafetySample | MotorSample | DockSample).
        on_discovered: called with ModuleInfo at the first answer of a module.
        on_status_change: called with (module id, old, new, error code, error description).

    Raises:
        HardwareConfigError: naming the field and the remedy.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        on_sample: Callable[[str, Any], None] | None = None,
        on_discovered: Callable[[ModuleInfo], None] | None = None,
        on_status_change: Callable[[str, str, str, str, str], None] | None = None,
    ) -> None:
        self._callbacks = {
            'sample': on_sample, 'discovered': on_discovered, 'status_change': on_status_change,
        }  # fmt: skip
        self._events: queue.SimpleQueue[tuple[str, tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._dispatcher = threading.Thread(
            target=self._deliver, name='hardware-events', daemon=True
        )
        # The newest sample of each module that waits for a slow callback; statuses all wait.
        self._waiting: dict[str, Any] = {}
        self._waiting_lock = threading.Lock()
        self._started = False
        self._closed = False
        check_keys('hardware', config, ('lines', 'modules'))
        self._lines = read_lines(config.get('lines'))
        self._modules = self._build(config.get('modules'))
        motors = [module for module in self._modules.values() if isinstance(module, MotorModule)]
        self._motor = motors[0] if motors else None
        self._safety = [m for m in self._modules.values() if isinstance(m, SafetyModule)]
        self._power = [m for m in self._modules.values() if isinstance(m, PowerModule)]
        if self._motor is not None:
            self._couple(self._motor)

    def _couple(self, motor: MotorModule) -> None:
        """Let other boards forbid motion here, without the way through the graph."""
        guard = motor.guard

        def judge(reason: StopReason, source: str) -> Callable[[bool], None]:
            return lambda stop: (
                guard.inhibit(reason, source) if stop else guard.release(reason, source)
            )

        # Each until the board has said otherwise.
        for safety in self._safety:
            safety.on_estop = judge(StopReason.ESTOP, safety.spec.id)
            safety.on_estop(True)
        for power in self._power:
            power.may_charge = lambda: motor.state().standing
            power.on_charger = judge(StopReason.CHARGING, power.spec.id)
            power.on_charger(True)

    def _build(self, entries: Any) -> dict[str, Module]:
        if not isinstance(entries, Iterable) or isinstance(entries, (str, Mapping)):
            raise HardwareConfigError('modules: give a list of modules')
        modules: dict[str, Module] = {}
        places: dict[tuple[str, int], str] = {}
        for entry in entries:
            spec = read_module(entry, self._lines)
            if spec.id in modules:
                raise HardwareConfigError(f'modules.{spec.id}: id used twice, rename one')
            place = (spec.line, spec.address)
            if place in places:
                raise HardwareConfigError(
                    f'modules.{spec.id}.address: {spec.address} on line {spec.line} belongs to'
                    f' {places[place]}, give each module its own'
                )
            places[place] = spec.id
            modules[spec.id] = _DRIVERS[spec.kind](spec, self._lines[spec.line], self)
        kinds: dict[str, str] = {}
        for module in modules.values():
            other = kinds.setdefault(module.kind, module.spec.id)
            if other != module.spec.id:  # their reports name no board, and would be mixed
                raise HardwareConfigError(
                    f'modules: {other} and {module.spec.id} are both of kind {module.kind}, and a'
                    ' vehicle has one of each: remove one from the list'
                )
        crowded = crowded_board((m.spec.id, m.profile, m.spec.line) for m in modules.values())
        if crowded is not None:
            raise HardwareConfigError(f'modules.{crowded[0]}.line: {crowded[1]}')
        return modules

    # --- life ---

    def start(self) -> None:
        """Open the ports and begin to poll."""
        if self._started:
            raise RuntimeError('already started')
        self._started = True
        self._dispatcher.start()
        if self._motor is not None:
            self._motor.start_watchdog()
        for module in self._modules.values():
            self._lines[module.spec.line].add(module)
        for line in self._lines.values():
            line.start()

    def close(self) -> bool:
        """Stop the motor, end every thread and process, close the ports. Safe to call twice.

        Returns:
            False when the stop could not be verified; the watchdog then keeps trying.
        """
        if self._closed or not self._started:
            self._closed = True
            return True
        self._closed = True
        standing = self._motor.shut_down() if self._motor is not None else True
        self._let_go_of_charger()
        if not standing:
            logger.error('the motor could not be verified to stand: the watchdog keeps trying')
        for line in self._lines.values():
            try:
                line.close()
            except RuntimeError as error:  # its thread hangs: the watchdog stops the motor
                logger.error('%s', error)
                standing = standing and self._motor is not None and self._motor.line is not line
        if self._motor is not None:
            self._motor.close_watchdog(standing)
        self._events.put(None)
        if self._dispatcher is not threading.current_thread():
            self._dispatcher.join(2.0)
        return standing

    def _let_go_of_charger(self) -> None:
        for module in self._power:
            module.request_charge(False)
            deadline = time.monotonic() + _LET_GO
            while module.charging and time.monotonic() < deadline:
                time.sleep(0.005)
            if module.charging:
                logger.error('%s: the request to charge could not be withdrawn', module.spec.id)

    def __enter__(self) -> Hardware:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # --- queries and commands, for any thread ---

    @property
    def motor(self) -> Motor:
        """The motor's controls; RuntimeError where none is configured."""
        if self._motor is None:
            raise RuntimeError('no module of kind travel_motor is configured')
        return Motor(self._motor)

    def modules(self) -> list[ModuleInfo]:
        """Snapshot of every module."""
        return [module.info() for module in self._modules.values()]

    def lines(self) -> list[LineInfo]:
        """Snapshot of every line."""
        return [
            LineInfo(line.name, line.device, line.port_error, line.load.utilisation())
            for line in self._lines.values()
        ]

    def scan(
        self, line: str, addresses: Iterable[int] = range(1, 17), timeout: float = 60.0
    ) -> list[FoundBoard]:
        """Ask each address who is there; waits for the result, at most `timeout` s.

        Raises:
            HardwareConfigError: unknown line or address.
            PortLostError: the port is not open.
        """
        if line not in self._lines:
            raise HardwareConfigError(
                f'scan: line {line!r} is unknown, choose from {sorted(self._lines)}'
            )
        wanted = list(addresses)
        for address in wanted:
            if not 1 <= address <= 247:
                raise HardwareConfigError(f'scan: address {address} must be 1..247')
        found = self._lines[line].submit(_scan(line, wanted), Priority.SCAN).result(timeout)
        return list(found)

    def charge(self, wanted: bool, age: float = 0.0) -> bool:
        """Ask the power board to charge, to be repeated within 3 s, or let go of the charger.

        While the charger is engaged the motor does not turn.

        Args:
            wanted: whether to charge.
            age: s since it was asked for, where the request has come a way.

        Returns:
            False when charging is refused: the motor does not stand, or no board can charge.
        """
        taken = [module.request_charge(wanted, age) for module in self._power]
        return any(taken) or not wanted

    def release_safety_latch(self, timeout: float = 2.0) -> bool:
        """Release the latch of every safety board that has one.

        Returns:
            True when all stay released, also when none has a latch; False when a cause persists.

        Raises:
            ModuleError: a board did not answer.
        """
        boards = [module for module in self._safety if module.profile.has('latch')]
        futures = [m.line.submit(m.release_latch(), Priority.DRIVE) for m in boards]
        results = [future.result(timeout) for future in futures]  # each, whatever the first says
        return all(results)

    # --- ModuleObserver, in the lines' threads ---

    def sample(self, module_id: str, sample: Any) -> None:
        """Queue a sample; it takes the place of an older one of the module that still waits."""
        with self._waiting_lock:
            waits = module_id in self._waiting
            self._waiting[module_id] = sample
        if not waits:
            self._events.put(('sample', (module_id,)))

    def discovered(self, info: ModuleInfo) -> None:
        """Queue the first answer of a module."""
        self._events.put(('discovered', (info,)))

    def status_change(self, module_id: str, old: str, new: str, code: str, text: str) -> None:
        """Queue a change of status."""
        self._events.put(('status_change', (module_id, old, new, code, text)))

    def _deliver(self) -> None:
        while (event := self._events.get()) is not None:
            name, arguments = event
            if name == 'sample':
                with self._waiting_lock:
                    arguments = (*arguments, self._waiting.pop(arguments[0]))
            callback = self._callbacks[name]
            if callback is None:
                continue
            try:
                callback(*arguments)
            except Exception:
                logger.exception('the callback on_%s raised', name)


def _scan(line: str, addresses: list[int]) -> Steps:
    found = []
    for address in addresses:
        try:
            reply = yield Read(Endpoint(address, _SCAN_TIMING), *_IDENTITY)
        except PortLostError:
            raise
        except ModuleError:
            continue
        kind, firmware, hardware = reply.words
        found.append(FoundBoard(line, address, kind, version(firmware), version(hardware)))
    return found

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
"""What every module on a line has in common: identity, layout check, polling, loss and return."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Protocol

from oht50_bridge.hardware.bus import SerialLine
from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.errors import DriverFaultError
from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.errors import LayoutError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.errors import PartError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.registers import Block
from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.hardware.registers import Timing
from oht50_bridge.hardware.registers import Value
from oht50_bridge.hardware.requests import Break
from oht50_bridge.hardware.requests import Endpoint
from oht50_bridge.hardware.requests import Priority
from oht50_bridge.hardware.requests import Read
from oht50_bridge.hardware.requests import Reply
from oht50_bridge.hardware.requests import Request
from oht50_bridge.hardware.requests import Steps
from oht50_bridge.hardware.statistics import ModuleStatistics

ONLINE = 'online'
OFFLINE = 'offline'
ERROR = 'error'

PROBE_PERIOD = 0.5  # s between attempts to find a module that is not online
IDENTITY = ('module_type', 'firmware_version', 'hardware_version')  # registers
_FAILED_POLLS = 3  # consecutive failed polls that mean offline
FRESH_PERIODS = 5  # poll periods after which a value is stale
_JOIN = 16  # registers a signature read may skip to stay one request


@dataclass(frozen=True)
class ModuleSpec:
    """One module as configured. `options` are the driver's; `polls` are s by block name."""

    id: str
    kind: str
    profile: RegisterProfile
    line: str
    address: int
    timing: Timing
    polls: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModuleInfo:
    """What is known of a module now.

    Attributes:
        status: online, offline or error.
        firmware_version: `major.minor`, empty before the first answer; likewise hardware_version.
        last_seen: unix time (ns) of the last good reply, 0 before the first.
        boot_time: s from power-up of the board until it can answer.
    """

    id: str
    kind: str
    profile: str
    line: str
    address: int
    status: str
    error_code: str
    error_description: str
    type_code: int | None
    firmware_version: str
    hardware_version: str
    last_seen: int
    statistics: ModuleStatistics
    boot_time: float = 0.0


class Part:
    """A part of the work with a board, which can fail while others succeed.

    Args:
        name: for a person.
        limit: s it may fail, from the first failure on.

    Attributes:
        broken: it has to succeed before the board is online again.
    """

    def __init__(self, name: str, limit: float) -> None:
        self.name = name
        self.limit = limit
        self.broken = False
        self._failing_since: float | None = None

    @property
    def failing(self) -> bool:
        """Whether it failed the last time."""
        return self._failing_since is not None

    def succeeded(self) -> None:
        """Note a success."""
        self.broken = False
        self._failing_since = None

    def failed(self, now: float, heard_at: float) -> bool:
        """Note a failure; return whether the part is broken.

        Args:
            now: s, monotonic.
            heard_at: when the board last gave a good reply: one that answers nothing at all is
                lost, not broken.
        """
        if self._failing_since is None:
            self._failing_since = now
        if heard_at > self._failing_since and now - self._failing_since > self.limit:
            self.broken = True
        return self.broken


class ModuleObserver(Protocol):
    """Who is informed of what happens; called in the line's thread, must not block."""

    def sample(self, module_id: str, sample: Any) -> None:
        """A new sample."""

    def discovered(self, info: ModuleInfo) -> None:
        """The first answer of a module."""

    def status_change(self, module_id: str, old: str, new: str, code: str, text: str) -> None:
        """The module was lost, found or found faulty."""


class Module:
    """A module on a line: the worker the line runs, and the base of the drivers.

    A driver overrides `setup`, `on_block` and, where it needs to, the rest.
    """

    kind = ''
    options: tuple[str, ...] = ()

    def __init__(self, spec: ModuleSpec, line: SerialLine, observer: ModuleObserver) -> None:
        self.spec = spec
        self.profile = spec.profile
        self.line = line
        self.observer = observer
        self.endpoint = Endpoint(spec.address, spec.timing)
        self.status = OFFLINE
        self.error: ModuleError | None = None
        self.faulty = False  # identified and polled, but not well: not online
        self.values: dict[str, Value] = {}
        self.stamp = 0
        self.read_at = -math.inf
        self.type_code: int | None = None
        self._firmware = ''
        self._hardware = ''
        self._seen = False
        self._failures = 0
        self._polls = [
            _Poll(
                block, spec.polls.get(block.name, block.period), self.endpoint.timing.offline_after
            )
            for block in self.profile.polls
        ]
        self._read_times: dict[str, tuple[float, float]] = {}  # register: read at, fresh for
        for name in spec.options:
            if name not in self.options:
                raise self.config_error(f'options.{name}', f'unknown, choose from {self.options}')

    def config_error(self, where: str, remedy: str) -> HardwareConfigError:
        """Build the error for a fault in this module's configuration."""
        return HardwareConfigError(f'modules.{self.spec.id}.{where}: {remedy}')

    # --- for any thread ---

    def info(self) -> ModuleInfo:
        """Snapshot of what is known."""
        error = self.error
        return ModuleInfo(
            self.spec.id,
            self.kind,
            self.profile.name,
            self.spec.line,
            self.spec.address,
            self.status,
            error.code if error else '',
            str(error) if error else '',
            self.type_code,
            self._firmware,
            self._hardware,
            self.stamp,
            self.endpoint.statistics.snapshot(),
            self.spec.timing.boot,
        )

    # --- for drivers, in the line's thread ---

    def setup(self) -> Steps:
        """Prepare a board whose layout is confirmed; raises ModuleError to refuse it."""
        return
        yield

    def on_block(self, block: Block) -> None:
        """Use the values of a block that was just read."""

    def on_lost(self, error: ModuleError) -> None:
        """React to the loss of the module."""

    def value(self, name: str, default: Any = math.nan) -> Any:
        """Latest value of a register; `default` where the layout lacks it or it is stale."""
        read_at, fresh = self._read_times.get(name, (-math.inf, 0.0))
        if name not in self.values or time.monotonic() - read_at > fresh:
            return default
        return self.values[name]

    def read_block(
        self, block: Block, retries: int | None = None
    ) -> Generator[Request, Reply, None]:
        """Read a block into `values`."""
        reply = yield Read(self.endpoint, block.start, block.count, retries)
        self.heard(reply)
        self.values.update(block.decode(reply.words))
        fresh = max(FRESH_PERIODS * block.period, 1.0)
        for register in block.registers:
            self._read_times[register.name] = (reply.read_at, fresh)

    def attempt(self, part: Part, steps: Steps) -> Steps:
        """Run the steps of a part.

        Raises:
            PartError: it has failed for longer than it may, while the board answered others.
            ModuleError: it failed.
        """
        try:
            result = yield from steps
        except ModuleError as error:
            if part.failed(time.monotonic(), self.read_at):
                raise PartError(part.name, error) from error
            raise
        part.succeeded()
        return result

    def empty_receiver(self) -> Steps:
        """Empty the receive buffer of a board that did not answer, where it needs that.

        Such a board keeps a byte of noise, and takes every later request for more of the same:
        asking again alone would keep it deaf.
        """
        if self.spec.timing.break_baudrate:
            yield Break(self.endpoint, self.spec.timing.break_baudrate)

    def heard(self, reply: Reply) -> None:
        """Note a good reply."""
        self.stamp, self.read_at = reply.stamp, reply.read_at

    # --- Worker ---

    def priority(self) -> Priority:
        """Urgency of the module's traffic."""
        return Priority.POLL

    def steps(self) -> Steps:
        """Find the module, or poll what is due."""
        try:
            if self.status != ONLINE:
                yield from self.probe()
            else:
                yield from self._poll()
        except ModuleError as error:
            self.note_failure(error)
        if self.status != ONLINE:
            return time.monotonic() + PROBE_PERIOD
        return min(poll.due for poll in self._polls)

    def exchanged(self, error: ModuleError | None) -> None:
        """Take note of the end of a try."""

    def failed(self, error: Exception) -> None:
        """Take note of an exception that left `steps` or befell the line: a defect."""
        self.set_status(ERROR, DriverFaultError(f'{type(error).__name__}: {error}'))

    def port_lost(self, error: PortLostError) -> None:
        """The port is gone, and the module with it."""
        self.set_status(OFFLINE, error)

    def probe(self) -> Steps:
        """Identify the board, confirm its layout, and only then write to it: set it up."""
        yield from self.empty_receiver()
        # A board that answers but is refused is worth every try: when it loses one request now
        # and then, it must not be reported as silent and as faulty in turn.
        retries = None if self.status == ERROR else 0
        yield from self.read_block(self.profile.block(IDENTITY), retries)
        kind, firmware, hardware = (int(self.values[name]) for name in IDENTITY)  # type: ignore[arg-type]
        self.type_code = kind
        self._firmware, self._hardware = version(firmware), version(hardware)
        try:
            if kind not in self.profile.type_codes:
                raise LayoutError(
                    f'type code {kind}, profile {self.profile.name} wants'
                    f' {list(self.profile.type_codes)}:'
                    ' correct the address or the profile'
                )
            yield from self._confirm_layout()
            for poll in self._polls:
                if poll.broken:
                    yield from self.attempt(poll, self.read_block(poll.block))
            yield from self.setup()
        except CommunicationTimeoutError as error:
            self.set_status(OFFLINE, error)
            raise
        except ModuleError as error:
            self.set_status(ERROR, error)
            self._announce()
            raise
        now = time.monotonic()
        for poll in self._polls:
            poll.due = now
            poll.succeeded()
        self._failures = 0
        self.set_status(ONLINE, None)
        self._announce()

    def _announce(self) -> None:
        if not self._seen:
            self._seen = True
            self.observer.discovered(self.info())

    def _confirm_layout(self) -> Steps:
        names = {check.register for check in self.profile.signature}
        group: list[str] = []
        end = 0
        for register in sorted(
            (self.profile.registers[name] for name in names), key=lambda r: r.address
        ):
            if group and register.address - end > _JOIN:
                yield from self.read_block(self.profile.block(group))
                group = []
            group.append(register.name)
            end = register.end
        yield from self.read_block(self.profile.block(group))
        for check in self.profile.signature:
            found = self.values[check.register]
            if not check.holds(found):
                wanted = check.values if check.values is not None else check.range
                raise LayoutError(
                    f'{check.register} is {found}, profile {self.profile.name} expects {wanted}:'
                    ' set the profile of the board that is connected'
                )

    def _poll(self) -> Steps:
        poll = min(self._polls, key=lambda item: item.due)
        now = time.monotonic()
        poll.due += poll.period * max(
            1, math.ceil((now - poll.due) / poll.period)
        )  # none is made up for
        if self._failures:
            yield from self.empty_receiver()
        yield from self.attempt(poll, self._read_freed(poll.block))
        self._failures = 0
        self.on_block(poll.block)

    def _read_freed(self, block: Block) -> Steps:
        """Read a block; empty the receive buffer before each further try where that is needed."""
        timing = self.spec.timing
        if not timing.break_baudrate:
            yield from self.read_block(block)
            return
        for tries_left in reversed(range(timing.retries + 1)):
            try:
                yield from self.read_block(block, retries=0)
                return
            except (CommunicationTimeoutError, FrameError):
                if not tries_left:
                    raise
            yield from self.empty_receiver()

    @property
    def identified(self) -> bool:
        """Whether the board is polled; until then it is looked for."""
        return self.status == ONLINE or self.faulty

    def note_failure(self, error: ModuleError) -> None:
        """Count a failed poll and declare the module lost or faulty when it is time."""
        if not self.identified:
            if self.error is None or self.status == OFFLINE:
                self.error = error
            elif isinstance(error, CommunicationTimeoutError):
                self.set_status(OFFLINE, error)
            return
        if isinstance(error, PartError):
            self.set_status(ERROR, error)
            return
        self._failures += 1
        silent = time.monotonic() - self.read_at
        if self._failures >= _FAILED_POLLS or (
            self._failures >= 2 and silent >= self.spec.timing.offline_after
        ):
            for poll in self._polls:  # all of them, or only a fast one of a board that is there
                poll.broken = poll.failing
            self.set_status(
                OFFLINE if isinstance(error, CommunicationTimeoutError) else ERROR, error
            )

    def set_status(self, status: str, error: ModuleError | None) -> None:
        """Change the status, tell the observer."""
        old, self.status, self.error = self.status, status, error
        if status == old:
            return
        if error is not None and old == ONLINE:
            self.on_lost(error)
        code, text = (error.code, str(error)) if error else ('', '')
        self.observer.status_change(self.spec.id, old, status, code, text)


class _Poll(Part):
    """A block and when to read it next."""

    def __init__(self, block: Block, period: float, offline_after: float) -> None:
        super().__init__(f'block {block.name}', max(FRESH_PERIODS * period, offline_after))
        self.block = Block(block.name, block.start, block.count, period, block.registers)
        self.period = period
        self.due = 0.0


def version(word: int) -> str:
    """`major.minor` of a version register."""
    return f'{word >> 8}.{word & 0xFF}'

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
"""Travel motor module.

Only one generator writes to the motor, and a demand to stop begins it anew: no write that was
decided before a stop can be sent after it. Each round judges by the guard, writes a stop before
it reads anything, reads the board's registers and rewrites whatever differs from what is wanted,
since the board may lose or overwrite a write. Velocities are approached by ramps of the driver
where the board has none. A stop counts as verified when it is read back
after the board's own cycle has had its chance to overwrite it.

A board that was silent for longer than `TRUST`, or whose port was gone, may be another one: it is
identified again, by reading alone, before anything is written to it, a stop not excepted.
One that restarted, changed its registers by itself or reports a fault is stopped, identified
again and moved only by a command that is given after that. While it reports a fault, or its rope
cannot be read, it is faulty, but read on.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from oht50_bridge.hardware.drivers.drive_faults import DriveFaults
from oht50_bridge.hardware.drivers.hoist import HoistReader
from oht50_bridge.hardware.drivers.motion_demand import MotionDemand
from oht50_bridge.hardware.drivers.motor_registers import MotorRegisters
from oht50_bridge.hardware.drivers.motor_registers import MotorSample
from oht50_bridge.hardware.drivers.motor_registers import number
from oht50_bridge.hardware.drivers.tick_phase import TickPhase
from oht50_bridge.hardware.drivers.velocity_ramp import VelocityRamp
from oht50_bridge.hardware.errors import DriveFaultError
from oht50_bridge.hardware.errors import LayoutError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.errors import RequestAbandonedError
from oht50_bridge.hardware.module import ERROR
from oht50_bridge.hardware.module import ONLINE
from oht50_bridge.hardware.module import Module
from oht50_bridge.hardware.motion_guard import MotionGuard
from oht50_bridge.hardware.motion_guard import Verdict
from oht50_bridge.hardware.registers import Value
from oht50_bridge.hardware.requests import Endpoint
from oht50_bridge.hardware.requests import Priority
from oht50_bridge.hardware.requests import Steps
from oht50_bridge.hardware.requests import Write
from oht50_bridge.hardware.rtu import wire_time
from oht50_bridge.hardware.watchdog.protocol import ANSWERED
from oht50_bridge.hardware.watchdog.protocol import LOST
from oht50_bridge.hardware.watchdog.protocol import TRUST
from oht50_bridge.hardware.watchdog.protocol import WAITING
from oht50_bridge.hardware.watchdog.supervisor import WatchdogSupervisor
from oht50_bridge.stop_reason import StopReason

logger = logging.getLogger(__name__)

_URGENT_ROUNDS = 5  # stops without pause; then the other modules of the line get their turn
_STOP_PERIOD = 0.1  # s between stops after that
_SEARCH_PERIOD = 0.25  # s between attempts to find a board that was never confirmed
_SETTLING = 1.5  # cycles of the board after which a write is no longer overwritten
_WHOLE_PERIOD = 0.2  # s between readings of the motor that is kept stopped, while the other drives


class MotorModule(Module):
    """Driver of the travel motor board.

    Options:
        max_speed: m/s at full duty of the motor, default 1.0.
        min_duty: ratio, the smallest duty that turns the wheel, default 0.
        dead_band: ratio of full duty that friction takes, default 0.
        accel, decel: m/s^2 of the ramps: those of the board, left as it has them when not given;
            of the driver where the board has none, default 1.0 and 2.0.
        reversal_pause: s at rest before the motor turns the other way, default 0.3.
        reverse: true when the board's forward is towards smaller x.
        travel_channel: motor of the board that moves the vehicle, 1 or 2, default 1.
        hoist_channel: the other one, where it hoists; 0, the default: there is no hoist. Nothing
            drives it: it is kept stopped, and its rope is reported as a `HoistSample`.
        watchdog: false: no process stops the motor when this one dies; for tests only.
    """

    kind = 'travel_motor'
    options = (
        'max_speed', 'min_duty', 'dead_band', 'accel', 'decel', 'reversal_pause', 'reverse',
        'travel_channel', 'hoist_channel', 'watchdog',
    )  # fmt: skip

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        options = self.spec.options
        self._registers = MotorRegisters(self.profile, options, self.config_error)
        self.profile = self._registers.profile
        self.guard = MotionGuard(self._registers.max_speed, self._wake)
        self.guard.inhibit(StopReason.LAYOUT, 'unconfirmed')
        ramp = VelocityRamp(self._registers.ramp, self._registers.table.slowest)
        self._demand = MotionDemand(self.guard, ramp, time.monotonic)
        quirks = self.profile.quirks
        settle = _SETTLING * float(quirks['cycle']) if quirks['overwrite'] else 0.0
        self._faults = DriveFaults(self.profile, settle)
        self._hoist = (
            HoistReader(self, self.profile, lambda: self._faults.marked)
            if self.profile.hoist is not None
            else None
        )
        drive = self._registers.drive
        names = (
            drive.enable,
            drive.speed,
            drive.direction,
            drive.actual_speed,
            *self._registers.setup,
        )
        self._block = self.profile.block(names, 'drive')
        poll = self.profile.polls[0]
        if self._block.start >= poll.start and self._block.count <= poll.count:
            self._block = poll
        self._drive_block = self._registers.drive_block(self._block)
        self._whole_at = -math.inf
        self._reading = self._polls[0]
        self._reading.block = self._block
        self._period = self.spec.polls.get(poll.name, poll.period)
        self._due = 0.0
        self._tick = TickPhase(float(quirks['tick']), wire_time(8, self.line.baudrate))
        self._settle = _SETTLING * float(quirks['cycle'])
        self._confirmed = False
        self._touched = False
        self._trusted_at = -math.inf
        self._stop_sent = False
        self._stop_verified = False
        self._written_at = -math.inf
        self._futile_stops = 0
        self._sample: MotorSample | None = None
        self._watchdog = WatchdogSupervisor() if options.get('watchdog', True) else None

    # --- for any thread ---

    def start_watchdog(self) -> None:
        """Start the process that stops the motor when this one dies."""
        if self._watchdog is not None:
            self.guard.inhibit(StopReason.ERROR, 'watchdog')
            self._watchdog.start()

    def shut_down(self, timeout: float = 1.0) -> bool:
        """Forbid motion for good and wait until the stop is verified.

        Returns:
            True when the stop was read back, or when nothing was ever written to a board.
        """
        self.guard.inhibit(StopReason.SHUTDOWN)
        self._wake()
        deadline = time.monotonic() + timeout
        while self._confirmed and not self._stop_verified and time.monotonic() < deadline:
            time.sleep(0.005)
        return self._stop_verified or not self._touched

    def close_watchdog(self, standing: bool) -> None:
        """End the watchdog process; it keeps trying where the stop was not verified."""
        if self._watchdog is not None:
            self._watchdog.close(standing)

    def state(self) -> MotorSample:
        """State now: the latest registers, with the guard's present reason."""
        verdict = self.guard.evaluate()
        verified = self._stop_verified and verdict.stop
        if self._sample is None:
            return MotorSample(
                stamp=0,
                read_at=-math.inf,
                velocity=math.nan,
                commanded_velocity=math.nan,
                enabled=False,
                direction='unknown',
                error_code=0,
                stop_reason=verdict.reason,
                stop_verified=False,
                standing=False,
            )
        return replace(
            self._sample,
            stop_reason=verdict.reason,
            stop_verified=verified,
            standing=verified and self._sample.standing,
        )

    # --- the line's thread ---

    def priority(self) -> Priority:
        """A stop that is not verified goes before everything else."""
        verdict = self.guard.evaluate()
        if self._stop_verified or not self._demand.stops():
            return Priority.DRIVE
        if not self._confirmed or (self._futile_stops > _URGENT_ROUNDS and not self.identified):
            return Priority.POLL
        return Priority.EMERGENCY_STOP if verdict.reason == StopReason.ESTOP else Priority.STOP

    def steps(self) -> Steps:
        """One round: stop if need be, read, correct."""
        self._attend()
        self._check_watchdog()
        try:
            yield from self._round()
        except ModuleError as error:
            if self._demand.stops():  # what is lost while it drives makes no later stop futile
                self._futile_stops += 1
            self._doubt_stop()
            self.note_failure(error)
        except RequestAbandonedError:
            return time.monotonic()
        finally:
            if self._watchdog is not None:
                self._watchdog.restart(self._stop_verified)  # the stop goes first
        now = time.monotonic()
        if not self.identified:
            return now + (_STOP_PERIOD if self._confirmed else _SEARCH_PERIOD)
        if self._demand.stops() and not self._stop_verified:
            return now + (0.0 if self._futile_stops < _URGENT_ROUNDS else _STOP_PERIOD)
        self._due += self._period * max(1, math.ceil((now - self._due) / self._period))
        self._due = self._tick.align(self._due)
        return min(self._due, now + max(0.0, self.guard.expires_in() + 0.001))

    def _round(self) -> Steps:
        trusted = self._trusted()
        if trusted and self._demand.stops() and not self._stop_sent:
            yield from self._write_stop(self.guard.evaluate())
        if not self.identified or not trusted:
            yield from self.probe()
            self._become_ready()
        # The reply, which may be late, says what the board had at some moment after this one.
        asked_at = time.monotonic()
        whole = (
            self._demand.stops()
            or not self.identified
            or asked_at - self._whole_at >= _WHOLE_PERIOD
        )
        block = self._block if whole else self._drive_block
        yield from self.attempt(self._reading, self.read_block(block))
        self._tick.replied(self.read_at - wire_time(5 + 2 * block.count, self.line.baudrate))
        if whole:
            self._whole_at = self.read_at
        fault = self._faults.look(self.values, self.read_at)
        if fault:
            self.guard.inhibit(StopReason.DRIVE_FAULT, 'board')
            self.set_status(ERROR, DriveFaultError(fault))
        elif self.identified:
            self.set_status(ONLINE, None)  # or faulty, by what the board is known for
        verdict = self._demand.next()
        wanted = self._registers.wanted(verdict, self.values)
        changes = {name: value for name, value in wanted.items() if self.values[name] != value}
        drive = self._registers.drive
        # That of the other motor too.
        roles = (drive.enable, drive.speed, drive.direction, *drive.stop)
        stopped = not any(name in changes for name in roles)
        settled = asked_at - self._written_at >= self._settle
        self._stop_verified = verdict.stop and stopped and settled and whole
        if self._stop_verified:
            self._futile_stops = 0
        elif verdict.stop and not stopped:
            self._futile_stops += 1
        elif not verdict.stop:
            self._doubt_stop()
        self._publish(verdict)
        if self._stop_verified:
            self.guard.release(StopReason.ERROR, 'loop')
            if self.status == ONLINE and self.guard.calm() and not self._faults.persists:
                self.guard.release(StopReason.DRIVE_FAULT, 'board')
                self.guard.release(StopReason.MODULE_LOST, 'board')
        yield from self._write(changes, verdict)
        # Not before: a board that answers reads and refuses writes does not follow its commands.
        self._failures = 0
        if not stopped:
            self._written_at = time.monotonic()
        if not changes.keys() <= {register.name for register in self._drive_block.registers}:
            self._whole_at = -math.inf  # has them read back
        stopping = self._demand.stops() and not self._stop_verified
        if self._hoist is not None and self.identified and not stopping:
            yield from self._hoist.steps()  # a stop that does not hold yet goes first

    def _attend(self) -> None:
        pause = self.guard.attend()
        if pause:
            logger.error(
                'line %s was not served for %.2f s: motion needs a new command',
                self.line.name,
                pause,
            )
            self._doubt_stop()
            self._faults.stopped()  # the watchdog may have done it

    def _doubt_stop(self) -> None:
        self._stop_sent = self._stop_verified = False

    def _trusted(self) -> bool:
        """Whether the board is sure to be the one that was confirmed."""
        return self._confirmed and time.monotonic() - self._trusted_at < TRUST

    def exchanged(self, error: ModuleError | None) -> None:
        """Give the pulse without which the watchdog stops the motor."""
        self._attend()
        if not self._trusted():
            pulse = LOST
        elif error is None:
            self._trusted_at = time.monotonic()
            pulse = ANSWERED
        else:
            pulse = WAITING
        if self._watchdog is not None:
            self._watchdog.pulse(pulse)

    def _write_stop(self, verdict: Verdict) -> Steps:
        drive = self._registers.drive
        self._faults.stopped()
        self._demand.stopped()
        frames = self._registers.frames(self._registers.stop_values(), first=True)
        if drive.hard_stop is not None and verdict.reason == StopReason.ESTOP:
            frames += self._registers.frames({drive.hard_stop: 1}, first=True)
        yield from _write_each(self.endpoint, frames, self._trusted)
        self._stop_sent = True
        self._written_at = time.monotonic()

    def _write(self, changes: dict[str, Value], verdict: Verdict) -> Steps:
        """Write values, neighbouring registers in one frame.

        A stop writes enable and speed first, motion writes them last; motion is not sent when it
        has ceased to be wanted.
        """
        frames = self._registers.frames(changes, first=verdict.stop)
        if verdict.stop:
            if self._registers.drive.enable in changes:
                self._faults.stopped()  # also where the next round is to move again
            yield from _write_each(self.endpoint, frames, self._trusted)
            return
        for address, words in frames:
            not_before = self._tick.next(time.monotonic())
            yield Write(
                self.endpoint, address, words, valid=self._motion_allowed, not_before=not_before
            )

    def _motion_allowed(self) -> bool:
        self._attend()
        return self._demand.permits()

    def setup(self) -> Steps:
        """Begin with a stop, whatever the board was doing; the ramps follow in each round."""
        self._touched = True
        self._faults.forget()
        if self._hoist is not None:
            self._hoist.forget()
        frames = self._registers.frames(self._registers.stop_values(), first=True)
        yield from _write_each(self.endpoint, frames, None)
        self._written_at = time.monotonic()
        for name in filter(None, (self._registers.drive.full_speed,)):
            full = self.profile.registers[name]
            yield from self.read_block(self.profile.block((name,)))
            if number(self.values[name]) < self._registers.max_speed:
                raise LayoutError(
                    f'{full.name} is {self.values[name]} {full.unit}:'
                    ' lower options.max_speed to it'
                )

    def _become_ready(self) -> None:
        self._confirmed = self._stop_sent = True
        self._trusted_at = time.monotonic()
        self._stop_verified = False
        self._futile_stops = 0
        if self._watchdog is not None:
            self._watchdog.arm(self._orders())
        self.guard.release(StopReason.LAYOUT, 'unconfirmed')

    def _orders(self) -> dict[str, Any]:
        line, timing = self.line, self.spec.timing
        return {
            'device': line.device, 'baudrate': line.baudrate, 'parity': line.parity,
            'stop_bits': line.stop_bits, 'unit': self.spec.address, 'timeout': timing.timeout,
            'gap': max(timing.gap, 0.005), 'settle': self._settle,
            'writes': self._registers.frames(self._registers.stop_values(), first=True),
            'checks': self._registers.checks(self.values),
        }  # fmt: skip

    def _check_watchdog(self) -> None:
        """Without the process that would stop the motor after us, there is no motion."""
        if self._watchdog is None:
            return
        if self._watchdog.ready():
            self.guard.release(StopReason.ERROR, 'watchdog')
        else:
            self.guard.inhibit(StopReason.ERROR, 'watchdog')

    def set_status(self, status: str, error: ModuleError | None) -> None:
        """Never write again to a board that is not what its profile says.

        One that reports a fault, or the rope of which cannot be read, is not online, however often
        it is identified.
        """
        fault: ModuleError | None = None
        if status == ONLINE:
            fault = self._hoist.fault if self._hoist is not None else None
            if self._faults.persists:
                fault = DriveFaultError(self._faults.reported)
        self.faulty = fault is not None
        if fault is not None:
            status, error = ERROR, fault
        if isinstance(error, LayoutError):
            self._confirmed = False
            self.guard.inhibit(StopReason.LAYOUT, 'unconfirmed')
            if self._watchdog is not None:
                self._watchdog.disarm()
        super().set_status(status, error)

    def on_lost(self, error: ModuleError) -> None:
        """Nothing is known of a motor that does not answer."""
        self._doubt_stop()
        self.guard.inhibit(StopReason.MODULE_LOST, 'board')

    def failed(self, error: Exception) -> None:
        """Stop on any exception in the loop, and move no more before that stop is verified."""
        self._doubt_stop()
        self.guard.inhibit(StopReason.ERROR, 'loop')

    def port_lost(self, error: PortLostError) -> None:
        """The port is gone: what is behind the next one must be found out."""
        self._attend()
        self._doubt_stop()
        self._trusted_at = -math.inf
        if self._watchdog is not None:
            self._watchdog.pulse(LOST)
        super().port_lost(error)

    def _wake(self) -> None:
        self.line.wake(self)

    def _publish(self, verdict: Verdict) -> None:
        self._sample = self._registers.sample(
            self.values,
            self._sample,
            stamp=self.stamp,
            read_at=self.read_at,
            verdict=verdict,
            stop_verified=self._stop_verified,
        )
        self.observer.sample(self.spec.id, self._sample)


def _write_each(
    endpoint: Endpoint, frames: list[tuple[int, tuple[int, ...]]], valid: Callable[[], bool] | None
) -> Steps:
    """Write the frames of a stop: each of them stops something, so none keeps the others back.

    Args:
        endpoint: the board.
        frames: address and words of each.
        valid: asked before each frame is sent, see `Write`.

    Raises:
        ModuleError: that of the first frame that failed, when all have been tried.
    """
    first: ModuleError | None = None
    for address, words in frames:
        try:
            yield Write(endpoint, address, words, valid=valid)
        except ModuleError as error:
            first = first or error
    if first is not None:
        raise first

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
"""The catalogue of the errors that this vehicle can have; alarms that tell each once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

# What an error's severity means.
CRITICAL = 'P0'  # system down
HIGH = 'P1'
MEDIUM = 'P2'
LOW = 'P3'


@dataclass(frozen=True)
class Error:
    """An entry of the catalogue."""

    code: str
    name: str
    severity: str


CATALOGUE: dict[str, Error] = {
    error.code: error
    for error in (
        Error('SYS-002', 'Memory Exhaustion', HIGH),
        Error('SYS-003', 'Disk Space Full', HIGH),
        Error('SYS-004', 'Service Crash', CRITICAL),
        Error('SYS-005', 'Configuration Load Failed', HIGH),
        Error('SYS-006', 'Processor Overload', HIGH),
        Error('SYS-007', 'Overtemperature', HIGH),
        Error('SYS-008', 'Battery Low', HIGH),
        Error('SYS-009', 'Battery Fault', HIGH),
        Error('APP-001', 'Invalid Configuration', MEDIUM),
        Error('APP-004', 'Telemetry Processing Error', MEDIUM),
        Error('APP-005', 'WebSocket Connection Error', MEDIUM),
        Error('NET-002', 'RS485 Communication Error', HIGH),
        Error('NET-003', 'WebSocket Disconnect', MEDIUM),
        Error('DATA-003', 'Corruption', HIGH),
        Error('INT-002', 'Firmware communication', HIGH),
        Error('INT-003', 'Module Discovery Failed', MEDIUM),
    )
}

# What the error of a board means for the vehicle; every other one is of the communication.
MODULE_ERRORS: dict[str, str] = {
    'MOD-004': 'INT-003',  # the layout is not confirmed
    'MOD-006': 'INT-002',  # the driver failed
}
COMMUNICATION_ERROR = 'NET-002'


def module_error(module_code: str) -> Error:
    """Return the entry that stands for the error code of a board, such as MOD-001."""
    return CATALOGUE[MODULE_ERRORS.get(module_code, COMMUNICATION_ERROR)]


class Alarm:
    """Something wrong, told once when it has lasted, and again only after it was well as long.

    Args:
        hold: s it has to last.
        recovery: s it has to be well before it can be told again.
        clock: s that only rise.

    """

    def __init__(
        self, hold: float = 0.0, recovery: float = 5.0, clock: Callable[[], float] = time.monotonic
    ):
        self._hold = hold
        self._recovery = recovery
        self._clock = clock
        self._wrong_since: float | None = None
        self._well_since: float | None = None
        self.active = False
        """Whether it was told and is not well again."""

    def update(self, wrong: bool) -> bool:
        """Take a look; return whether it is to be told now."""
        now = self._clock()
        if wrong:
            self._well_since = None
            if self._wrong_since is None:
                self._wrong_since = now
            if not self.active and now - self._wrong_since >= self._hold:
                self.active = True
                return True
            return False
        self._wrong_since = None
        if self._well_since is None:
            self._well_since = now
        if now - self._well_since >= self._recovery:
            self.active = False
        return False


@dataclass(frozen=True)
class Thresholds:
    """Values from which a quantity is told.

    Attributes:
        code: of the catalogue.
        warning: value from which it is told one grade milder than the catalogue has it.
        critical: value from which it is told as the catalogue has it.
        hysteresis: how far below its threshold it is well again.
        hold: s it has to last.

    """

    code: str
    warning: float
    critical: float
    hysteresis: float
    hold: float


# Ratios, and degC.
HOST_THRESHOLDS: dict[str, Thresholds] = {
    'cpu': Thresholds('SYS-006', 0.80, 0.95, 0.05, 10.0),
    'memory': Thresholds('SYS-002', 0.85, 0.95, 0.02, 3.0),
    'disk': Thresholds('SYS-003', 0.80, 0.90, 0.02, 0.0),
    'temperature': Thresholds('SYS-007', 70.0, 80.0, 3.0, 3.0),
}
# The share of the charge that is gone: from 70 % no mission starts, from 80 % it must be charged.
BATTERY_THRESHOLDS = Thresholds('SYS-008', 0.70, 0.80, 0.02, 5.0)
MILDER = {CRITICAL: HIGH, HIGH: MEDIUM, MEDIUM: LOW, LOW: LOW}


class ThresholdAlarm:
    """Tells when a quantity passes a threshold upwards, once for each."""

    def __init__(self, thresholds: Thresholds, clock: Callable[[], float] = time.monotonic):
        self._thresholds = thresholds
        self._critical = Alarm(thresholds.hold, clock=clock)
        self._warning = Alarm(thresholds.hold, clock=clock)

    @property
    def active(self) -> str:
        """Severity that is in force; empty when the quantity is well."""
        severity = CATALOGUE[self._thresholds.code].severity
        if self._critical.active:
            return severity
        return MILDER[severity] if self._warning.active else ''

    def update(self, value: float) -> str:
        """Take a value, NaN when it is not measured; return the severity to tell, or ''."""
        told = False
        for alarm, threshold in (
            (self._critical, self._thresholds.critical),
            (self._warning, self._thresholds.warning),
        ):
            level = threshold - self._thresholds.hysteresis if alarm.active else threshold
            told |= alarm.update(not math.isnan(value) and value >= level)
        return self.active if told else ''

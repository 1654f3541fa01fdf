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
"""The catalogue of the vehicle's errors, and alarms that report each of them once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from oht50_bridge.enums import StrEnum


class Severity(StrEnum):
    """Severity of an error; the values are among those of SystemError.SEVERITY_*."""

    CRITICAL = 'P0'  # system down
    HIGH = 'P1'
    MEDIUM = 'P2'
    LOW = 'P3'

    @property
    def milder(self) -> Severity:
        """One grade below, LOW for LOW."""
        grades = list(Severity)
        return grades[min(grades.index(self) + 1, len(grades) - 1)]


@dataclass(frozen=True)
class CatalogueEntry:
    """An error that the vehicle can report.

    Attributes:
        code: unique, such as SYS-002.
        name: short, for a person.
        severity: unless an occurrence is milder.

    """

    code: str
    name: str
    severity: Severity


CATALOGUE: dict[str, CatalogueEntry] = {
    error.code: error
    for error in (
        CatalogueEntry('SYS-002', 'Memory Exhaustion', Severity.HIGH),
        CatalogueEntry('SYS-003', 'Disk Space Full', Severity.HIGH),
        CatalogueEntry('SYS-004', 'Service Crash', Severity.CRITICAL),
        CatalogueEntry('SYS-005', 'Configuration Load Failed', Severity.HIGH),
        CatalogueEntry('SYS-006', 'Processor Overload', Severity.HIGH),
        CatalogueEntry('SYS-007', 'Overtemperature', Severity.HIGH),
        CatalogueEntry('SYS-008', 'Battery Low', Severity.HIGH),
        CatalogueEntry('SYS-009', 'Battery Fault', Severity.HIGH),
        CatalogueEntry('APP-001', 'Invalid Configuration', Severity.MEDIUM),
        CatalogueEntry('APP-004', 'Telemetry Processing Error', Severity.MEDIUM),
        CatalogueEntry('APP-005', 'WebSocket Connection Error', Severity.MEDIUM),
        CatalogueEntry('NET-002', 'RS485 Communication Error', Severity.HIGH),
        CatalogueEntry('NET-003', 'WebSocket Disconnect', Severity.MEDIUM),
        CatalogueEntry('DATA-003', 'Corruption', Severity.HIGH),
        CatalogueEntry('INT-002', 'Firmware communication', Severity.HIGH),
        CatalogueEntry('INT-003', 'Module Discovery Failed', Severity.MEDIUM),
    )
}

# Errors of a board by its error code; any other code is a communication error.
MODULE_ERRORS: dict[str, str] = {
    'MOD-004': 'INT-003',  # the layout is not confirmed
    'MOD-006': 'INT-002',  # the driver failed
}
COMMUNICATION_ERROR = 'NET-002'


def module_error(module_code: str) -> CatalogueEntry:
    """Return the entry for the error code of a board, such as MOD-001."""
    return CATALOGUE[MODULE_ERRORS.get(module_code, COMMUNICATION_ERROR)]


class Alarm:
    """A condition that is reported once when it has lasted.

    It is reported again only after it was absent for the recovery time.

    Args:
        hold: s it has to last.
        recovery: s it has to be absent before it can be reported again.
        clock: returns s that only rise.

    """

    def __init__(
        self, hold: float = 0.0, recovery: float = 5.0, *, clock: Callable[[], float]
    ) -> None:
        self._hold = hold
        self._recovery = recovery
        self._clock = clock
        self._present_since: float | None = None
        self._absent_since: float | None = None
        self._active = False

    @property
    def active(self) -> bool:
        """Whether it was reported and has not recovered."""
        return self._active

    def update(self, present: bool) -> bool:
        """Use an observation; return whether the condition is to be reported now."""
        now = self._clock()
        if present:
            self._absent_since = None
            if self._present_since is None:
                self._present_since = now
            if not self._active and now - self._present_since >= self._hold:
                self._active = True
                return True
            return False
        self._present_since = None
        if self._absent_since is None:
            self._absent_since = now
        if now - self._absent_since >= self._recovery:
            self._active = False
        return False


@dataclass(frozen=True)
class Thresholds:
    """Values from which a quantity is reported.

    Attributes:
        code: of the catalogue.
        warning: value from which it is reported one grade milder than in the catalogue.
        critical: value from which it is reported as in the catalogue.
        hysteresis: how far below its threshold it counts as recovered.
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
BMS_SILENT = 'the battery management does not answer: the charge is not known'


def battery_fault(fault: bool, flags: int) -> str:
    """Return what a battery management reports, empty without a fault.

    Args:
        fault: it reports a fault.
        flags: the fault flags; they do not hold every fault.

    """
    if flags:
        return f'fault flags {flags:#06x}'
    return 'a fault without a flag, such as overcurrent or a short circuit' if fault else ''


class ThresholdAlarm:
    """Reports when a quantity passes a threshold upwards, once for each threshold.

    Args:
        thresholds: the values.
        clock: returns s that only rise.

    """

    def __init__(self, thresholds: Thresholds, clock: Callable[[], float]) -> None:
        self._thresholds = thresholds
        self._critical = Alarm(thresholds.hold, clock=clock)
        self._warning = Alarm(thresholds.hold, clock=clock)

    @property
    def active(self) -> Severity | None:
        """Severity that is in force, None while the quantity is below its thresholds."""
        severity = CATALOGUE[self._thresholds.code].severity
        if self._critical.active:
            return severity
        return severity.milder if self._warning.active else None

    def update(self, value: float) -> Severity | None:
        """Use a value, NaN when it is not measured: nothing is known to have recovered then.

        Returns:
            The severity to report now, None when there is nothing new.

        """
        if math.isnan(value):
            return None
        report = False
        for alarm, threshold in (
            (self._critical, self._thresholds.critical),
            (self._warning, self._thresholds.warning),
        ):
            level = threshold - self._thresholds.hysteresis if alarm.active else threshold
            report |= alarm.update(value >= level)
        return self.active if report else None

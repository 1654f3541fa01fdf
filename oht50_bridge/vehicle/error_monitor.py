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
"""Decides which errors of the vehicle are reported: each once, until it was absent for a while."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass

from oht50_bridge.vehicle.errors import BATTERY_THRESHOLDS
from oht50_bridge.vehicle.errors import BMS_SILENT
from oht50_bridge.vehicle.errors import CATALOGUE
from oht50_bridge.vehicle.errors import HOST_THRESHOLDS
from oht50_bridge.vehicle.errors import Alarm
from oht50_bridge.vehicle.errors import CatalogueEntry
from oht50_bridge.vehicle.errors import Severity
from oht50_bridge.vehicle.errors import ThresholdAlarm
from oht50_bridge.vehicle.errors import module_error
from oht50_bridge.vehicle.estop import UNREADABLE
from oht50_bridge.vehicle.host import with_unit

BMS = 'battery management'
CHARGE = 'charge'
DISK = 'state directory'
BMS_HOLD = 2.0  # s, for a power board that has just started to hear of its battery
ABSENCE_HOLD = 5.0  # s, for the nodes of a vehicle to discover one another

#: Code and consequence of a node that has reported and is silent.
SILENCE = {
    'hardware_node': ('SYS-004', 'the vehicle does not move until it is back'),
    'safety_node': ('SYS-004', 'the vehicle does not move until it is back'),
    'telemetry_node': ('APP-004', 'position and battery are not reported until it is back'),
    'bridge_node': ('APP-005', 'no client can connect until it is back'),
    'mission_node': ('SYS-004', 'no mission goes on, and none can be started, until it is back'),
    'config_node': ('SYS-005', 'the configuration cannot be read or changed until it is back'),
}
#: Code and consequence of a node that has not reported, and whose topic nobody publishes.
ABSENCE = {
    'mission_node': ('SYS-004', 'no mission can be started'),
    'config_node': (
        'SYS-005',
        'the configuration cannot be loaded; see its log. The vehicle does not move after a start '
        'of safety_node',
    ),
}


@dataclass(frozen=True)
class ErrorReport:
    """An error to report.

    Attributes:
        condition: name of what is wrong, among the conditions of the monitor.
        lasts: False: it is over already, and `standing` does not have it.
        error: entry of the catalogue.
        description: for a person.
        affected: names of boards or nodes.
        severity: that of this occurrence.

    """

    condition: str
    error: CatalogueEntry
    description: str
    affected: tuple[str, ...]
    severity: Severity
    lasts: bool = True


@dataclass(frozen=True)
class ModuleHealth:
    """Whether a board is faulty: its name, its address for a person, code or empty, text."""

    module_id: str
    address: str
    code: str
    description: str


class ErrorMonitor:
    """Turns observations into error reports.

    Args:
        report: receives each error once.
        clock: s, only rising.

    """

    def __init__(
        self, report: Callable[[ErrorReport], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._report = report
        self._alarms: defaultdict[str, Alarm] = defaultdict(lambda: Alarm(clock=clock))
        for name in ABSENCE:
            self._alarms[_absence(name)] = Alarm(ABSENCE_HOLD, clock=clock)
        self._host = {
            name: ThresholdAlarm(thresholds, clock) for name, thresholds in HOST_THRESHOLDS.items()
        }
        self._alarms[BMS] = Alarm(BMS_HOLD, clock=clock)
        self._battery = ThresholdAlarm(BATTERY_THRESHOLDS, clock)
        self._unreadable = False  # the latch is that of a file which cannot be read
        self._slow_consumers: int | None = None
        self._severities: dict[str, Severity] = {}  # of the conditions that were reported

    @property
    def host_alarms(self) -> dict[str, Severity]:
        """Severity of each quantity of the host that is too high."""
        return {name: alarm.active for name, alarm in self._host.items() if alarm.active}

    @property
    def standing(self) -> dict[str, Severity]:
        """Severity of each condition that was reported and has not recovered."""
        thresholds = {_host(name): alarm for name, alarm in self._host.items()}
        thresholds[CHARGE] = self._battery
        return {
            **{name: alarm.active for name, alarm in thresholds.items() if alarm.active},
            **{
                name: self._severities[name]
                for name, alarm in self._alarms.items()
                if alarm.active
            },
        }

    def on_estop(self, estop_id: str, reason: str) -> None:
        """Observe the emergency-stop latch."""
        self._unreadable = estop_id.startswith(UNREADABLE)
        if self._alarms[UNREADABLE].update(self._unreadable):
            self._raise(UNREADABLE, 'DATA-003', reason, 'safety_node')

    def on_modules(self, modules: Iterable[ModuleHealth]) -> None:
        """Observe the boards."""
        for module in modules:
            if self._alarms[module.module_id].update(bool(module.code)):
                error = module_error(module.code)
                text = (
                    f'{module.module_id} on {module.address}: {module.code} {module.description}'
                )
                self._raise(module.module_id, error.code, text, module.module_id)

    def on_slow_consumers(self, count: int) -> None:
        """Observe how many slow clients the bridge has disconnected since its start."""
        before, self._slow_consumers = self._slow_consumers, count
        if before is not None and count > before:
            self._raise(
                'slow client',
                'NET-003',
                'a client was disconnected because it did not read its events in time',
                'bridge_node',
                lasts=False,
            )

    def on_battery(self, percentage: float, fault: str, *, silent: bool) -> None:
        """Observe the battery.

        Args:
            percentage: state of charge, ratio 0..1; NaN where it is not known.
            fault: what its management reports, by `battery_fault`; empty without one.
            silent: its management does not answer.

        """
        severity = self._battery.update(1.0 - percentage)
        if severity:
            text = f'{percentage:.0%} left: charge it'
            self._raise(CHARGE, BATTERY_THRESHOLDS.code, text, 'power', severity)
        if self._alarms['battery'].update(bool(fault)):
            self._raise('battery', 'SYS-009', fault, 'power')
        if self._alarms[BMS].update(silent):
            self._raise(BMS, 'SYS-009', f'{BMS_SILENT}; no mission starts', 'power')

    def on_refused_configuration(self, changes: str) -> None:
        """Observe that a change of the configuration was reverted."""
        text = f'the configuration {changes} was refused and reverted'
        self._raise('configuration', 'APP-001', text, 'config_node', lasts=False)

    def check(
        self,
        host: Mapping[str, float],
        silent: Mapping[str, bool],
        absent: Mapping[str, bool],
        disk_fault: str = '',
    ) -> None:
        """Observe what must be checked regularly.

        Args:
            host: the quantities of HOST_THRESHOLDS, ratios and degC.
            silent: for each node of SILENCE, whether it has reported and is silent.
            absent: for each node of ABSENCE, whether it has never reported, and nobody publishes
                its topic.
            disk_fault: why the state directory cannot be written to, empty if it can be.

        """
        # The latch is reported at its changes alone, and none need follow the one that clears it.
        self._alarms[UNREADABLE].update(self._unreadable)
        if self._alarms[DISK].update(bool(disk_fault)):
            self._raise(
                DISK,
                'SYS-003',
                f'{disk_fault}: no stop, mission or configuration outlives a restart, and no '
                'mission starts',
                'host',
            )
        for name, value in host.items():
            severity = self._host[name].update(value)
            if severity:
                self._raise(
                    _host(name),
                    HOST_THRESHOLDS[name].code,
                    f'{name} of the host: {with_unit(name, value)}',
                    'host',
                    severity,
                )
        for name, (code, consequence) in SILENCE.items():
            if self._alarms[name].update(silent[name]):
                self._raise(name, code, f'{name} is silent: {consequence}', name)
        for name, (code, consequence) in ABSENCE.items():
            if self._alarms[_absence(name)].update(absent[name]):
                self._raise(_absence(name), code, f'{name} is absent: {consequence}', name)

    def _raise(
        self,
        condition: str,
        code: str,
        description: str,
        affected: str,
        severity: Severity | None = None,
        *,
        lasts: bool = True,
    ) -> None:
        error = CATALOGUE[code]
        grade = self._severities[condition] = severity or error.severity
        self._report(ErrorReport(condition, error, description, (affected,), grade, lasts))


def _host(name: str) -> str:
    """Return the condition of a quantity of the host."""
    return f'host {name}'


def _absence(node: str) -> str:
    """Return the condition of a node that has not reported."""
    return f'absent {node}'

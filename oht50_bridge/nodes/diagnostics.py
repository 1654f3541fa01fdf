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
"""Messages of /diagnostics: the host, safety_node, the boards, the battery."""

from __future__ import annotations

import math
from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue

from oht50_bridge.msg import EstopState
from oht50_bridge.msg import ModuleState
from oht50_bridge.msg import PowerState
from oht50_bridge.msg import SafetyHeartbeat
from oht50_bridge.vehicle.errors import BATTERY_THRESHOLDS
from oht50_bridge.vehicle.errors import BMS_SILENT
from oht50_bridge.vehicle.errors import CATALOGUE
from oht50_bridge.vehicle.errors import HOST_THRESHOLDS
from oht50_bridge.vehicle.errors import Severity
from oht50_bridge.vehicle.errors import battery_fault
from oht50_bridge.vehicle.host import with_unit


def diagnosis(
    name: str, level: bytes, message: str, values: Mapping[str, str]
) -> DiagnosticStatus:
    """Return one status of /diagnostics."""
    return DiagnosticStatus(
        name=name,
        level=level,
        message=message or 'ok',
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def module_diagnostics(module: ModuleState) -> DiagnosticStatus:
    """Return the diagnosis of a board."""
    if module.error_code:
        level, message = DiagnosticStatus.ERROR, f'{module.error_code} {module.error_description}'
    elif module.replies:
        level, message = DiagnosticStatus.OK, module.status
    else:
        level, message = DiagnosticStatus.STALE, 'no answer yet'
    return diagnosis(
        module.module_id,
        level,
        message,
        {
            'kind': module.kind,
            'profile': module.profile,
            'address': f'{module.line}/{module.unit_address}',
            'firmware': module.firmware_version,
            'hardware': module.hardware_version,
            'requests': str(module.requests),
            'replies': str(module.replies),
            'timeouts': str(module.timeouts),
            'crc errors': str(module.crc_errors),
            'exceptions': str(module.exceptions),
            'response time, mean': f'{module.response_time_mean * 1e3:.1f} ms',
            'response time, max': f'{module.response_time_max * 1e3:.1f} ms',
        },
    )


def battery_diagnostics(power: PowerState) -> DiagnosticStatus:
    """Return the diagnosis of the battery."""
    level, message = DiagnosticStatus.OK, ''
    gone = 1.0 - power.percentage
    if fault := battery_fault(power.battery_fault, power.fault_flags):
        level, message = DiagnosticStatus.ERROR, fault
    elif power.state == PowerState.STATE_OFFLINE:
        level, message = DiagnosticStatus.ERROR, BMS_SILENT
    elif math.isnan(gone):
        level, message = DiagnosticStatus.WARN, 'the charge is not known: no mission starts'
    elif gone >= BATTERY_THRESHOLDS.critical:
        level, message = DiagnosticStatus.ERROR, 'empty: charge it'
    elif gone >= BATTERY_THRESHOLDS.warning:
        level, message = DiagnosticStatus.WARN, 'low: no mission starts'
    return diagnosis(
        'battery',
        level,
        message,
        {
            'charge': _known(power.percentage, f'{power.percentage:.1%}'),
            'voltage': _known(power.voltage, f'{power.voltage:.1f} V'),
            'current': _known(power.current, f'{power.current:.1f} A'),
            'temperature': _known(power.temperature, f'{power.temperature:.0f} degC'),
            'charger': 'present' if power.charger_present else 'absent',
        },
    )


def _known(value: float, text: str) -> str:
    return 'not known' if math.isnan(value) else text


def host_diagnostics(
    values: Mapping[str, float], alarms: Mapping[str, Severity]
) -> DiagnosticStatus:
    """Return the diagnosis of the host.

    Args:
        values: the quantities of HOST_THRESHOLDS, ratios and degC.
        alarms: severity of each quantity that is too high.

    """
    level = DiagnosticStatus.OK
    if alarms:
        worst = any(
            severity == CATALOGUE[HOST_THRESHOLDS[name].code].severity
            for name, severity in alarms.items()
        )
        level = DiagnosticStatus.ERROR if worst else DiagnosticStatus.WARN
    return diagnosis(
        'host',
        level,
        ', '.join(f'{name} is high' for name in alarms),
        {name: with_unit(name, value) for name, value in values.items()},
    )


def safety_diagnostics(beat: SafetyHeartbeat | None, estop: EstopState) -> DiagnosticStatus:
    """Return the diagnosis of safety_node; `beat` is None without a recent heartbeat."""
    if beat is None:
        return diagnosis('safety_node', DiagnosticStatus.STALE, 'no heartbeat', {})
    level = DiagnosticStatus.OK if beat.motion_permitted else DiagnosticStatus.WARN
    return diagnosis(
        'safety_node',
        DiagnosticStatus.ERROR if estop.latched else level,
        beat.reason,
        {
            'motion permitted': str(beat.motion_permitted).lower(),
            'speed limit forward': f'{beat.speed_limit_forward:.3f} m/s',
            'speed limit backward': f'{beat.speed_limit_backward:.3f} m/s',
            'emergency stop': estop.reason if estop.latched else 'not latched',
            'causes present': '; '.join(estop.active_causes) or 'none',
        },
    )

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
"""The computer of the vehicle: load, memory, disk, temperature."""

from __future__ import annotations

import math
import os
from pathlib import Path

import psutil

# Sensors of the processor by the names that Linux drivers give them, in order of preference.
PROCESSOR_SENSORS = ('coretemp', 'k10temp', 'cpu_thermal', 'soc_thermal', 'bigcore0_thermal')


class Host:
    """Measures the host.

    Args:
        directory: a directory of the file system that is watched.

    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        psutil.cpu_percent()  # the load is measured since the previous call

    def measure(self) -> dict[str, float]:
        """Return the quantities of HOST_THRESHOLDS: ratios 0..1, and degC or NaN."""
        try:
            disk = psutil.disk_usage(str(self._directory)).percent / 100.0
        except OSError:
            disk = math.nan
        return {
            'cpu': psutil.cpu_percent() / 100.0,
            'memory': psutil.virtual_memory().percent / 100.0,
            'disk': disk,
            'temperature': processor_temperature(),
        }

    def disk_fault(self) -> str:
        """Return why nothing can be written to the directory, empty if it can be."""
        try:
            if os.statvfs(self._directory).f_flag & os.ST_RDONLY:
                return f'{self._directory} is mounted read-only'
        except OSError as error:
            return f'{self._directory}: {error.strerror}'
        if not os.access(self._directory, os.W_OK | os.X_OK):
            return f'{self._directory} is not writable'
        return ''


def processor_temperature() -> float:
    """Return the temperature of the processor, degC; NaN where the host has no sensor."""
    sensors = psutil.sensors_temperatures()
    for name in PROCESSOR_SENSORS:
        if sensors.get(name):
            return float(sensors[name][0].current)
    return math.nan


def with_unit(name: str, value: float) -> str:
    """Return a quantity of the host with its unit, for a person."""
    if math.isnan(value):
        return 'not measured'
    return f'{value:.1f} degC' if name == 'temperature' else f'{value:.0%}'

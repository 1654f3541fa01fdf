#!/usr/bin/env python3
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
"""Publishes the status of the whole vehicle and of the host it runs on."""

from __future__ import annotations

import math
import time

import psutil
from rclpy.node import Node

from oht50_bridge.msg import EstopState
from oht50_bridge.msg import ModuleStates
from oht50_bridge.msg import SystemStatus
from oht50_bridge.msg import Telemetry
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.common import declare
from oht50_bridge.nodes.common import header
from oht50_bridge.nodes.common import run
from oht50_bridge.nodes.common import state_directory
from oht50_bridge.srv import GetSystemStatus
from oht50_bridge.vehicle.status import vehicle_status
from oht50_bridge.version import VERSION

# Sensors of the processor by the names that Linux drivers give them, in the order of preference.
PROCESSOR_SENSORS = ('coretemp', 'k10temp', 'cpu_thermal', 'soc_thermal', 'bigcore0_thermal')
# Without news of the boards for this long, nobody knows how they are.
MODULES_LIFETIME = 3.0  # s


class SystemNode(Node):
    """Status of the vehicle at 1 Hz, at each change of it, and on request."""

    def __init__(self):
        super().__init__('system_node')
        rate = declare(
            self, 'rate', 1.0, 'Rate of the status, Hz', minimum=0.1, maximum=10.0)
        self._state_directory = state_directory(self)
        self._started = time.monotonic()
        self._estop = False
        self._modules: ModuleStates | None = None
        self._modules_at = -math.inf  # s, monotonic
        self._speed = math.nan  # m/s
        self._published = ('', '')

        self._status = topics.SYSTEM_STATUS.publisher(self)
        topics.ESTOP_STATE.subscribe(self, self._on_estop)
        topics.MODULE_STATES.subscribe(self, self._on_modules)
        topics.TELEMETRY.subscribe(self, self._on_telemetry)
        self.create_service(GetSystemStatus, 'get_system_status', self._on_get_status)
        psutil.cpu_percent()  # the first reading has nothing to compare with
        self.create_timer(1.0 / rate, self._publish)

    def _on_estop(self, state: EstopState) -> None:
        self._estop = state.latched
        self._publish_change()

    def _on_modules(self, states: ModuleStates) -> None:
        self._modules = states
        self._modules_at = time.monotonic()
        self._publish_change()

    def _on_telemetry(self, telemetry: Telemetry) -> None:
        self._speed = abs(telemetry.linear_velocity)
        self._publish_change()

    def _publish_change(self) -> None:
        if self._vehicle_status() != self._published:
            self._publish()

    def _publish(self) -> None:
        status = self._make_status()
        self._published = (status.status, status.state)
        self._status.publish(status)

    def _on_get_status(
        self, request: GetSystemStatus.Request, response: GetSystemStatus.Response,
    ) -> GetSystemStatus.Response:
        response.status = self._make_status()
        return response

    def _vehicle_status(self) -> tuple[str, str]:
        known = self._modules is not None
        fault = known and (
            time.monotonic() - self._modules_at > MODULES_LIFETIME
            or any(module.error_code for module in self._modules.modules))
        return vehicle_status(
            estop=self._estop, fault=fault, docking=False, speed=self._speed, known=known)

    def _make_status(self) -> SystemStatus:
        status, state = self._vehicle_status()
        return SystemStatus(
            header=header(self),
            status=status,
            state=state,
            uptime=time.monotonic() - self._started,
            version=VERSION,
            cpu=psutil.cpu_percent() / 100.0,
            memory=psutil.virtual_memory().percent / 100.0,
            disk=psutil.disk_usage(str(self._state_directory)).percent / 100.0,
            temperature=processor_temperature(),
        )


def processor_temperature() -> float:
    """Return the temperature of the processor, degC; NaN where the host has no sensor."""
    sensors = psutil.sensors_temperatures()
    for name in PROCESSOR_SENSORS:
        if sensors.get(name):
            return float(sensors[name][0].current)
    return math.nan


def main() -> None:
    """Run the node."""
    run(SystemNode)


if __name__ == '__main__':
    main()

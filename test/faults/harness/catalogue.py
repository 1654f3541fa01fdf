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
"""The catalogue of faults, by name.

Times to standstill are those of docs/safety.md, Failures and their tests; `None` where the vehicle
may go on, or where nothing but the hardware can stop it.
"""

from __future__ import annotations

from faults.harness.board_faults import board_faults
from faults.harness.dds_faults import dds_faults
from faults.harness.dds_faults import network_faults
from faults.harness.disk_faults import disk_faults
from faults.harness.disk_faults import load_faults
from faults.harness.fault import Fault
from faults.harness.line_faults import line_faults
from faults.harness.process_faults import clock_faults
from faults.harness.process_faults import process_faults
from faults.harness.tls_faults import tls_faults
from faults.harness.websocket_faults import websocket_faults

CATALOGUE: dict[str, Fault] = {
    fault.id: fault
    for fault in (
        *line_faults(),
        *board_faults(),
        *process_faults(),
        *clock_faults(),
        *websocket_faults(),
        *tls_faults(),
        *dds_faults(),
        *network_faults(),
        *disk_faults(),
        *load_faults(),
    )
}

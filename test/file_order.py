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
"""The order in which the files of tests begin, for several workers on few processors."""

#: What takes longest, so that no worker is left alone with it at the end.
LONGEST = ('system/test_day.py', 'system/test_missions.py', 'system/test_faults.py')
#: What waits for long, and has limits in real time. They begin together: beside tests that compute
#: they would be late.
WAITING = (
    'hardware/drivers/test_motor.py',
    'nodes/test_system_node.py',
    'bringup/test_preload.py',
    'clients/test_typescript_scenarios.py',
    'hardware/drivers/test_hoist.py',
    'hardware/watchdog/test_process.py',
    'client/test_scenarios.py',
    'nodes/test_hardware_node.py',
    'test_standard_streams.py',
    'hardware/drivers/test_power.py',
    'clients/test_typescript.py',
    'rosless/test_graph.py',
    'cli/test_screen.py',
    'client/test_client.py',
    'hardware/drivers/test_safety.py',
    'test_host_watch.py',
    'test_line_tap.py',
)


def order(files):
    """Return files in the order in which they begin."""
    first = [name for name in LONGEST + WAITING if name in files]
    return first + [name for name in files if name not in first]

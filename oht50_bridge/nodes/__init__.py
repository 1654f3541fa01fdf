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
"""One rclpy node a file: thin, tying hardware, vehicle and gateway to topics and services.

This file says which nodes make the vehicle; it imports none of them.
"""

NAMESPACE = '/oht50'
# Recordings are replayed below it, under the namespace of their vehicle; no vehicle runs there.
REPLAY_NAMESPACE = '/replay'

# In the order of their start: the motor's last line of safety comes first, clients come last.
NODES = (
    'hardware_node',
    'safety_node',
    'telemetry_node',
    'system_node',
    'mission_node',
    'config_node',
    'bridge_node',
)

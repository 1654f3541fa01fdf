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
"""How long a drive command and a permission to move are valid."""

# s, age at which the motor stops for want of a newer drive command. mission_node sends one every
# 20 ms, so ten are lost by then; the vehicle goes 0.1 m at 0.5 m/s meanwhile.
DRIVE_COMMAND_TIMEOUT = 0.2

# s, age at which the motor stops for want of a newer safety heartbeat. safety_node sends one every
# 50 ms.
HEARTBEAT_TIMEOUT = 0.3

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
"""Why the travel motor is stopped."""

from oht50_bridge.enums import StrEnum


class StopReason(StrEnum):
    """Why the travel motor is stopped; the values are those of DriveState.STOP_*."""

    NONE = 'none'  # it follows the command
    NO_COMMAND = 'no_command'
    COMMAND_TIMEOUT = 'command_timeout'
    HEARTBEAT_TIMEOUT = 'heartbeat_timeout'
    NOT_PERMITTED = 'not_permitted'
    ESTOP = 'estop'
    LAYOUT = 'layout'
    SHUTDOWN = 'shutdown'
    ERROR = 'error'
    DRIVE_FAULT = 'drive_fault'
    MODULE_LOST = 'module_lost'
    CHARGING = 'charging'
    SCAN = 'scan'

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
"""The boards, by kind."""

from oht50_bridge.hardware.registers import RegisterProfile
from oht50_bridge.simulator.boards.board import Board
from oht50_bridge.simulator.boards.dock import DockBoard
from oht50_bridge.simulator.boards.firmware_motor import FirmwareMotorBoard
from oht50_bridge.simulator.boards.motor import MotorBoard
from oht50_bridge.simulator.boards.power import PowerBoard
from oht50_bridge.simulator.boards.safety import SafetyBoard

BOARDS: dict[str, type[Board]] = {
    'power': PowerBoard, 'safety': SafetyBoard, 'travel_motor': MotorBoard, 'dock': DockBoard,
}  # fmt: skip
#: Boards whose firmware is known, by profile.
FIRMWARES: dict[str, type[Board]] = {'driver_2_motor': FirmwareMotorBoard}


def board_class(profile: RegisterProfile) -> type[Board]:
    """Return the class that simulates boards of a profile."""
    return FIRMWARES.get(profile.name, BOARDS[profile.kind])

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
"""The power board follows the battery."""

import pytest
from board_requests import read
from board_requests import write


def test_the_power_board_measures_the_battery_and_switches_the_charger(make):
    board = make('stm32_power')
    board.world.soc = 0.5
    assert read(board, 'soc') == pytest.approx(0.5, abs=0.01)
    assert read(board, 'pack_state') == 'discharging'
    board.world.charger_connected = True
    write(board, 'charge_request', True)
    assert read(board, 'charge_state', 0.1) == 'charging'
    assert read(board, 'pack_state', 0.2) == 'charging'

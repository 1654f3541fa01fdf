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
"""The motor board follows its registers."""

import pytest
from board_requests import read
from board_requests import write


def test_the_motor_ramps_up_and_stays_at_its_last_command(make):
    board = make('oht_v2_handler_motor')
    board.world.drive = board.drive
    board.update(0.0)
    write(board, 'direction', 'forward')
    write(board, 'enable', True)
    write(board, 'speed_target', 0.5)
    board.update(0.1)
    assert 0.0 < board.world.velocity < 0.5
    board.update(60.0)  # no watchdog
    assert board.world.velocity == pytest.approx(0.5)
    assert read(board, 'speed_actual', 60.0) == pytest.approx(0.5)
    write(board, 'enable', False, now=60.0)
    board.update(64.0)
    assert board.world.velocity == 0.0

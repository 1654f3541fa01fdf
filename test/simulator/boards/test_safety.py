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
"""The safety board judges its inputs."""

from board_requests import read
from board_requests import write


def test_the_safety_board_latches_the_open_chain_only_where_its_input_is_enabled(make):
    board = make('safety_module_fw')
    board.world.input_levels[0] = False
    assert read(board, 'latch') is False  # disabled at power-up
    write(board, 'di_active_level', (False,) * 4)
    write(board, 'di_enable', (True, False, False, False))
    assert (read(board, 'latch'), read(board, 'status')) == (True, 'critical')
    write(board, 'latch', False)
    assert read(board, 'latch') is True  # its cause persists
    board.world.input_levels[0] = True
    write(board, 'latch', False)
    assert (read(board, 'latch'), read(board, 'status')) == (False, 'ok')

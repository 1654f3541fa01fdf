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
"""The dock board follows the vehicle."""

import pytest
from board_requests import read


def test_the_dock_board_reports_where_the_vehicle_is_unless_its_sensors_are_stale(make):
    board = make('oht_v2_dock')
    board.world.position = 12.5
    assert read(board, 'position_x') == pytest.approx(12.5, abs=0.01)
    board.misbehaviour.stale = True
    board.world.position = 20.0
    assert read(board, 'position_x', 1.0) == pytest.approx(12.5, abs=0.01)

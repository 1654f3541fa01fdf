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
"""Which boards may share a serial line."""

import pytest

from oht50_bridge.hardware.own_line import crowded_board
from oht50_bridge.hardware.profile_reader import load

MOTOR = ('motor', load('driver_2_motor'), 'a')
POWER = ('power', load('stm32_power'), 'a')
DEAF = ('safety', load('safety_module_fw'), 'a')


@pytest.mark.parametrize(
    'boards',
    [
        [],
        [DEAF],
        [MOTOR, POWER],
        [MOTOR, POWER, (*DEAF[:2], 'b')],
        [MOTOR, ('safety', load('oht_v2_safety'), 'a')],
    ],
)
def test_boards_that_can_be_on_their_lines(boards):
    assert crowded_board(boards) is None


@pytest.mark.parametrize('boards', [[MOTOR, DEAF, POWER], [DEAF, MOTOR, POWER]])
def test_a_board_that_goes_deaf_is_named_with_its_neighbours_and_the_remedy(boards):
    name, text = crowded_board(boards)
    assert name == 'safety'
    for said in ('safety_module_fw', 'motor, power', 'line of its own'):
        assert said in text
    assert '\n' not in text

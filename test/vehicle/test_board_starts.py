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
"""Which silent board may be starting."""

import pytest

from oht50_bridge.vehicle.board_reports import BoardReport
from oht50_bridge.vehicle.board_starts import BOARD_START_MARGIN
from oht50_bridge.vehicle.board_starts import BoardStarts


def board(status, name='safety', boot_time=10.3):
    return BoardReport(name, 'safety', status == 'online', status, 'no reply', boot_time)


@pytest.fixture
def starts():
    return BoardStarts()


@pytest.mark.parametrize('boot_time', [0.15, 10.3])
def test_a_silent_board_may_be_starting_for_its_boot_time_and_a_margin(starts, boot_time):
    silent = board('offline', boot_time=boot_time)
    assert starts.may_be_starting(silent, 100.0)
    assert starts.may_be_starting(silent, 100.0 + boot_time + BOARD_START_MARGIN - 0.1)
    assert not starts.may_be_starting(silent, 100.0 + boot_time + BOARD_START_MARGIN + 0.1)


def test_a_board_that_was_online_is_lost_at_once(starts):
    assert starts.may_be_starting(board('offline'), 100.0)
    assert not starts.may_be_starting(board('online'), 101.0)
    assert not starts.may_be_starting(board('offline'), 101.1)


def test_a_board_of_another_layout_is_not_starting(starts):
    assert not starts.may_be_starting(board('error'), 100.0)


def test_each_board_has_its_own_time(starts):
    assert starts.may_be_starting(board('offline', 'safety'), 100.0)
    assert starts.may_be_starting(board('offline', 'motor', 0.15), 110.0)
    assert starts.may_be_starting(board('offline', 'safety'), 115.0)
    assert not starts.may_be_starting(board('offline', 'motor', 0.15), 115.2)

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
"""When a process that ended is restarted, how soon, and when it is not."""

import os

import pytest

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.restart import EXIT_WINDOW
from oht50_bridge.bringup.restart import MAXIMUM_DELAY
from oht50_bridge.bringup.restart import MAXIMUM_EXITS
from oht50_bridge.bringup.restart import STABLE
from oht50_bridge.bringup.restart import Backoff
from oht50_bridge.bringup.restart import RestartLimit
from oht50_bridge.bringup.restart import describe_exit
from oht50_bridge.vehicle.mission import MissionTimeouts


def test_a_process_that_keeps_ending_is_not_restarted():
    limit = RestartLimit('some_node')
    for number in range(MAXIMUM_EXITS - 1):
        limit.note_exit(-9, float(number))
    with pytest.raises(
        BringUpError, match='some_node ended 10 times within 60 s, last with SIGKILL'
    ):
        limit.note_exit(-9, EXIT_WINDOW - 0.1)


def test_exits_outside_the_window_do_not_count():
    limit = RestartLimit('some_node')
    for number in range(3 * MAXIMUM_EXITS):
        limit.note_exit(1, number * (EXIT_WINDOW + 1.0) / (MAXIMUM_EXITS - 1))


def test_a_refused_configuration_is_not_retried():
    with pytest.raises(BringUpError, match='refused its configuration'):
        RestartLimit('some_node').note_exit(os.EX_CONFIG, 0.0)


def test_what_a_restarted_process_refuses_may_be_corrected():
    limit = RestartLimit('some_node')
    for number in range(3 * MAXIMUM_EXITS):
        limit.note_exit(os.EX_CONFIG, float(number), restarted=True)
    limit.note_exit(1, 0.0)


def test_the_delay_doubles_until_the_process_lasts():
    backoff = Backoff()
    delays = [backoff.next_delay(0.1) for _ in range(7)]
    assert delays == [0.5, 1.0, 2.0, 4.0, MAXIMUM_DELAY, MAXIMUM_DELAY, MAXIMUM_DELAY]
    assert backoff.next_delay(STABLE) == 0.5
    assert backoff.next_delay(0.1) == 1.0


def test_a_mission_notices_that_a_node_was_away():
    assert min(Backoff().next_delay(run_time) for run_time in (0.0, STABLE)) > (
        MissionTimeouts().loss_timeout
    )


@pytest.mark.parametrize(
    ('code', 'text'), [(0, 'exit code 0'), (3, 'exit code 3'), (-9, 'SIGKILL')]
)
def test_an_exit_in_words(code, text):
    assert describe_exit(code) == text

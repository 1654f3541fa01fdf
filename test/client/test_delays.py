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
import pytest

from oht50_bridge.client.delays import Delays
from oht50_bridge.client.options import BackoffLimits


def delays(random, failures=1, **backoff):
    made = Delays(BackoffLimits(**backoff), lambda: random)
    for _ in range(failures):
        made.fail(0.0)
    return made


@pytest.mark.parametrize('random', [0.0, 0.5, 1.0])
def test_the_first_delay_is_at_least_that_of_the_protocol(random):
    for code, least in ((None, 1.0), (1001, 1.0), (1013, 5.0), (4429, 5.0), (4503, 1.0)):
        assert least <= delays(random).after(code) <= 1.5 * least
    assert delays(random).after(4408) == 0.0


def test_a_hundred_clients_do_not_come_at_once():
    moments = [delays(number / 99).after(1001) for number in range(100)]
    assert max(moments) - min(moments) >= 0.5


@pytest.mark.parametrize('code', [None, 1013, 4408])
def test_later_delays_have_an_end(code):
    assert delays(1.0, failures=10_000).after(code) == 30.0
    assert delays(0.0, failures=10_000).after(code) == 15.0
    assert delays(1.0, failures=3, first=0.1, longest=0.2).after(1001) == 0.2


def test_a_second_idle_close_is_waited_for():
    assert 1.0 <= delays(0.0, failures=2).after(4408) <= 2.0


def test_a_failed_function_is_waited_for():
    assert [delays(random).before_token() for random in (0.0, 1.0)] == [5.0, 10.0]


def test_only_a_stable_connection_begins_the_count_anew():
    made = delays(0.0, failures=4)
    made.live(100.0)
    made.fail(109.9)
    assert made.failures == 5
    made.live(200.0)
    made.fail(210.0)
    assert made.failures == 1
    made.fail(220.0)
    assert made.failures == 2

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
"""Emergency stops from full speed; `bench/estop.py` has the figures of many under load."""

import pytest
from stopping import DECELERATION
from stopping import FULL_SPEED
from stopping import PARAMETERS
from stopping import driven
from stopping import stop
from support import AT_ONCE
from support import running

TRIES = 3
LATENESS = 0.03  # s


def test_stop_from_full_speed_is_commanded_at_once_and_follows_the_limit_of_deceleration(tmp_path):
    with (
        running(tmp_path, PARAMETERS) as vehicle,
        driven(vehicle),
        vehicle.simulator() as simulator,
        vehicle.client('admin', ['safety.estop']) as client,
    ):
        for _ in range(TRIES):
            stopped = stop(client, simulator)
            assert stopped.zero < AT_ONCE, stopped
            assert stopped.event < AT_ONCE, stopped
            assert stopped.deceleration <= DECELERATION * 1.001, stopped
            # The drive acts in steps, and the sampling may be late.
            assert stopped.distance == pytest.approx(
                FULL_SPEED**2 / 2 / DECELERATION, abs=FULL_SPEED * LATENESS
            ), stopped
            client.clear_estop()

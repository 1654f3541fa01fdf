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
"""The screenshot of the README; `make screenshots` puts it into docs/images."""

import os
from pathlib import Path

import pytest
from page.views import enter
from page.views import until

IMAGE = 'overview.png'
HOME = 'OHT50_SCREENSHOTS'  # the folder, if they are kept
MOST = 200_000  # bytes
MEANWHILE = 25.0  # s, in which the trends grow


@pytest.mark.long
def test_the_overview_of_a_vehicle_on_its_way(vehicle, people, tmp_path):
    page = enter(people, vehicle, 'operator', viewport={'width': 1280, 'height': 720})
    page.getByText('1 min').first.click()
    with vehicle.client('operator', ['mission.progress']) as operator:
        operator.call('start_mission', mission_type='transport', station='station-b')
        operator.wait('mission.progress')
        until(page, 'document.querySelector("#state").textContent.includes("MOVING")')
        page.waitForTimeout(MEANWHILE * 1000)
        path = Path(os.environ.get(HOME) or tmp_path) / IMAGE
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot({'path': str(path.absolute())})
        operator.call('cancel_mission')
    assert 10_000 < path.stat().st_size < MOST

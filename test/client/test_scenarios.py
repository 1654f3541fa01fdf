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
"""The scenarios that all clients share, in Python."""

import asyncio

import pytest
from client.scenario import SCENARIOS
from client.scenario import Run

pytestmark = [pytest.mark.processes, pytest.mark.no_cover]


@pytest.mark.parametrize('scenario', SCENARIOS, ids=[each['name'] for each in SCENARIOS])
def test_scenario(scenario, controller):
    async def body():
        await Run(controller, scenario).run()

    asyncio.run(body())

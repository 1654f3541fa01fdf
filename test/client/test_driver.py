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

from oht50_bridge.client.actions import StateChanged
from oht50_bridge.client.core import ClientCore
from oht50_bridge.client.driver import Driver
from oht50_bridge.client.driver import supplied
from oht50_bridge.client.options import ClientOptions
from oht50_bridge.client.reports import Tokens


async def test_what_a_function_supplies():
    async def later(reason):
        return Tokens(reason, 'r')

    assert await supplied(lambda reason: reason, 'first') == Tokens('first')
    assert await supplied(lambda reason: None, 'first') is None
    assert await supplied(later, 'refused') == Tokens('refused', 'r')
    with pytest.raises(OSError):
        await supplied(lambda reason: (_ for _ in ()).throw(OSError()), 'first')


async def test_what_comes_of_an_action_follows_it():
    """A callback that acts does so after the one that called it, in order."""
    seen = []

    def report(action):
        if isinstance(action, StateChanged):
            seen.append(action.state.name)
            if action.state.name == 'connecting':
                driver.run(core.close())
                seen.append('returned')

    core = ClientCore(ClientOptions(), Tokens('t'), False, lambda: 0.0)
    driver = Driver(core, 'ws://127.0.0.1:9/', None, report)
    driver.run(core.connect(driver.now))
    assert seen == ['connecting', 'returned', 'closed']
    await driver.finish()

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
"""Several tabs with the same tokens: one of them refreshes, and nobody is signed out."""

import asyncio
import threading

import pytest
from gateway.serving import SECRET
from gateway.serving import Serving
from support import wait_for

from oht50_bridge.cli.link import link
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.paths import page_dir

LIFE = 62.0  # s, of an access token: refreshed 60 s before its end
ROUNDS = 3
#: There is no vehicle behind the bridge.
SIGNED_IN = '#link:is([data-link="live"], [data-link="silent"])'
#: Random waits before a refresh, which are long, become a tenth.
QUICK = 'const random = Math.random; Math.random = () => random() / 10;'
#: Plain http to another address has none.
NO_LOCKS = 'delete Navigator.prototype.locks;'


class Counting(TokenAuthority):
    """Counts how often each refresh token comes."""

    def __init__(self):
        super().__init__([Key('HS256', SECRET)], access_life=LIFE)
        self.came = []

    def refresh(self, token):
        self.came.append(token)
        return super().refresh(token)


@pytest.fixture
def bridge():
    """A gateway with the page, in a thread, whose tokens soon expire; its origin and authority."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(20)

    authority = Counting()
    server = Serving(authority=authority, page=page_dir())
    run(server.__aenter__())
    yield f'http://127.0.0.1:{server.gateway.port}', authority
    run(server.__aexit__())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


@pytest.mark.long
@pytest.mark.parametrize('duplicated', [False, True], ids=['opened', 'duplicated'])
@pytest.mark.parametrize('locks', ['', NO_LOCKS], ids=['locks', 'no locks'])
def test_two_tabs_refresh_once_each_time_and_stay_signed_in(bridge, people, locks, duplicated):
    origin, authority = bridge
    address = link(origin, authority.issue('ann', 'operator'), refreshing=True)
    first = people(address, script=QUICK + locks)
    first.locator(SIGNED_IN).waitFor()
    if duplicated:
        # The new tab gets a copy of the sessionStorage, as a duplicated one does.
        first.evaluate('void open(location.href)')
        wait_for(lambda: first.act(['context'], ['pages'], ['length']) == 2, what='a second tab')
        second = first.act(['context'], ['pages'], ['at', 1])
    else:
        second = first.act(['context'], ['newPage'])
        second.goto(address)
    pages = [first, second]
    for page in pages:
        page.locator(SIGNED_IN).waitFor()
    wait_for(lambda: len(authority.came) >= ROUNDS, 60.0, 'refreshes', pause=0.1)
    assert len(set(authority.came)) == len(authority.came), 'a refresh token was sent twice'
    for page in pages:
        page.locator(SIGNED_IN).waitFor()

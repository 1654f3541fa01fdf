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

import pytest
from gateway.serving import SECRET
from page.views import FRESH
from page.views import LIVE
from page.views import MARKS
from page.views import SLACK
from page.views import STOP
from page.views import go
from page.views import text
from page.views import until
from support import wait_for

from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.tokens import TokenAuthority

LIFE = 62.0  # s, of an access token: refreshed 60 s before its end
#: The same where the end of a token is waited for: a token that was not taken over, or lost, s.
SHORT, NOTICE = 12.0, 10.0
LOST, LOST_NOTICE = 22.0, 20.0
ROUNDS = 3
#: Random waits before a refresh, which are long, become a tenth.
QUICK = 'const random = Math.random; Math.random = () => random() / 10;'
#: Notes when a refresh is answered, and when the control of the stop is gone, ms.
SEEN = """
const { addEventListener: listen } = WebSocket.prototype;
WebSocket = class extends WebSocket {
  constructor(...values) {
    super(...values);
    listen.call(this, 'message', ({ data }) => {
      if (data.includes('"auth.refreshed"') && !window.gone) window.refreshed = performance.now();
    });
  }
};
new MutationObserver(() => {
  if (document.querySelector('#stop[data-state="absent"]')) window.gone ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
#: Plain http to another address has none.
NO_LOCKS = 'delete Navigator.prototype.locks;'
#: What another tab writes is not read in time: each process of a browser has a copy of it.
LATE = """
const { getItem } = Storage.prototype;
Storage.prototype.getItem = function (key) {
  return key.endsWith(':spent') ? null : getItem.call(this, key);
};
"""


class Counting(TokenAuthority):
    """Counts how often each refresh token comes."""

    def __init__(self, life=LIFE):
        super().__init__([Key('HS256', SECRET)], access_life=life)
        self.came, self.gave = [], []
        self.noticed = lambda: None

    def refresh(self, token, subject=None):
        self.came.append(token)
        self.noticed()
        self.gave.append(super().refresh(token, subject))
        return self.gave[-1]


@pytest.mark.parametrize(
    ('locks', 'duplicated'),
    [
        pytest.param('', False, marks=pytest.mark.slow, id='opened'),
        pytest.param(NO_LOCKS, False, marks=pytest.mark.long, id='opened-no locks'),
        pytest.param(LATE, False, marks=pytest.mark.long, id='opened-late storage'),
        pytest.param('', True, marks=pytest.mark.long, id='duplicated'),
        pytest.param(NO_LOCKS, True, marks=pytest.mark.long, id='duplicated-no locks'),
    ],
)
def test_two_tabs_refresh_once_each_time_and_stay_signed_in(stages, people, locks, duplicated):
    stage = stages(Counting(SHORT), expiry_notice=NOTICE)
    authority, address = stage.authority, stage.link()
    first = people(address, script=QUICK + locks + MARKS)
    first.locator(LIVE).waitFor()
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
        page.locator(LIVE).waitFor()
        page.evaluate('marks.length = 0')
    wait_for(lambda: len(authority.came) >= ROUNDS, 60.0, 'refreshes', pause=0.1)
    # A tab that did not take over what another one got would be signed out now.
    first.waitForTimeout((SHORT + 3.0) * 1000)
    for page in pages:
        page.locator(LIVE).waitFor()
        assert 'signed-out' not in page.evaluate('marks')
    assert len(set(authority.came)) == len(authority.came), 'a refresh token was sent twice'


class Lowering(Counting):
    """What it refreshes has the role that a test has chosen."""

    role = 'admin'

    def refresh(self, token, subject=None):
        super().refresh(token, subject)
        pair = self.issue('ann', self.role)
        return self.verify(pair.access), pair


@pytest.mark.slow
def test_controls_go_when_the_role_is_lowered(people, stages):
    stage = stages(Lowering())
    page = people(stage.link('admin'), script=QUICK + SEEN)
    page.locator(LIVE).waitFor()
    for place in (STOP, '.w-mission .goal'):
        page.locator(f'{place}:visible').first.waitFor()
    stage.authority.role = 'viewer'
    page.locator('.stop-absent:visible').waitFor()
    answered, gone = page.evaluate('[refreshed, gone]')
    assert 0 <= gone - answered <= 1000 * (1 + SLACK), (answered, gone)
    assert page.locator('.w-mission button:visible').count() == 0
    # What a viewer may read is asked for again, and goes on.
    until(page, FRESH)
    go(page, '/alarms')
    assert page.locator('main button:visible').count() == 0


@pytest.mark.slow
@pytest.mark.breaks_connections
def test_a_refresh_without_an_answer_is_not_sent_again_and_a_way_in_is_offered(
    people, stages, proxies
):
    authority = Counting(LOST)
    stage = stages(authority, expiry_notice=LOST_NOTICE)
    proxy = proxies(stage.port)
    # Before the answer can be sent.
    authority.noticed = lambda: proxy.hold('down')
    page = people(stage.link(origin=proxy.origin), script=QUICK)
    page.locator(LIVE).waitFor()
    wait_for(lambda: authority.came, 60.0, 'a refresh', pause=0.05)
    proxy.cut()
    page.locator('[data-state="offline"]').waitFor()
    proxy.release()
    page.locator(LIVE).waitFor()  # with the access token of before
    page.locator('#token').waitFor()
    assert 'ends within a minute' in text(page, '.login')
    # Until the end of the session, and over it.
    page.locator('#link[data-link="signed-out"]').waitFor({'timeout': 40_000})
    assert len(authority.came) == 1, 'a refresh token was sent twice'
    # The family is not revoked: the one whose answer was lost would still have worked.
    authority.noticed = lambda: None
    assert authority.refresh(authority.gave[0][1].refresh)
    assert page.locator('#token:visible').count() == 1
    assert text(page, '.tiles .value') != '--'  # what was known stays, with its age

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
"""Values and pages over time: slow rates, hidden and frozen tabs, clocks that jump."""

import contextlib

import pytest
from page.views import FRESH
from page.views import LIVE
from page.views import MARKS
from page.views import STALE
from page.views import go
from page.views import text
from page.views import until
from page.views import visit
from support import wait_for

pytestmark = pytest.mark.long

HOUR = 3_600_000  # ms
#: The date runs ahead of the steady clock by `ahead` ms.
JUMPING = """
window.ahead = 0;
const now = Date.now;
Date.now = () => now() + ahead;
"""
#: A page is hidden when a test says so: a browser without a window shows all its pages.
HIDING = """
window.hides = false;
Object.defineProperty(document, 'hidden', { get: () => hides });
Object.defineProperty(document, 'visibilityState', { get: () => (hides ? 'hidden' : 'visible') });
window.hide = (value) => {
  hides = value;
  document.dispatchEvent(new Event('visibilitychange'));
};
"""
#: Counts what comes over WebSockets, by type, and what is sent.
COUNTING = """
window.came = {};
window.sent = [];
window.WebSocket = class extends WebSocket {
  constructor(...values) {
    super(...values);
    super.addEventListener('message', ({ data }) => {
      const { type } = JSON.parse(data);
      came[type] = (came[type] ?? 0) + 1;
    });
  }
  send(text) {
    sent.push({ type: JSON.parse(text).type, at: performance.now() });
    super.send(text);
  }
};
"""


def test_before_the_first_value_there_is_none_and_null_is_not_measured(people, stage):
    stage.rate = 0
    page = people(stage.link())
    page.locator('#stop[data-state="ready"]').waitFor()
    shown = '[...document.querySelectorAll(".tile .reading")].map((each) => each.innerText)'
    until(page, f'{shown}.every((each) => each.includes("no data yet"))')
    assert page.locator('.rail-carrier:visible').count() == 0
    assert 'position not known' in text(page, '.rail-words')
    measured = {'battery': None, 'temperature': 40.0, 'humidity': None}
    stage.facts['telemetry.realtime']['sensors'] = measured
    stage.rate = 10
    page.locator(LIVE).waitFor()
    until(page, FRESH)
    battery, humidity = page.evaluate(
        '[...document.querySelectorAll(".tile")].slice(2).map((each) => each.innerText)'
    )
    assert '--' in battery and 'not measured' in battery
    assert 'not measured' in humidity and '40' in humidity


def test_at_a_fifth_of_a_hertz_nothing_is_stale_before_its_time(people, stage):
    stage.rate = 0.2
    stage.facts['telemetry.status']['rate'] = 0.2
    page = visit(people, stage, script=MARKS + COUNTING)
    until(page, FRESH)
    page.evaluate('marks.length = came["telemetry.realtime"] = 0')
    until(page, 'came["telemetry.realtime"] >= 4', 40)
    assert set(page.evaluate('marks')) <= {'live'}
    assert page.locator(LIVE).count() == 1
    stage.rate = 0
    until(page, STALE, 25)


def test_a_hidden_page_takes_less_and_loses_nothing(people, stage):
    page = visit(people, stage, script=HIDING + COUNTING + MARKS)
    until(page, FRESH)
    page.evaluate('hide(true)')
    until(page, 'sent.some(({ type, at }) => type === "subscribe" && at > 60000)', 75)
    page.evaluate('came = {}; marks.length = 0; sent.length = 0')
    stage.publish('mission.started', mission_id='m-1')
    until(page, 'came["telemetry.realtime"] >= 8', 20)
    came = page.evaluate('came')
    assert came['telemetry.realtime'] <= came['telemetry.status'] + 3, came
    assert came['mission.started'] == 1
    # No probe, which its slow timers would judge wrongly, and no loss.
    assert page.evaluate('sent') == []
    assert stage.clients == 1 and page.locator(LIVE).count() == 1
    page.evaluate('marks.length = 0; shown = performance.now(); hide(false)')
    until(page, 'sent.some(({ type }) => type === "ping")', 2)
    until(page, 'sent.some(({ type }) => type === "subscribe")', 2)
    page.evaluate('came = {}')
    until(page, 'came["telemetry.realtime"] >= 10', 5)
    assert came['telemetry.realtime'] < 20
    until(page, FRESH)
    assert 'm-1' in text(page, '.log')


@contextlib.contextmanager
def frozen(browser, page):
    """Freeze a page, as a browser does with one that is not looked at."""
    session = browser.session(page)
    session.send('Page.setWebLifecycleState', {'state': 'frozen'})
    yield
    session.send('Page.setWebLifecycleState', {'state': 'active'})


def test_after_it_was_frozen_it_shows_nothing_old_as_live(people, stage, browser):
    page = visit(people, stage, script=MARKS + COUNTING)
    until(page, FRESH)
    page.evaluate('marks.length = 0')
    with frozen(browser, page):
        stage.rate = 0
        page.waitForTimeout(6000)
    until(page, STALE, 3)
    assert 'live' not in page.evaluate(
        'marks.slice(marks.lastIndexOf("stale") - 2).filter((each) => each !== "stale")'
    )
    page.evaluate('sent.length = 0')
    until(page, 'sent.some(({ type }) => type === "ping")', 4)
    assert stage.clients == 1
    stage.rate = 10
    page.locator(LIVE).waitFor()
    until(page, FRESH)


@pytest.mark.parametrize('by', [HOUR, -HOUR])
def test_when_the_date_jumps_nothing_is_lost_and_nothing_old_is_live(people, stage, by):
    page = visit(people, stage, script=JUMPING + MARKS)
    until(page, FRESH)
    stage.rate = 0
    page.evaluate(f'marks.length = 0; ahead = {by}')
    # Ahead: the machine may have slept, so that nothing is known to be as it is now.
    until(page, STALE, 1.0 if by > 0 else 3.0)
    stage.rate = 10
    page.locator(LIVE).waitFor()
    until(page, FRESH)
    assert stage.clients == 1, 'it connected anew'
    until(page, 'document.querySelector("header").innerText.includes("clock differs")')
    assert 'signed in for' in text(page, '.who')
    assert page.locator('#token:visible').count() == 0


def test_by_back_and_forward_one_comes_to_a_page_that_is_signed_in_and_live(people, stage):
    page = visit(people, stage, level='/alarms')
    page.goto('about:blank')
    wait_for(lambda: stage.clients == 0, what='the connection ended')
    page.goBack()
    page.locator(LIVE).waitFor()
    assert '#/alarms' in page.url()
    go(page, '/')
    until(page, FRESH)
    assert stage.clients == 1

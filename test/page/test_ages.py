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
import time

import pytest
from page.views import FRESH
from page.views import LIVE
from page.views import MARKS
from page.views import SLACK
from page.views import STALE
from page.views import go
from page.views import text
from page.views import until
from page.views import visit
from support import wait_for

HOUR = 3_600_000  # ms
HIDDEN = 300.0  # s
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
// The timers of a hidden page run once a minute, and what was due when it is shown again.
const due = new Map();
const run = () => {
  for (const [id, act] of [...due]) {
    due.delete(id);
    act();
  }
};
const native = { setTimeout, setInterval, clearTimeout, clearInterval };
native.setInterval.call(window, run, 60_000);
for (const name of ['setTimeout', 'setInterval']) {
  window[name] = (act, ms, ...values) => {
    const fire = () => (hides ? due.set(id, () => act(...values)) : act(...values));
    const id = native[name].call(window, fire, ms);
    return id;
  };
}
for (const name of ['clearTimeout', 'clearInterval']) {
  window[name] = (id) => {
    due.delete(id);
    native[name].call(window, id);
  };
}
window.hide = (value) => {
  hides = value;
  document.dispatchEvent(new Event('visibilitychange'));
  if (!value) run();
};
"""
#: Notes of each frame whether a value was marked as live in it, and how old it was, ms: when a
#: frame begins, the page is as the frame before was drawn.
FRAMES = """
window.framed = [];
let [telemetry, before] = [Infinity, undefined];
window.WebSocket = class extends WebSocket {
  constructor(...values) {
    super(...values);
    this.addEventListener('message', ({ data }) => {
      const { type, timestamp } = JSON.parse(data);
      if (type !== 'telemetry.realtime') return;
      telemetry = Date.parse(timestamp) - performance.timeOrigin;
    });
  }
};
const look = () => {
  const at = performance.now();
  if (before !== undefined) {
    const fresh = [...document.querySelectorAll('.reading, .rail-words')];
    const live = fresh.some((each) => each.dataset.fresh === 'live');
    framed.push({ at: before.at, age: before.at - before.telemetry, live });
  }
  before = { at, telemetry };
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
#: Notes what the browser does with the page: hides, freezes, and gives it back from where it was
#: kept; the moment when it is shown again, and the longest pause of its timers, ms.
LIFE = """
window.life = [];
window.pause = 0;
let ran = performance.now();
setInterval(() => {
  pause = Math.max(pause, performance.now() - ran);
  ran = performance.now();
}, 100);
document.addEventListener('visibilitychange', () => {
  life.push(document.visibilityState);
  if (!document.hidden) window.back = performance.now();
});
for (const type of ['freeze', 'resume']) document.addEventListener(type, () => life.push(type));
addEventListener('pageshow', ({ persisted }) => persisted && life.push('kept'));
"""
KEPT_BY_NOBODY = "addEventListener('unload', () => {});"
#: Age that nothing has which is shown as live, ms.
OLDEST = 1250 + 1000 * SLACK
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


@pytest.mark.slow
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


@pytest.mark.long
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


def old_as_live(page, since):
    """Return the frames after a moment, ms, that show something old as live."""
    frames = page.evaluate(f'framed.filter(({{ at }}) => at >= {since})')
    assert frames
    return [each for each in frames if each['live'] and each['age'] > OLDEST]


@pytest.mark.long
@pytest.mark.timeout(HIDDEN + 200)
def test_a_hidden_page_takes_less_and_loses_nothing(people, stage, curtain):
    script = HIDING + FRAMES + COUNTING + MARKS
    page = visit(people, stage, origin=curtain.origin, script=script)
    until(page, FRESH)
    page.evaluate('sent.length = 0; hide(true)')
    shown_at = time.monotonic() + HIDDEN
    # Its timers run once a minute, so that it is up to a minute late.
    until(page, 'sent.some(({ type }) => type === "subscribe")', 125)
    page.evaluate('came = {}; marks.length = 0; sent.length = 0')
    stage.publish('mission.started', mission_id='m-1')
    until(page, 'came["telemetry.realtime"] >= 8', 20)
    came = page.evaluate('came')
    assert came['telemetry.realtime'] <= came['telemetry.status'] + 3, came
    assert came['mission.started'] == 1
    # No probe, which its slow timers would judge wrongly, and no loss.
    assert page.evaluate('sent') == []
    assert curtain.opened == stage.clients == 1 and page.locator(LIVE).count() == 1
    time.sleep(max(0.0, shown_at - time.monotonic()))
    assert page.evaluate('sent') == []
    assert curtain.opened == stage.clients == 1 and page.locator(LIVE).count() == 1
    # What is not old at 1 Hz is old at 10 Hz.
    stage.rate = 0
    page.waitForTimeout(1200)  # the newest value may wait for its second
    page.evaluate('came = {}')
    page.waitForTimeout(1000)
    assert 'telemetry.realtime' not in page.evaluate('came')
    shown = page.evaluate('(hide(false), performance.now())')
    until(page, 'sent.some(({ type }) => type === "ping")', 1 + SLACK)
    until(page, STALE, 2 + SLACK)
    # It is stale at once, before anything is drawn.
    until(page, f'framed.some(({{ at }}) => at >= {shown})', 5)
    assert old_as_live(page, shown) == []
    stage.rate = 10
    until(page, 'sent.some(({ type }) => type === "subscribe")', 2 + SLACK)
    until(page, FRESH)
    page.evaluate('came = {}')
    until(page, 'came["telemetry.realtime"] >= 10', 5)
    came = page.evaluate('came')
    assert came['telemetry.realtime'] > 3 * came.get('telemetry.status', 0), came
    assert 'm-1' in text(page, '.log')
    assert curtain.opened == 1


@contextlib.contextmanager
def left(page):
    """Leave a page for another one, and come back to it; a browser keeps and freezes it."""
    page.goto('about:blank')
    yield
    page.evaluate('void setTimeout(() => history.back())')
    wait_for(lambda: 'about:' not in page.url(), what='it is back', pause=0.01)


@pytest.mark.slow
def test_what_the_bridge_had_kept_is_as_old_as_it_is_when_a_page_is_opened(people, stage):
    until(visit(people, stage), FRESH)
    stage.rate = 0
    time.sleep(OLDEST / 1000 + 1)
    page = people(stage.link(), script=FRAMES)
    page.locator('#link[data-link="silent"]').waitFor()
    until(page, STALE)
    assert old_as_live(page, 0) == []
    stage.rate = 10
    page.locator(LIVE).waitFor()
    until(page, FRESH)


@pytest.mark.slow
@pytest.mark.breaks_connections
def test_after_it_was_frozen_it_shows_nothing_old_as_live_and_misses_nothing(people, stage):
    """The browser ends the connection of a page that it freezes, and tells it when it thaws."""
    page = visit(people, stage, script=FRAMES + COUNTING + LIFE)
    until(page, FRESH)
    with left(page):
        stage.rate = 0
        stage.publish('mission.started', mission_id='m-1')
        page.waitForTimeout(6000)
    until(page, STALE, 2 + SLACK)
    # Nothing of it ran meanwhile.
    assert page.evaluate('pause') > 4000
    assert page.evaluate('life') == ['hidden', 'freeze', 'resume', 'visible', 'kept']
    back = page.evaluate('back')
    asked = 'sent.find(({ type, at }) => type === "ping" && at >= back).at'
    assert page.evaluate(asked) - back <= 1000 * (1 + SLACK)
    assert old_as_live(page, back) == []
    stage.rate = 10
    page.locator(LIVE).waitFor()
    until(page, FRESH)
    assert old_as_live(page, back) == []
    until(page, 'document.querySelector(".log").innerText.includes("m-1")')
    assert stage.clients == 1


@pytest.mark.parametrize(
    'by', [pytest.param(HOUR, marks=pytest.mark.slow), pytest.param(-HOUR, marks=pytest.mark.long)]
)
def test_when_the_date_jumps_nothing_is_lost_and_nothing_old_is_live(people, stage, curtain, by):
    page = visit(people, stage, origin=curtain.origin, script=JUMPING + FRAMES + COUNTING + MARKS)
    until(page, FRESH)
    # Right after a ping, so that the next one of itself is far.
    page.evaluate('sent.length = 0')
    until(page, 'sent.some(({ type }) => type === "ping")')
    stage.rate = 0
    jumped = page.evaluate(f'(sent.length = 0, ahead = {by}, performance.now())')
    # Ahead: the machine may have slept, so that nothing is known to be as it is now.
    if by > 0:
        until(page, f'{STALE} && sent.some(({{ type }}) => type === "ping")')
        asked = 'sent.find(({ type }) => type === "ping").at'
        assert page.evaluate(asked) - jumped <= 1000 * (1 + SLACK)
    until(page, STALE, 3 + SLACK)
    assert old_as_live(page, jumped) == []
    stage.rate = 10
    page.locator(LIVE).waitFor()
    until(page, FRESH)
    assert curtain.opened == stage.clients == 1, 'it connected anew'
    until(page, 'document.querySelector("header").innerText.includes("clock differs")')
    assert 'signed in for' in text(page, '.who')
    assert page.locator('#token:visible').count() == 0


@pytest.mark.slow
def test_by_back_and_forward_one_comes_to_a_page_that_is_signed_in_and_live(people, stage):
    page = visit(people, stage, level='/alarms', script=FRAMES + LIFE)
    with left(page):
        page.waitForTimeout(3000)
    page.locator(LIVE).waitFor()
    # As the browser kept it, with all that came meanwhile.
    assert page.evaluate('life').pop() == 'kept'
    assert '#/alarms' in page.url()
    go(page, '/')
    until(page, FRESH)
    assert old_as_live(page, page.evaluate('back')) == []
    assert stage.clients == 1


@pytest.mark.long
def test_a_page_that_the_browser_did_not_keep_is_signed_in_and_live_as_well(people, stage):
    page = visit(people, stage, level='/alarms', script=KEPT_BY_NOBODY + LIFE)
    with left(page):
        wait_for(lambda: stage.clients == 0, what='the connection ended')
    page.locator(LIVE).waitFor()
    assert page.evaluate('life') == []
    assert '#/alarms' in page.url()
    go(page, '/')
    until(page, FRESH)
    assert stage.clients == 1

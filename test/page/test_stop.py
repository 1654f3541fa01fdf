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
"""The stop of the page: one command for a press, and shown is what the vehicle reported."""

import contextlib
import itertools
import time

import pytest
from page.conftest import LEVELS
from page.views import LIVE
from page.views import NOTING
from page.views import SENDING
from page.views import SLACK
from page.views import STOP
from page.views import clear
from page.views import count
from page.views import count_reaches
from page.views import enter
from page.views import go
from page.views import noted
from page.views import text
from page.views import until
from page.views import visit
from support import wait_for

#: From a press to the display, ms.
PROMPT = 200 + 1000 * SLACK
#: From a press until it is latched, where the first connection is half-open, s.
ROUND = 1.5 + SLACK
#: What the page checks by time, each 250 ms, is shown so much later, ms.
TICK = 300 + 1000 * SLACK
#: Presses of each way to stop.
PRESSES = 20
#: A command that is sent again is sent within that time, s.
REPEATED = 1.2
#: Without an answer for so long a stop is sent on another connection too, ms.
UNANSWERED = 500
STORM = """for (let i = 0; i < 20; i++) document.querySelector('.stop-button').dispatchEvent(
  new PointerEvent('pointerdown', { button: 0, isPrimary: true, bubbles: true }))"""
#: What is found on a grid of points of STOP that is not a part of it.
COVERING = """(() => {
  const stop = document.querySelector('.stop-button');
  const { left, top, width, height } = stop.getBoundingClientRect();
  const covering = [];
  for (const x of [0.02, 0.25, 0.5, 0.75, 0.98]) {
    for (const y of [0.04, 0.5, 0.96]) {
      const found = document.elementFromPoint(left + x * width, top + y * height);
      if (!stop.contains(found)) covering.push([x, y, found?.outerHTML.slice(0, 80)]);
    }
  }
  return covering;
})()"""
#: Distance of STOP to each other part that can be pressed and is not beneath it, px.
AROUND = """(() => {
  const stop = document.querySelector('.stop-button');
  const { left, right, top, bottom } = stop.getBoundingClientRect();
  const parts = document.querySelectorAll('button, a, input, select, summary, [tabindex="0"]');
  // What is scrolled beneath the strip of STOP is cut off there.
  const main = document.querySelector('main').getBoundingClientRect();
  return [...parts]
    .filter((each) => each.checkVisibility() && !each.matches('.stop-button, .skip'))
    .map((each) => {
      const whole = each.getBoundingClientRect();
      const box = { left: whole.left, right: whole.right, top: whole.top, bottom: whole.bottom };
      if (each.closest('main')) box.bottom = Math.min(box.bottom, main.bottom);
      const x = Math.max(box.left - right, left - box.right, 0);
      const y = Math.max(box.top - bottom, top - box.bottom, 0);
      const [cx, cy] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
      const found = document.elementFromPoint(cx, cy);
      return [each.textContent.slice(0, 20), Math.hypot(x, y), found && each.contains(found)];
    })
    .filter(([, distance, seen]) => seen && distance < 24);
})()"""


@pytest.fixture
def admin(vehicle):
    with vehicle.client('admin', ['safety.*']) as client:
        yield client


def by_mouse(page):
    page.locator(STOP).click()


def by_touch(page):
    page.locator(STOP).tap()


def by_enter(page):
    page.locator(STOP).press('Enter')


def by_f8(page):
    page.locator('h1').first.click()
    page.locator('body').press('F8')


WAYS = [by_mouse, by_touch, by_enter, by_f8]


def without(page):
    """There is no dialog."""


def with_help(page):
    page.locator('h1').first.click()
    page.locator('body').press('?')
    page.locator('.dialog').waitFor()


def read_for(admin, seconds):
    """Read what comes within a while."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        with contextlib.suppress(TimeoutError):
            admin.receive(left)


def pressed_and_shown(seen):
    """Return when the press was that led to STOPPED, and when that was shown, ms."""
    names = [each['what'] for each in seen]
    shown = names.index('stopped')
    press = max(n for n, name in enumerate(names[:shown]) if name in ('pointerdown', 'keydown'))
    return seen[press]['at'], seen[shown]['at']


def check_stops(admin, stops, late):
    """Check that each press was one stop; one that had no answer for long is sent again."""
    again = sum(each >= UNANSWERED for each in late.values())
    assert stops <= count(admin, 'safety.estop') <= stops + again, late


@pytest.mark.parametrize(
    ('ways', 'presses', 'prepared'),
    [
        pytest.param(WAYS, len(LEVELS), without, marks=pytest.mark.slow, id='once'),
        *(
            pytest.param([way], PRESSES, each, marks=pytest.mark.long, id=way.__name__ + also)
            for way in WAYS
            for each, also in ((without, ''), (with_help, '-dialog'))
        ),
    ],
)
def test_each_press_on_each_level_is_one_stop_and_is_shown(
    vehicle, people, admin, ways, presses, prepared
):
    """Each level once, by all ways; on each level by each way, also with a dialog, takes long."""
    page = enter(people, vehicle, 'operator', hasTouch=True, script=NOTING)
    late = {}
    before = count(admin, 'safety.estop')
    for number, way, level in zip(
        range(presses), itertools.cycle(ways), itertools.cycle(LEVELS), strict=False
    ):
        go(page, level)
        prepared(page)
        noted(page)
        check_stops(admin, before + number, late)
        way(page)
        page.locator('[data-state="stopped"]').waitFor()
        seen = noted(page)
        pressed, shown = pressed_and_shown(seen)
        late[f'{number} {level} {way.__name__}'] = shown - pressed
        check_stops(admin, before + number + 1, late)
        clear(page, admin)
    read_for(admin, REPEATED)
    check_stops(admin, before + presses, late)
    print(late)
    assert len(late) == presses and max(late.values()) <= PROMPT, late


@pytest.mark.slow
def test_a_storm_of_taps_leaves_it_stopped(vehicle, people, admin):
    """Until the vehicle has answered they are one command, after that each is a stop of its own.

    However many stops there are, one clear is enough, and none of them is a reset.
    """
    page = enter(people, vehicle, 'admin', hasTouch=True)
    cleared = count(admin, 'safety.clear')
    for _ in range(20):
        page.locator(STOP).tap()
    page.locator('[data-state="stopped"]').waitFor()
    read_for(admin, REPEATED)
    stops = count(admin, 'safety.estop')
    assert stops >= 1
    state = [each['data'] for each in admin.received if each['type'] == 'safety.state'][-1]
    assert state['latched'] and len(state['stops']) + state['more_stops'] == stops
    assert count(admin, 'safety.clear') == cleared
    assert page.locator(STOP).isEnabled()
    clear(page, admin)
    assert count(admin, 'safety.clear') == cleared + 1
    page.evaluate(STORM)
    page.locator('[data-state="stopped"]').waitFor()
    read_for(admin, REPEATED)
    assert count(admin, 'safety.estop') == stops + 1


def test_a_press_that_is_dragged_off_stops(vehicle, people, admin):
    page = enter(people, vehicle, 'operator')
    box = page.locator(STOP).boundingBox()
    page.locator(STOP).hover()
    page.act(['mouse'], ['down'])
    page.act(['mouse'], ['move', box['x'] - 200, box['y'] + 200])
    page.act(['mouse'], ['up'])
    count_reaches(admin, 'safety.estop', 1)


@pytest.mark.slow
@pytest.mark.breaks_connections
def test_nothing_is_shown_before_the_vehicle_reported_it(vehicle, people, admin, proxy):
    page = enter(people, vehicle, 'operator', origin=proxy.origin, script=NOTING)
    noted(page)
    proxy.hold('down', new=True)
    by_mouse(page)
    count_reaches(admin, 'safety.estop', 1)
    latched = time.monotonic()
    while time.monotonic() < latched + 1.0:
        assert 'stopped' not in {each['what'] for each in noted(page)}
        assert 'STOPPED' not in text(page, 'body')
    proxy.release()
    page.locator('[data-state="stopped"]').waitFor()


@pytest.mark.breaks_connections
@pytest.mark.parametrize(
    'way',
    [
        pytest.param(way, marks=pytest.mark.slow if way is by_mouse else pytest.mark.long)
        for way in WAYS
    ],
)
def test_a_half_open_connection_is_gone_round(vehicle, people, admin, proxy, way):
    page = enter(
        people, vehicle, 'operator', origin=proxy.origin, hasTouch=True, script=NOTING + SENDING
    )
    assert count(admin, 'safety.estop') == 0
    proxy.hold('up', 'down')
    noted(page)
    before, begun = proxy.opened, time.monotonic()
    way(page)
    event = admin.wait('safety.estop')
    assert event['at'] - begun <= ROUND
    # The vehicle said so on the second connection, while nothing comes on the first.
    page.locator('[data-state="stopped"]').waitFor()
    pressed, shown = pressed_and_shown(noted(page))
    assert shown - pressed <= ROUND * 1000
    assert proxy.opened == before + 1
    proxy.release()
    page.locator(LIVE).waitFor()
    page.locator('[data-state="stopped"]').waitFor()
    read_for(admin, REPEATED)
    # One on each connection: what was held back comes later, and is a stop of its own.
    assert count(admin, 'safety.estop') == 2
    assert sorted(each['socket'] for each in stops_sent(page)) == [1, 2]


def stops_sent(page):
    """Return what SENDING has noted of stops."""
    return [each for each in page.evaluate('sent') if each['type'] == 'emergency_stop']


def cut(proxy):
    """What was held back is lost."""
    proxy.cut()
    proxy.release()


def let_go(proxy):
    """What was held back arrives."""
    proxy.release()


@pytest.mark.breaks_connections
@pytest.mark.parametrize(
    ('locale', 'words', 'ends', 'arrived'),
    [
        pytest.param('en-GB', 'NOT CONFIRMED', cut, 0, marks=pytest.mark.slow, id='cut'),
        pytest.param('vi', 'CHƯA ĐƯỢC XÁC NHẬN', let_go, 1, marks=pytest.mark.long, id='let go'),
    ],
)
def test_without_any_way_it_says_so_and_sends_nothing_later(
    vehicle, people, admin, proxy, locale, words, ends, arrived
):
    options = {'origin': proxy.origin, 'locale': locale, 'script': NOTING + SENDING}
    page = enter(people, vehicle, 'operator', **options)
    noted(page)
    proxy.hold('up', 'down', new=True)
    by_mouse(page)
    page.locator('[data-state="unconfirmed"]').waitFor()
    assert words in text(page, '.stop-state')
    until(page, f'document.querySelector("#live-alert").textContent.includes("{words}")', 1.0)
    page.locator('.stop-outcome:visible').waitFor()
    seen = noted(page)
    at = {each['what']: each['at'] for each in seen}
    assert 2000 <= at['unconfirmed'] - at['pointerdown'] <= 2000 + TICK, seen
    # The attempts have ended, which shows that there is no connection.
    assert 10_000 <= at['offline'] - at['pointerdown'] <= 10_000 + TICK, seen
    assert count(admin, 'safety.estop') == 0
    ends(proxy)
    page.locator(LIVE).waitFor()
    page.locator(f'[data-state="{"stopped" if arrived else "ready"}"]').waitFor()
    read_for(admin, 2.0)
    assert count(admin, 'safety.estop') == arrived
    sent = stops_sent(page)
    sockets = [each['socket'] for each in sent]
    assert sent and len(set(sockets)) == len(sockets), sent
    assert max(each['at'] for each in sent) - at['pointerdown'] <= 10_000, sent


def toucher(session):
    """Return what dispatches a touch event with all points that are on the glass."""

    def touch(kind, *points):
        found = [{'x': x, 'y': y, 'id': number} for number, (x, y) in enumerate(points)]
        session.send('Input.dispatchTouchEvent', {'type': f'touch{kind}', 'touchPoints': found})

    return touch


def middle_of(box):
    """Return the middle of a box."""
    return box['x'] + box['width'] / 2, box['y'] + box['height'] / 2


@pytest.mark.slow
@pytest.mark.parametrize('moving', [False, True], ids=['rests', 'scrolls'])
def test_a_finger_stops_while_another_is_on_the_glass(people, stage, browser, moving):
    viewport = {'width': 412, 'height': 780}
    page = visit(people, stage, hasTouch=True, viewport=viewport)
    touch = toucher(browser.session(page))
    stop = middle_of(page.locator(STOP).boundingBox())
    x, y = middle_of(page.locator('main').boundingBox())
    touch('Start', (x, y))
    for _ in range(10 if moving else 0):
        y -= 10
        touch('Move', (x, y))
    touch('Start', (x, y), stop)
    wait_for(lambda: stage.count('emergency_stop') == 1, what='a stop, before the release')
    touch('End', (x, y))
    touch('End')
    page.locator('[data-state="stopped"]').waitFor()
    assert stage.count('emergency_stop') == 1


@pytest.mark.slow
def test_the_open_menu_does_not_cover_stop(people, stage):
    page = visit(people, stage, 'admin', hasTouch=True)
    for width, height in ((844, 360), (320, 256), (320, 490), (1366, 768)):
        page.setViewportSize({'width': width, 'height': height})
        page.evaluate('document.querySelector(".menu").open = true')
        page.locator('.menu-items:visible').waitFor()
        assert page.evaluate(COVERING) == [], (width, height)
        page.evaluate('document.querySelector(".menu").open = false')
        page.evaluate('scrollTo(0, 0)')


@pytest.mark.slow
def test_a_press_that_is_held_is_one_stop(people, stage):
    page = visit(people, stage)
    page.locator(STOP).hover()
    page.act(['mouse'], ['down'])
    page.waitForTimeout(1500)
    page.act(['mouse'], ['up'])
    page.waitForTimeout(500)
    assert stage.count('emergency_stop') == 1
    # What comes of assistive technology is a click alone.
    page.waitForTimeout(1000)
    page.evaluate(f'document.querySelector({STOP!r}).click()')
    wait_for(lambda: stage.count('emergency_stop') == 2, what='a stop by a click')


@pytest.mark.parametrize(
    'size',
    [
        pytest.param((320, 640), marks=pytest.mark.slow, id='phone'),
        pytest.param((1366, 768), marks=pytest.mark.long, id='laptop'),
    ],
)
def test_a_scroll_beside_stop_is_none_and_nothing_is_beside_it(people, stage, browser, size):
    width, height = size
    viewport = {'width': width, 'height': height}
    page = visit(people, stage, 'admin', hasTouch=True, viewport=viewport)
    touch = toucher(browser.session(page))
    box = page.locator(STOP).boundingBox()
    middle = middle_of(box)
    away = -1 if box['y'] > height / 2 else 1
    beside = middle[0], middle[1] + away * (box['height'] / 2 + 40)
    # Away from it, and across it.
    for end in (beside[1] + away * 200, middle[1] - away * 20):
        touch('Start', beside)
        for step in range(1, 11):
            touch('Move', (beside[0], beside[1] + (end - beside[1]) * step / 10))
        touch('End')
    for level in LEVELS:
        go(page, level)
        assert page.evaluate(AROUND) == [], level
    assert stage.count('emergency_stop') == 0
    touch('Start', middle)
    wait_for(lambda: stage.count('emergency_stop') == 1, what='a stop, before the release')
    touch('Move', beside)
    touch('End')
    page.locator('[data-state="stopped"]').waitFor()
    assert stage.count('emergency_stop') == 1

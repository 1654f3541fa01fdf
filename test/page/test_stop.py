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

import itertools
import time

import pytest
from page.conftest import LEVELS
from page.views import NOTING
from page.views import STOP
from page.views import clear
from page.views import count
from page.views import count_reaches
from page.views import enter
from page.views import go
from page.views import noted
from page.views import text
from page.views import visit
from support import wait_for

#: From a press to the display, ms, with what a busy machine adds; the aim is 200.
PROMPT = 1000
STORM = """for (let i = 0; i < 20; i++) document.querySelector('.stop-button').dispatchEvent(
  new PointerEvent('pointerdown', { button: 0, isPrimary: true, bubbles: true }))"""
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
    with vehicle.client('admin', ['safety.estop', 'safety.clear']) as client:
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


ALL = len(LEVELS) * len(WAYS)


@pytest.mark.parametrize(
    ('presses', 'prepared'),
    [
        pytest.param(len(LEVELS), without, marks=pytest.mark.slow),
        pytest.param(ALL, without, marks=pytest.mark.long),
        pytest.param(ALL, with_help, marks=pytest.mark.long),
    ],
    ids=['once', 'all', 'all with a dialog'],
)
def test_each_press_on_each_level_is_one_stop_and_is_shown(
    vehicle, people, admin, presses, prepared
):
    """Each way and each level once; all ways on all levels, also with a dialog, take long."""
    page = enter(people, vehicle, 'operator', hasTouch=True, script=NOTING)
    late = {}
    for number, way, level in zip(
        range(1, presses + 1), itertools.cycle(WAYS), itertools.cycle(LEVELS), strict=False
    ):
        go(page, level)
        prepared(page)
        noted(page)
        before = count(admin, 'safety.estop')
        way(page)
        page.locator('[data-state="stopped"]').waitFor()
        seen = noted(page)
        pressed = next(each['at'] for each in seen if each['what'] in ('pointerdown', 'keydown'))
        shown = next(each['at'] for each in seen if each['what'] == 'stopped')
        late[f'{number} {level} {way.__name__}'] = shown - pressed
        assert count(admin, 'safety.estop') == before + 1, (level, way.__name__, seen)
        clear(page, admin)
    print(late)
    assert len(late) == presses and max(late.values()) <= PROMPT, late


@pytest.mark.slow
def test_a_storm_of_taps_leaves_it_stopped(vehicle, people, admin):
    page = enter(people, vehicle, 'admin', hasTouch=True)
    cleared = count(admin, 'safety.clear')
    for _ in range(20):
        page.locator(STOP).tap()
    page.locator('[data-state="stopped"]').waitFor()
    count_reaches(admin, 'safety.estop', 1)
    assert count(admin, 'safety.clear') == cleared
    assert page.locator(STOP).isEnabled()
    clear(page, admin)
    before = count(admin, 'safety.estop')
    page.evaluate(STORM)
    page.locator('[data-state="stopped"]').waitFor()
    # One command until the vehicle has answered.
    assert count(admin, 'safety.estop') == before + 1


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


@pytest.mark.slow
@pytest.mark.breaks_connections
def test_a_half_open_connection_is_gone_round(vehicle, people, admin, proxy):
    page = enter(people, vehicle, 'operator', origin=proxy.origin)
    proxy.hold('up', 'down')
    before, pressed = proxy.opened, time.monotonic()
    by_mouse(page)
    count_reaches(admin, 'safety.estop', 1)
    assert time.monotonic() - pressed <= 1.5 + PROMPT / 1000
    assert proxy.opened == before + 1
    page.locator('.stop-button').waitFor()


@pytest.mark.long
@pytest.mark.breaks_connections
def test_without_any_way_it_says_so_and_sends_nothing_later(vehicle, people, admin, proxy):
    page = enter(people, vehicle, 'operator', origin=proxy.origin, script=NOTING)
    noted(page)
    proxy.hold('up', 'down', new=True)
    by_mouse(page)
    page.locator('[data-state="unconfirmed"]').waitFor()
    seen = {each['what']: each['at'] for each in noted(page)}
    assert 1900 <= seen['unconfirmed'] - seen['pointerdown'] <= 2000 + PROMPT
    page.locator('.stop-outcome:visible').waitFor()
    assert 9.0 <= (page.evaluate('performance.now()') - seen['pointerdown']) / 1000 <= 13.0
    proxy.cut()
    proxy.release()
    page.locator('[data-state="ready"]').waitFor()
    time.sleep(2.0)  # in which nothing may be sent
    assert count(admin, 'safety.estop') == 0


@pytest.mark.long
@pytest.mark.parametrize('size', [(320, 640), (1366, 768)], ids=['phone', 'laptop'])
def test_a_scroll_beside_stop_is_none_and_nothing_is_beside_it(people, stage, browser, size):
    width, height = size
    viewport = {'width': width, 'height': height}
    page = visit(people, stage, 'admin', hasTouch=True, viewport=viewport)
    session = browser.session(page)

    def touch(kind, *points):
        found = [{'x': x, 'y': y} for x, y in points]
        session.send('Input.dispatchTouchEvent', {'type': f'touch{kind}', 'touchPoints': found})

    box = page.locator(STOP).boundingBox()
    middle = box['x'] + box['width'] / 2, box['y'] + box['height'] / 2
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

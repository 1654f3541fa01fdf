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
"""The keyboard alone: everything is reached with it, in an order that makes sense, and works."""

import json

import pytest
from page.conftest import LEVELS
from page.stage import STOPPED
from page.stage import alarm
from page.views import FRESH
from page.views import go
from page.views import text
from page.views import until
from page.views import visit
from support import wait_for

pytestmark = pytest.mark.long

FOCUSED = 'document.activeElement'
#: Numbers the elements that somebody can use: STOP, what leads to the content, the header, the
#: content, as they stand in the document.
USABLE = """(() => {
  const found = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
  return [...document.querySelectorAll(found)]
    .filter((each) => each.checkVisibility() && !each.disabled && !each.closest('[inert]'))
    .map((each, number) => {
      each.dataset.tab = number;
      return each.outerHTML.slice(0, 90);
    });
})()"""
#: Whether what has the focus is seen, and not beneath something else.
SEEN = f"""(() => {{
  const box = {FOCUSED}.getBoundingClientRect();
  const [x, y] = [Math.max(0, box.left), Math.max(0, box.top)];
  const [right, bottom] = [Math.min(innerWidth, box.right), Math.min(innerHeight, box.bottom)];
  const top = document.elementFromPoint((x + right) / 2, (y + bottom) / 2);
  return {FOCUSED}.contains(top) || top?.closest('label')?.control === {FOCUSED};
}})()"""


def press(page, *keys):
    """Press keys one after another."""
    for key in keys:
        page.act(['keyboard'], ['press', key])


def tab_to(page, selector, words='', most=60):
    """Press Tab until an element has the focus whose text begins with these words."""
    wanted = f'{FOCUSED}.matches({selector!r}) && '
    wanted += f'{FOCUSED}.textContent.trim().startsWith({json.dumps(words)})'
    passed = []
    for _ in range(most):
        press(page, 'Tab')
        if page.evaluate(wanted):
            assert page.evaluate(SEEN), selector
            return
        passed.append(page.evaluate(f'{FOCUSED}.outerHTML.slice(0, 60)'))
    raise AssertionError(f'no Tab leads to {selector} {words}: {passed}')


def use(page, selector, words='', key='Enter'):
    """Go to an element with Tab, and press a key on it."""
    tab_to(page, selector, words)
    press(page, key)


def opened(page):
    """Wait until a dialog is there."""
    page.locator('.dialog').waitFor()


def closed(page):
    """Wait until no dialog is there."""
    page.locator('.dialog').waitFor({'state': 'detached'})


def given(stage, command, number=1):
    """Wait until the vehicle was given a command so often, and no oftener."""
    wait_for(lambda: stage.count(command) >= number, what=command)
    assert stage.count(command) == number


@pytest.fixture
def page(people, stage):
    """The page of an administrator, with a mission to start and an alarm to see to."""
    stage.publish('system.alarms', alarms=[alarm(1)])
    page = visit(people, stage, 'admin')
    until(page, FRESH)
    until(page, '!!document.querySelector(".goal:enabled") && !!document.querySelector(".alarm")')
    return page


@pytest.mark.parametrize('width', [320, 1366])
def test_tab_leads_to_all_of_a_level_stop_first_and_hides_none_of_it(page, width):
    page.setViewportSize({'width': width, 'height': 768})
    for level in LEVELS:
        go(page, level)
        until(page, FRESH)
        page.evaluate(f'{FOCUSED}.blur()')
        usable = page.evaluate(USABLE)
        found = []
        # The place from which Tab goes on is somewhere: from there once around, and once more.
        for _ in range(2 * len(usable) + 4):
            press(page, 'Tab')
            number = page.evaluate(f'{FOCUSED}.dataset.tab ?? null')
            # Leaving the last element, the focus is with the browser for once.
            assert number is not None or page.evaluate(f'{FOCUSED} === document.body'), level
            if number is not None:
                assert page.evaluate(SEEN), (level, usable[int(number)])
            found.append(number and int(number))
        first = usable.index(next(each for each in usable if 'stop-button' in each))
        start = found.index(first)
        around = [each for each in found[start : start + len(usable) + 1] if each is not None]
        assert around[: len(usable)] == list(range(len(usable))), (level, usable, around)
        assert first == 0 and 'class="skip"' in usable[1] and 'summary' in usable[2], usable[:4]


def test_a_mission_is_paused_resumed_and_cancelled(page, stage):
    stage.publish('mission.state', phase='executing', mission_id='m-1', mission_type='transport')
    until(page, '!!document.querySelector(".w-mission .buttons:not([hidden]) button:enabled")')
    use(page, '.w-mission button', 'Pause')
    given(stage, 'pause_mission')
    stage.publish('mission.state', phase='paused')
    page.locator('.w-mission button:has-text("Resume"):enabled').waitFor()
    use(page, '.w-mission button', 'Resume', 'Space')
    given(stage, 'resume_mission')
    use(page, '.w-mission button', 'Cancel')
    given(stage, 'cancel_mission')


def test_any_mission_is_chosen_and_started(page, stage):
    use(page, '.start button', 'Other')
    opened(page)
    tab_to(page, '#mission-type')
    press(page, 'ArrowDown')
    tab_to(page, '#mission-target')
    press(page, 'End')
    tab_to(page, '#mission-x')
    page.act(['keyboard'], ['type', '12.5'])
    use(page, '.dialog button', 'Next')
    until(page, 'document.querySelector(".question")?.textContent.includes("12.50 m")')
    assert stage.count('start_mission') == 0
    press(page, 'Enter')
    given(stage, 'start_mission')
    closed(page)


def test_an_alarm_is_shelved_brought_back_and_acknowledged(page, stage):
    go(page, '/alarms')
    use(page, '.alarm button', 'Shelve')
    opened(page)
    tab_to(page, '#shelf-reason')
    page.act(['keyboard'], ['type', 'known'])
    press(page, 'Enter')
    closed(page)
    page.locator('.alarm:has-text("known")').waitFor()
    use(page, '.alarm button', 'Bring back')
    page.locator('.alarm:has-text("known")').waitFor({'state': 'detached'})
    use(page, '.alarm button', 'Acknowledge')
    given(stage, 'acknowledge_alarm')


def test_a_stop_is_reset_and_a_lock_is_set_and_released(page, stage):
    go(page, '/alarms')
    stage.publish('safety.state', **STOPPED)
    page.locator('#stop[data-state="stopped"]').waitFor()
    use(page, '.w-alarms button', 'Reset')
    opened(page)
    use(page, '#reset-seen', key='Space')
    use(page, '.dialog button', 'Reset')
    given(stage, 'clear_estop')
    closed(page)
    use(page, '.w-alarms button', 'Lock')
    given(stage, 'set_maintenance')
    use(page, '.w-alarms button', 'Release')
    opened(page)
    use(page, '#release-seen', key='Space')
    use(page, '.dialog button', 'Release')
    given(stage, 'set_maintenance', 2)
    closed(page)
    assert stage.count('emergency_stop') == 0


def test_a_configuration_is_changed_and_rolled_back(page, stage):
    go(page, '/config')
    page.locator('.w-config input').first.waitFor()
    tab_to(page, '.w-config input')
    press(page, 'Control+A')
    page.act(['keyboard'], ['type', '0.4'])
    use(page, '.w-config button', 'Review')
    opened(page)
    assert stage.count('update_config') == 0
    use(page, '.dialog button', 'Apply')
    given(stage, 'update_config')
    closed(page)
    use(page, '.w-config button', 'Roll back')
    opened(page)
    tab_to(page, '#to-version')
    page.act(['keyboard'], ['type', '0.9.0'])
    use(page, '.dialog button', 'Roll back')
    given(stage, 'rollback_config')


def test_modules_are_searched_for_and_the_rate_is_set(page, stage):
    go(page, '/modules')
    use(page, '.w-modules button', 'Search')
    given(stage, 'scan_modules')
    tab_to(page, '#rate')
    press(page, 'ArrowLeft')
    use(page, '.w-modules button', 'Set for everybody')
    given(stage, 'set_telemetry_rate')


def test_the_log_is_filtered_paused_and_copied(page):
    go(page, '/log')
    press(page, '/')
    assert page.evaluate(f'{FOCUSED}.matches(".log-filter")')
    page.act(['keyboard'], ['type', 'connected'])
    until(page, 'document.querySelectorAll(".log li").length === 1')
    use(page, '.w-log button', 'Pause')
    page.locator('.w-log button[aria-pressed="true"]').waitFor()
    use(page, '.w-log button', 'Copy')
    until(page, '!document.querySelector("#result").hidden')


def test_the_menu_changes_theme_and_language_helps_and_signs_out(page):
    is_open = 'document.querySelector(".menu").open'
    on_menu = f'{FOCUSED}.matches(".menu summary")'
    use(page, '.menu summary')
    use(page, '.menu button', 'Theme')
    until(page, 'document.documentElement.dataset.theme === "light"')
    assert page.evaluate(on_menu)
    press(page, 'Enter')
    use(page, '.menu button', 'Tiếng Việt')
    until(page, 'document.documentElement.lang === "vi"')
    assert page.evaluate(on_menu)
    press(page, 'Enter')
    use(page, '.menu button', 'English')
    press(page, 'Enter')
    use(page, '.menu button', 'Help')
    opened(page)
    use(page, '.dialog-head button')
    closed(page)
    assert page.evaluate(on_menu) and not page.evaluate(is_open)
    # What the focus goes to is not beneath it, and Escape closes it.
    press(page, 'Enter')
    tab_to(page, 'nav a')
    assert not page.evaluate(is_open)
    use(page, '.menu summary')
    press(page, 'Escape')
    assert page.evaluate(on_menu) and not page.evaluate(is_open)
    press(page, 'Enter')
    use(page, '.menu button', 'Sign out')
    page.locator('#link[data-link="signed-out"]').waitFor()
    # Who signs in with the keyboard is at the field for it.
    until(page, f'{FOCUSED}.matches("#token")')


def test_keys_do_what_the_help_says_but_not_in_fields_nor_when_they_are_off(page, stage):
    def theme():
        return page.evaluate('document.documentElement.dataset.theme ?? "system"')

    def key_changes_theme():
        before = theme()
        press(page, 't')
        return theme() != before

    press(page, 'a')
    given(stage, 'acknowledge_alarm')
    press(page, 'p')
    until(page, 'document.body.innerText.includes("Log and trends are paused")')
    press(page, 'p')
    until(page, '!document.body.innerText.includes("Log and trends are paused")')
    assert key_changes_theme()
    press(page, '?')
    opened(page)
    press(page, 'Escape')
    closed(page)
    press(page, '4')
    page.locator('input[type=search]').waitFor()  # the level follows the address a moment later
    press(page, '/')
    assert not key_changes_theme()
    press(page, '1', '?')
    assert page.evaluate(f'{FOCUSED}.value') == 't1?' and text(page, '.dialog') == ''
    assert page.evaluate('location.hash') == '#/log'
    go(page, '/about')
    use(page, '#keys', key='Space')
    page.evaluate(f'{FOCUSED}.blur()')
    assert not key_changes_theme()
    press(page, '1', '?', 'a', 'p')
    assert page.evaluate('location.hash') == '#/about' and text(page, '.dialog') == ''
    assert stage.count('acknowledge_alarm') == 1
    use(page, '#keys', key='Space')
    page.evaluate(f'{FOCUSED}.blur()')
    assert key_changes_theme()


@pytest.mark.parametrize('place', ['field', 'dialog', 'menu'])
def test_f8_stops_from_anywhere_and_escape_never(page, stage, place):
    if place == 'field':
        go(page, '/log')
        press(page, '/')
    elif place == 'dialog':
        use(page, '.goal')
        opened(page)
    else:
        use(page, '.menu summary')
    press(page, 'Escape', 'Escape')
    if place == 'dialog':
        closed(page)
        press(page, 'Enter')
        opened(page)
    assert stage.count('emergency_stop') == 0
    press(page, 'F8')
    page.locator('#stop[data-state="stopped"]').waitFor()
    press(page, 'Escape', 'Escape')
    page.evaluate('new Promise((resolve) => setTimeout(resolve, 600))')
    assert stage.count('emergency_stop') == 1
    assert stage.count('clear_estop') == stage.count('start_mission') == 0

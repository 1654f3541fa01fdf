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
"""Dialogs, the keyboard, and what is read out."""

import itertools

import pytest
from page.access import LANGUAGES
from page.access import THEMES
from page.access import WIDTHS
from page.access import hindrances
from page.stage import STOPPED
from page.stage import alarm
from page.views import FRESH
from page.views import go
from page.views import until
from page.views import visit
from support import wait_for

pytestmark = pytest.mark.long

#: How each dialog is opened: level, and what is pressed there.
DIALOGS = {
    'start': ('/', '.goal'),
    'other target': ('/', '.start > button'),
    'help': ('/', '.menu summary', '.menu-items button:nth-of-type(3)'),
    'reset': ('/alarms', '.w-alarms > div:nth-child(2) button'),
    'release': ('/alarms', '.w-alarms > div:nth-child(3) button:nth-of-type(2)'),
    'shelve': ('/alarms', 'ul.alarms li .buttons button:nth-of-type(2)'),
    'roll back': ('/config', '.w-config .buttons button:nth-of-type(3)'),
    'review': ('/config', '.w-config .buttons button:nth-of-type(1)'),
}
#: Notes each text that is read out.
READ_OUT = """
window.texts = [];
new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes) {
    const region = target.closest?.('#live-status, #live-alert');
    if (region && addedNodes.length > 0)
      texts.push({ region: region.id, text: target.textContent, at: performance.now() });
  }
}).observe(document, { subtree: true, childList: true });
"""
FOCUSED = 'document.activeElement'


@pytest.mark.parametrize('width', WIDTHS)
@pytest.mark.parametrize('theme', THEMES)
@pytest.mark.parametrize('language', LANGUAGES)
def test_each_dialog_can_be_used_by_everybody(people, stage, browser, width, theme, language):
    viewport = {'width': width, 'height': WIDTHS[width]}
    options = {'viewport': viewport, 'colorScheme': theme, 'locale': language}
    page = visit(people, stage, 'admin', **options)
    stage.publish('system.alarms', alarms=[alarm(1)])
    faults = {}
    for name, (level, *places) in DIALOGS.items():
        go(page, level)
        if name == 'reset':
            stage.publish('safety.state', **STOPPED)
        if name == 'review':
            page.locator('.w-config input').first.fill('0.4')
        for place in places:
            page.locator(place).first.click()
        page.locator('.dialog').waitFor()
        found = hindrances(browser, page)
        # Neither the dialog nor its layer is over the control of the stop.
        page.locator('.stop-button').click({'trial': True})
        if found:
            faults[name] = found
        page.locator('body').press('Escape')
        page.locator('.dialog').waitFor({'state': 'detached'})
    assert faults == {}


def test_a_mission_is_started_with_the_keyboard_alone(people, stage):
    page = visit(people, stage)
    until(page, FRESH)
    page.evaluate('document.activeElement.blur()')

    def tab_to(selector, most=40):
        for _ in range(most):
            page.act(['keyboard'], ['press', 'Tab'])
            if page.evaluate(f'{FOCUSED}.matches({selector!r})'):
                # What has the focus is seen, and not beneath the strip of STOP.
                assert page.evaluate(f"""(() => {{
                  const box = {FOCUSED}.getBoundingClientRect();
                  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
                  return {FOCUSED}.contains(document.elementFromPoint(x, y));
                }})()"""), selector
                return
        raise AssertionError(f'no Tab leads to {selector}')

    tab_to('.stop-button', 1)
    tab_to('.goal')
    page.act(['keyboard'], ['press', 'Enter'])
    page.locator('.dialog').waitFor()
    page.act(['keyboard'], ['press', 'Escape'])
    page.locator('.dialog').waitFor({'state': 'detached'})
    assert page.evaluate(f'{FOCUSED}.matches(".goal")')
    assert stage.count('start_mission') == 0 and stage.count('emergency_stop') == 0
    page.act(['keyboard'], ['press', 'Enter'])
    page.locator('.dialog').waitFor()
    page.act(['keyboard'], ['press', 'Enter'])
    wait_for(lambda: stage.count('start_mission') == 1, what='a mission')
    for key, level in {'2': '#/alarms', '3': '#/modules', '4': '#/log', '1': '#/'}.items():
        page.act(['keyboard'], ['press', key])
        until(page, f'location.hash === {level!r}')


def test_what_is_read_out_is_seldom_while_telemetry_comes_ten_times_a_second(people, stage):
    page = visit(people, stage, script=READ_OUT)
    until(page, FRESH)
    begun = page.evaluate('performance.now()')
    for number in range(20):
        x = 100.0 * number
        stage.publish('telemetry.realtime', position={'x': x, 'y': 0.0, 'z': 0.0})
        stage.publish('system.alarms', alarms=[alarm(n, 'P1') for n in range(number)])
        page.waitForTimeout(500)
    texts = page.evaluate('texts')
    assert any(each['at'] > begun for each in texts), 'nothing was read out'
    for region in ('live-status', 'live-alert'):
        times = [each['at'] for each in texts if each['region'] == region]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert min(gaps, default=3000) >= 2900, texts

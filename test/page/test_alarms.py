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
"""Alarms of the page: floods, acknowledgements, the shelf, and what the vehicle does not list."""

import pytest
from page.stage import alarm
from page.stage import stamp
from page.views import LIVE
from page.views import go
from page.views import text
from page.views import until
from page.views import visit
from support import wait_for

#: More new alarms in 10 minutes are a flood.
FLOOD = 10
#: Notes when tones begin, ms.
TONES = """
window.tones = [];
const { start } = OscillatorNode.prototype;
OscillatorNode.prototype.start = function (...values) {
  start.apply(this, values);
  if (performance.now() - (tones.at(-1) ?? -1e9) > 1000) tones.push(performance.now());
};
"""
#: The steady clock runs ahead by `ahead` ms.
AHEAD = """
window.ahead = 0;
const steady = performance.now.bind(performance);
performance.now = () => steady() + ahead;
"""
ROWS = '[...document.querySelectorAll("ul.alarms li")].map((each) => each.innerText)'


def lists(stage, page, *alarms):
    """Let the vehicle list alarms, and wait until the page does."""
    stage.publish('system.alarms', alarms=list(alarms))
    until(page, f'{ROWS}.length === {len(alarms)}')


@pytest.mark.slow
def test_a_flood_has_a_line_and_one_tone_and_priority_1_on_top(people, stage):
    page = visit(people, stage, level='/about', script=TONES)
    page.locator('#sound').check()
    wait_for(lambda: page.evaluate('tones.length') > 0, what='a tone to try it')
    go(page, '/alarms')
    begun, flooded = page.evaluate('performance.now()'), None
    alarms = [alarm(n, 'P1' if n == 107 else 'P2') for n in range(100, 130)]
    # Each second three more; the list is thinned to one a second.
    for count in range(3, 31, 3):
        if count > FLOOD and flooded is None:
            flooded = page.evaluate('performance.now()')
        lists(stage, page, *alarms[:count])
    until(page, 'document.querySelector("#banners").innerText.includes("30 in 10 minutes")')
    assert 'dock: 30' in text(page, '#banners')
    assert 'SYS-107' in page.evaluate(ROWS)[0]
    tones = page.evaluate('tones')
    # Up to the eleventh each new one may sound; then one a minute.
    assert [at for at in tones if at > begun], tones
    assert len([at for at in tones if at > flooded]) <= 1, (tones, flooded)
    until(page, 'document.title.startsWith("(30)")')


@pytest.mark.long
def test_an_alarm_is_acknowledged_and_gone_in_either_order(people, stage):
    page = visit(people, stage, level='/alarms')
    one = alarm(101)
    lists(stage, page, one)
    assert '(1)' in page.title()
    page.getByRole('button', {'name': 'Acknowledge: SYS-101 Alarm 101'}).click()
    wait_for(lambda: stage.count('acknowledge_alarm') == 1, what='the vehicle is informed')
    # Shown is what the vehicle says of it, which has said nothing yet.
    assert 'new' in page.evaluate(ROWS)[0]
    seen = {**one, 'acknowledged_by': 'ann', 'acknowledged_at': stamp()}
    stage.publish('system.alarms', alarms=[seen])
    until(page, f'{ROWS}[0].includes("seen by ann")')
    assert '(1)' not in page.title()
    lists(stage, page)
    other = alarm(102)
    lists(stage, page, other)
    stage.publish('system.alarms', alarms=[{**other, 'gone': stamp()}])
    until(page, 'document.querySelector("ul.alarms li").dataset.state === "gone"')
    page.getByRole('button', {'name': 'Acknowledge: SYS-102 Alarm 102'}).click()
    wait_for(lambda: stage.count('acknowledge_alarm') == 2, what='the vehicle is informed')
    lists(stage, page)
    until(page, 'document.querySelector(".w-alarms").innerText.includes("No alarms")')


@pytest.mark.long
def test_what_is_shelved_comes_back_by_itself(people, stage):
    page = visit(people, stage, level='/alarms', script=AHEAD)
    lists(stage, page, alarm(101), alarm(102, 'P1'))
    assert page.getByRole('button', {'name': 'Shelve: SYS-102'}).count() == 0
    page.getByRole('button', {'name': 'Shelve: SYS-101 Alarm 101'}).click()
    page.locator('#shelf-reason').fill('spare part is on its way')
    page.locator('#shelf-hours').selectOption('0.25')
    page.locator('role=dialog').getByRole('button', {'name': 'Shelve'}).click()
    alarms = 'document.querySelector("ul.alarms").innerText'
    until(page, f'!{alarms}.includes("SYS-101")')
    assert 'spare part' in text(page, 'main') and 'Bring back' in text(page, 'main')
    page.evaluate('ahead = 16 * 60e3')
    until(page, f'{alarms}.includes("SYS-101")')
    assert 'Bring back' not in page.locator('main').innerText()


@pytest.mark.long
def test_what_the_vehicle_does_not_list_is_an_alarm_all_the_same(people, stage):
    page = visit(people, stage, level='/alarms')
    stage.publish('mission.completed', mission_id='m-1', status='failed')
    stage.publish('module.status_change', module_id='dock', new_status='offline')
    until(page, f'{ROWS}.length === 2')
    rows = page.evaluate(ROWS)
    assert 'Board lost' in rows[0] and 'Mission failed' in rows[1], rows
    assert all('not listed by the vehicle' in row for row in rows)
    # The list comes, and names one of them: that one is shown once.
    listed = alarm(2, 'P1', 'dock', code='NET-002', name='RS485')
    stage.publish('system.alarms', alarms=[listed])
    until(page, f'{ROWS}.filter((each) => each.includes("Board lost")).length === 1')
    until(
        page, f'!{ROWS}.some((each) => each.includes("Board lost") && each.includes("not listed"))'
    )
    page.getByRole('button', {'name': 'Acknowledge: Mission failed'}).click()
    until(page, f'{ROWS}.length === 1')
    assert stage.count('acknowledge_alarm') == 0


@pytest.mark.long
@pytest.mark.breaks_connections
def test_without_a_connection_the_list_is_of_an_earlier_time_and_nothing_can_be_done(
    people, stage
):
    page = visit(people, stage, level='/alarms')
    lists(stage, page, alarm(1))
    stage.stop()
    page.locator('[data-state="offline"]').waitFor()
    until(page, f'{ROWS}[0].includes("No connection")')
    assert 'as of' in text(page, '.w-alarms')
    # To shelve is of this browser alone.
    assert page.locator('main button:enabled:visible').allTextContents() == ['Shelve']
    stage.start()
    page.locator(LIVE).waitFor()
    until(page, f'{ROWS}.length === 1')

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
"""What the page orders: never late, never against what the vehicle reports, and by whom."""

import pytest
from page.stage import STOPPED
from page.views import LIVE
from page.views import go
from page.views import until
from page.views import visit
from support import wait_for

from oht50_bridge.gateway.commands import CommandOutcome

#: Presses whatever can be seen, enabled or not.
PRESS_ALL = """for (const each of document.querySelectorAll('main button'))
  if (each.checkVisibility()) each.click()"""
PRIMARY = 'document.querySelector(".dialog .primary")'
MOVING = {'linear': 0.3, 'angular': 0.0}
STILL = {'linear': 0.0, 'angular': 0.0}
UNKNOWN = {'linear': None, 'angular': None}


def button(page, name):
    return page.getByRole('button', {'name': name})


@pytest.mark.breaks_connections
@pytest.mark.parametrize(
    'arrived',
    [
        pytest.param(False, marks=pytest.mark.slow, id='lost'),
        pytest.param(True, marks=pytest.mark.long, id='let go'),
    ],
)
def test_what_was_wanted_without_a_connection_is_never_sent_later(people, stage, curtain, arrived):
    """Neither what a dialog offers, nor what was sent and lost, nor what a script presses."""
    page = visit(people, stage, 'admin', origin=curtain.origin)
    button(page, 'station-a').click()
    until(page, f'!{PRIMARY}.disabled')
    curtain.hold('up', 'down', new=True)
    # Until the page knows, it sends; that is held up, and lost or let go.
    button(page, 'Start').first.click()
    until(page, 'document.body.innerText.includes("It may have been carried out")')
    page.locator('[data-state="offline"]').waitFor()
    for name in ('station-a', 'Other ...'):
        assert button(page, name).first.isDisabled()
    go(page, '/alarms')
    page.locator('body').press('a')
    page.evaluate(PRESS_ALL)
    go(page, '/config')
    page.evaluate(PRESS_ALL)
    if not arrived:
        curtain.cut()
    curtain.release()
    page.locator(LIVE).waitFor()
    # What is asked for after it comes last.
    asked = stage.count('list_modules')
    go(page, '/modules')
    wait_for(lambda: stage.count('list_modules') > asked, what='modules are asked for')
    asks = {'get_vehicle', 'get_config', 'list_modules'}
    orders = [each for each in stage.commands if each not in asks]
    assert orders == ['start_mission'] * arrived


@pytest.mark.slow
def test_no_reset_while_it_moves_or_values_are_old_or_a_cause_stands(people, stage):
    page = visit(people, stage, 'admin', '/alarms')
    stage.publish('safety.state', **STOPPED)
    stage.publish('telemetry.realtime', velocity=MOVING)
    button(page, 'Reset the emergency stop ...').click()
    page.locator('#reset-seen').check()
    dialog = 'document.querySelector(".dialog").innerText'
    until(page, f'{PRIMARY}.disabled && {dialog}.includes("Not while the vehicle moves")')
    stage.publish('telemetry.realtime', velocity=STILL)
    until(page, f'!{PRIMARY}.disabled')
    stage.publish('safety.state', reset_hindrances=['the button is pressed'])
    until(page, f'{PRIMARY}.disabled && {dialog}.includes("the button is pressed")')
    stage.publish('safety.state', reset_hindrances=[])
    until(page, f'!{PRIMARY}.disabled')
    stage.rate = 0
    until(page, f'{PRIMARY}.disabled && {dialog}.includes("Not while the values are old")')
    assert stage.count('clear_estop') == 0
    stage.rate = 10
    until(page, f'!{PRIMARY}.disabled')
    page.locator('.dialog .primary').click()
    wait_for(lambda: stage.count('clear_estop') == 1, what='a reset')
    assert 'start_mission' not in stage.commands and 'resume_mission' not in stage.commands


@pytest.mark.slow
def test_without_a_speed_a_person_says_that_the_vehicle_stands(people, stage):
    """With a lost position there is none until the reset, which references it again."""
    page = visit(people, stage, 'admin', '/alarms')
    stage.publish('safety.state', **STOPPED)
    button(page, 'Reset the emergency stop ...').click()
    page.locator('#reset-seen').check()
    until(page, f'!{PRIMARY}.disabled')
    stage.publish('telemetry.realtime', velocity=UNKNOWN)
    dialog = 'document.querySelector(".dialog").innerText'
    until(page, f'{PRIMARY}.disabled && {dialog}.includes("The speed is not known.")')
    assert not page.locator('#reset-seen').isChecked()
    page.getByLabel('I have seen that the vehicle stands').check()
    until(page, f'!{PRIMARY}.disabled')
    page.locator('.dialog .primary').click()
    wait_for(lambda: stage.count('clear_estop') == 1, what='a reset')


@pytest.mark.slow
def test_the_limits_of_the_bars_are_those_in_force(people, stage):
    config = {'speed_limit': 0.25, 'max_acceleration': 0.15}
    answer = {'config': config, 'version': '1.0.0'}
    stage.answers['get_config'] = CommandOutcome(True, 'done', answer)
    page = visit(people, stage)
    for limit in ('0.25', '0.15'):
        until(page, f'document.querySelector(".tiles").textContent.includes("{limit}")', 5)


@pytest.mark.long
def test_a_stop_that_comes_while_the_dialog_is_open_must_be_confirmed_anew(people, stage):
    page = visit(people, stage, 'admin', '/alarms')
    stage.publish('safety.state', **STOPPED)
    button(page, 'Reset the emergency stop ...').click()
    page.locator('#reset-seen').check()
    until(page, f'!{PRIMARY}.disabled')
    second = {**STOPPED['stops'][0], 'estop_id': 'estop-2', 'reason': 'a person on the track'}
    stage.publish('safety.state', stops=[*STOPPED['stops'], second])
    dialog = 'document.querySelector(".dialog").innerText'
    until(page, f'{PRIMARY}.disabled && {dialog}.includes("a person on the track")')
    assert not page.locator('#reset-seen').isChecked()
    page.locator('#reset-seen').check()
    until(page, f'!{PRIMARY}.disabled')
    # Another one cleared them before the third came.
    stage.publish('safety.state', latched=False, stops=[])
    until(page, f'{PRIMARY}.disabled')
    third = {**second, 'estop_id': 'estop-3', 'reason': 'a hand in the hoist'}
    stage.publish('safety.state', latched=True, stops=[third])
    until(page, f'{PRIMARY}.disabled && {dialog}.includes("a hand in the hoist")')
    assert not page.locator('#reset-seen').isChecked()
    page.locator('#reset-seen').check()
    until(page, f'!{PRIMARY}.disabled')
    page.locator('.dialog .primary').click()
    wait_for(lambda: stage.count('clear_estop') == 1, what='a reset')


@pytest.mark.long
def test_boards_are_not_said_to_be_well_while_nobody_knows(people, stage, curtain):
    board = {
        'module_id': 'dock',
        'kind': 'dock',
        'address': 'sense/5',
        'status': 'online',
        'firmware_version': '',
        'requests': 1,
        'replies': 1,
        'timeouts': 0,
        'crc_errors': 0,
        'response_time_mean': 0.01,
        'response_time_max': 0.02,
        'error_code': '',
        'error_description': '',
    }
    stage.show_modules([board])
    for level in ('/', '/modules'):
        page = visit(people, stage, level=level, origin=curtain.origin)
        words = 'document.querySelector(".w-modules").innerText'
        until(page, f'{words}.includes("ok")')
        curtain.hold('up', 'down')
        until(page, f'/was ok .* ago/.test({words})', 10)
        assert '●' not in page.evaluate(words) and '◌' in page.evaluate(words)
        curtain.release()
        until(page, f'{words}.includes("●")')
        page.close()


@pytest.mark.long
def test_an_administrator_locks_for_maintenance_and_releases_deliberately(people, stage):
    page = visit(people, stage, 'admin', '/alarms')
    button(page, 'Lock: I am at work').click()
    wait_for(lambda: stage.count('set_maintenance') == 1, what='a lock')
    # Locked is what the vehicle reports.
    until(page, 'document.querySelector("main").innerText.includes("Not locked")')
    stage.publish('system.status', state='maintenance')
    until(page, 'document.querySelector("main").innerText.includes("Locked: nothing moves")')
    button(page, 'Release the lock ...').click()
    assert page.locator('.dialog .primary').isDisabled()
    page.locator('#release-seen').check()
    until(page, f'!{PRIMARY}.disabled')
    page.locator('.dialog .primary').click()
    wait_for(lambda: stage.count('set_maintenance') == 2, what='a release')
    page.locator('.dialog').waitFor({'state': 'detached'})
    for role in ('viewer', 'operator'):
        other = visit(people, stage, role, '/alarms')
        until(other, 'document.querySelector("main").innerText.includes("Locked: nothing moves")')
        assert button(other, 'Release the lock ...').count() == 0
        assert button(other, 'Lock: I am at work').count() == 0

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
"""The page as people of each role use it."""

import json

import pytest
from page.access import faults
from page.access import visit
from page.conftest import LEVELS
from page.views import LIVE
from page.views import STOP
from page.views import carrier
from page.views import count
from page.views import enter
from page.views import go
from page.views import text
from page.views import until
from support import wait_for

from oht50_bridge.gateway.auth.roles import parse_roles
from oht50_bridge.protocol.catalogue import COMMANDS

STARTED = 0.1  # m
STILL, SETTLED = 10.0, 1.0  # s for which nothing moves, and mm by which it may
DRAWN = 'parseFloat(document.querySelector(".rail-carrier").getAttribute("x"))'
# What goes over the connections of a page, also of the one before a reload.
TRAFFIC = """
if (location.protocol === 'http:') {
  const traffic = JSON.parse(sessionStorage.traffic ?? '{"sent": [], "came": []}');
  const keep = (list, data) => {
    list.push(JSON.parse(data));
    sessionStorage.traffic = JSON.stringify(traffic);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...values) {
      super(...values);
      this.addEventListener('message', ({ data }) => keep(traffic.came, data));
    }
    send(data) {
      keep(traffic.sent, data);
      super.send(data);
    }
  };
}
"""
READINGS = '[...document.querySelectorAll(".tiles .value")].map((each) => each.textContent)'


@pytest.fixture
def admin(vehicle):
    with vehicle.client('admin', ['safety.estop', 'mission.*', 'telemetry.realtime']) as client:
        yield client
        for command in ('cancel_mission', 'clear_estop'):
            client.attempt(command)


def button(page, name):
    return page.locator(f'role=button[name={name}]')


def test_a_newcomer_moves_the_vehicle_with_three_clicks(vehicle, people, admin):
    page = enter(people, vehicle, 'operator')  # the link is the first click
    assert '#/' in page.url() and 'token' not in page.url()
    until(page, 'document.querySelector(".rail-words").textContent.includes(" m")')
    place, drawn = carrier(page), page.evaluate(DRAWN)
    target = 'station-b' if place < 20 else 'station-a'
    button(page, f'"{target}"').click()
    button(page, '"Start"').click()
    wait_for(lambda: abs(carrier(page) - place) > STARTED, what='the carrier moves', pause=0.1)
    assert page.evaluate(DRAWN) != drawn
    until(page, 'document.querySelector("#state").textContent.includes("MOVING")')
    assert target in text(page, '.mission-title')
    before = page.evaluate(READINGS)
    until(page, f'JSON.stringify({READINGS}) !== JSON.stringify({json.dumps(before)})')
    button(page, '/^Cancel/').click()
    until(page, 'document.querySelector(".mission-title").textContent.includes("No mission")')


@pytest.mark.slow
def test_a_viewer_can_neither_stop_nor_order_and_is_informed(vehicle, people, admin):
    page = enter(people, vehicle, 'viewer', script=TRAFFIC)
    for level in LEVELS:
        go(page, level)
        assert page.locator(f'{STOP}:visible').count() == 0
        for name in ('/^start/i', '/^resume$/i', '/^cancel/i', '/reset/i', '/apply/i', '/roll/i'):
            assert button(page, name).count() == 0, (level, name)
        assert page.locator('.w-mission button:visible').count() == 0
    assert 'cannot stop the vehicle' in text(page, '.stop-absent')
    page.locator('body').press('F8')
    traffic = page.evaluate('JSON.parse(sessionStorage.traffic)')
    assert 'emergency_stop' not in {message['type'] for message in traffic['sent']}
    assert count(admin, 'safety.estop') == 0
    with vehicle.client('operator', []) as operator:
        operator.call('emergency_stop', reason='drill')
    until(page, 'document.querySelector("#state").textContent.includes("STOPPED")')
    assert count(admin, 'safety.estop') == 1
    go(page, '/alarms')
    assert button(page, '/reset/i').count() == 0


@pytest.mark.slow
def test_an_operator_stops_and_cannot_reset(vehicle, people, admin):
    page = enter(people, vehicle, 'operator', '/alarms')
    page.locator(STOP).click()
    page.locator('[data-state="stopped"]').waitFor()
    assert button(page, '/reset/i').count() == 0
    assert 'administrator' in page.locator('.w-alarms').innerText()


@pytest.mark.slow
def test_an_administrator_resets_deliberately_and_nothing_moves(vehicle, people, admin):
    page = enter(people, vehicle, 'admin', '/alarms')
    assert button(page, '/reset/i').count() == 0
    # The stop cuts a mission short, which something could resume.
    event = admin.wait(
        'telemetry.realtime', where=lambda e: e['data']['position']['x'] is not None
    )
    station = 'station-b' if event['data']['position']['x'] < 20_000 else 'station-a'
    assert admin.call('start_mission', mission_type='transport', station=station)['accepted']
    admin.wait('telemetry.realtime', where=lambda e: abs(e['data']['velocity']['linear']) > 0.1)
    page.locator(STOP).click()
    page.locator('[data-state="stopped"]').waitFor()
    button(page, '/reset/i').click()
    reset = (
        page.locator('role=dialog').getByRole('button', {'name': 'Reset', 'exact': False}).first
    )
    assert reset.isDisabled()
    page.locator('#reset-seen').check()
    until(page, '!document.querySelector(".dialog .primary").disabled')
    # The strip with STOP is not covered by the dialog.
    page.locator(STOP).click({'trial': True})
    reset.click()
    page.locator('[data-state="ready"]').waitFor()
    until(page, 'document.body.innerText.includes("Nothing moves until")')
    admin.call('get_config')  # what came before its reply has been read
    mark, begun = len(admin.received), admin.received[-1]['at']
    while admin.received[-1]['at'] < begun + STILL:
        admin.receive()
    after = admin.received[mark:]
    places = [e['data']['position']['x'] for e in after if e['type'] == 'telemetry.realtime']
    assert len(places) > STILL and max(places) - min(places) <= SETTLED, places
    assert 'mission.started' not in {each['type'] for each in after}
    states = [each['data'] for each in admin.received if each['type'] == 'mission.state']
    assert states[-1]['phase'] not in ('executing', 'docking'), states
    assert text(page, LIVE) != ''


@pytest.mark.slow
def test_what_a_role_is_denied_is_not_asked_for(stages, people):
    roles = parse_roles(
        {
            'roles': {
                'wall': {'level': 'viewer', 'deny': ['get_config', 'list_modules', 'system.*']}
            }
        }
    )
    stage = stages(roles=roles)
    page = people(stage.link('wall'), script=TRAFFIC)
    page.locator(LIVE).waitFor()
    wait_for(lambda: stage.count('get_vehicle') == 1, what='it asks what it may')
    for level in LEVELS:
        go(page, level)
    # The bridge answers in order: what was asked for before this was answered.
    page.reload()
    page.locator(LIVE).waitFor()
    wait_for(lambda: stage.count('get_vehicle') == 2, what='it asks again')
    traffic = page.evaluate('JSON.parse(sessionStorage.traffic)')
    asked = {message['type'] for message in traffic['sent']}
    assert {'auth', 'subscribe', 'get_vehicle'} <= asked
    orders = {name for name, command in COMMANDS.items() if command.level is not None}
    assert not asked & orders - set(roles['wall'].may['order']), asked
    assert [each for each in traffic['came'] if each['type'] == 'error'] == []
    confirmed = [each for each in traffic['came'] if each['type'] == 'subscription.confirmed']
    assert confirmed and all(each['data']['denied'] == [] for each in confirmed)
    came = {each['type'] for each in traffic['came']}
    assert 'telemetry.realtime' in came and not came & {'system.status', 'system.alarms'}


@pytest.mark.slow
def test_each_level_can_be_used_by_everybody(vehicle, people, browser):
    """Each theme, two languages and widths once; all combinations are a long test."""
    found = {}
    for (width, theme, language), levels in (
        ((320, 'light', 'vi'), LEVELS[:4]),
        ((1920, 'dark', 'en'), LEVELS[4:]),
    ):
        page = visit(people, vehicle, width, theme, language)
        found |= {level: faults(browser, page, level) for level in levels}
        page.close()
    assert {level: each for level, each in found.items() if each} == {}

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
"""That everybody can use the page when something is not as it should be."""

import pytest
from page.access import WIDTHS
from page.access import faults
from page.conftest import LEVELS
from page.stage import STOPPED
from page.stage import alarm
from page.views import FRESH
from page.views import READINGS
from page.views import go
from page.views import until
from page.views import visit

pytestmark = [pytest.mark.long, pytest.mark.breaks_connections]

#: Each theme and language once: all combinations of a vehicle that is well are in another test.
MANNERS = (('light', 'vi'), ('dark', 'en'))
OLD = f'{READINGS}.every((each) => ["stale", "lost"].includes(each.dataset.fresh))'
#: One of each priority, of each state, with long texts; more of them are a flood.
ALARMS = [
    alarm(1, 'P1', description='The supply of the travel motor is below its least voltage.'),
    alarm(2, 'P2', acknowledged_by='an-operator-with-a-long-name', count=12),
    alarm(3, 'P3', gone='2026-11-23T10:30:00Z'),
    *(alarm(number, 'P2', source=f'board-{number}') for number in range(4, 16)),
]
BOARD = {
    'module_id': 'travel_motor',
    'kind': 'motor',
    'address': '0x02',
    'status': 'error',
    'firmware_version': '1.2.3',
    'error_code': 'E-12',
    'error_description': 'the temperature of the winding is above its limit',
    'replies': 100,
    'requests': 120,
    'timeouts': 20,
    'crc_errors': 3,
    'response_time_mean': 0.0123,
    'response_time_max': 0.1,
}


def nobody(people, stage, **options):
    """Return a page at which nobody is signed in."""
    page = people(stage.origin, **options)
    page.locator('#link[data-link="signed-out"]').waitFor()
    return page, 'true'


def looking(people, stage, **options):
    """Return that of somebody who may only look."""
    return visit(people, stage, 'viewer', **options), FRESH


def stopped(people, stage, **options):
    """Return that of an operator whose vehicle is stopped, with alarms, and may not move."""
    stage.show_modules([BOARD])
    hindrance = 'the position is not known since the last jump'
    causes = {'reset_hindrances': [hindrance], 'motor_hindrance': hindrance}
    stage.publish('safety.state', **STOPPED, **causes)
    page = visit(people, stage, **options)
    stage.publish('system.alarms', alarms=ALARMS, more_alarms=3)
    page.locator('#stop[data-state="stopped"]').waitFor()
    page.locator('.banner.abnormal:visible').waitFor()
    return page, FRESH


def cut(people, stage, **options):
    """Return that of an administrator whose bridge is gone, with a mission under way."""
    stage.show_modules([BOARD])
    stage.publish('mission.state', phase='executing', mission_id='m-1', mission_type='transport')
    page = visit(people, stage, 'admin', **options)
    for level in LEVELS:  # each knows something before
        go(page, level)
        until(page, FRESH)
    stage.stop()
    page.locator('#link[data-link="waiting"]').first.waitFor()
    return page, OLD


@pytest.mark.parametrize('state', [nobody, looking, stopped, cut])
@pytest.mark.parametrize(('theme', 'language'), MANNERS)
def test_each_level_can_be_used_by_everybody_in(people, stages, browser, state, theme, language):
    stage = stages()
    page, condition = state(people, stage, colorScheme=theme, locale=language)
    found = {}
    for width, height in WIDTHS.items():
        page.setViewportSize({'width': width, 'height': height})
        for level in LEVELS:
            found[width, level] = faults(browser, page, level, condition)
    if state is cut:
        stage.start()
    assert {place: each for place, each in found.items() if each} == {}

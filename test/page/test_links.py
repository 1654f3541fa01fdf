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
"""Values that grow old, come late or stop coming, and bridges that end."""

import contextlib
import os
import re
import signal
import time

import pytest
from page.stage import VEHICLE
from page.views import FRESH
from page.views import LIVE
from page.views import MARKS
from page.views import SLACK
from page.views import STALE
from page.views import enter
from page.views import go
from page.views import text
from page.views import until
from page.views import visit
from support import listens
from support import wait_for

#: Until values are marked as stale, and until the link is known to be lost, ms.
MARKED, LOST = 1300 + 1000 * SLACK, 4500 + 1000 * SLACK
#: Values of the overview.
READINGS = 4
#: Until the page is live again after the bridge listens, s.
BACK = 3.0 + SLACK
#: Notes where the carrier is drawn.
DRAWN = """(() => {
  window.drawn = [];
  let frame = 0;
  const count = () => {
    frame += 1;
    requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
  const carrier = document.querySelector('.rail-carrier');
  new MutationObserver(() => drawn.push({ frame, x: parseFloat(carrier.getAttribute('x')) }))
    .observe(carrier, { attributes: true, attributeFilter: ['x'] });
})()"""
#: Notes when telemetry came, and when each value and the link were marked otherwise, ms.
TURNING = """
window.came = undefined;
window.turned = [];
window.WebSocket = class extends WebSocket {
  constructor(...values) {
    super(...values);
    this.addEventListener('message', ({ data }) => {
      if (data.includes('"telemetry.realtime"')) came = performance.now();
    });
  }
};
new MutationObserver((changes) => {
  const at = performance.now();
  for (const { target } of changes) {
    const { fresh, link } = target.dataset ?? {};
    const part = target.id || target.className;
    if (target.matches?.('.reading, .rail-words')) turned.push({ part, to: fresh, at });
    if (target.id === 'link') turned.push({ part, to: link, at });
  }
}).observe(document, {
  subtree: true,
  attributes: true,
  attributeFilter: ['data-fresh', 'data-link'],
});
"""


@contextlib.contextmanager
def suspended(pid):
    """Suspend a process."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.slow
def test_a_bridge_that_is_suspended_makes_everything_stale_and_then_the_link(vehicle, people):
    page = enter(people, vehicle, 'operator', script=TURNING)
    until(page, FRESH)
    assert 'not measured' in text(page, '.tiles')  # humidity, which no board measures
    page.evaluate('turned.length = 0')
    with suspended(vehicle.node_pid('bridge_node')):
        until(page, STALE)
        until(page, 'document.querySelector("#state").textContent.includes("was")')
        lost = '["connecting", "waiting"].includes'
        until(page, f'turned.some(({{ part, to }}) => part === "link" && {lost}(to))')
        came, turned = page.evaluate('[came, turned]')
    stale = [each for each in turned if each['to'] == 'stale']
    parts = [each['part'] for each in stale]
    assert parts.count('reading') == READINGS and parts.count('rail-words') == 1, parts
    assert max(each['at'] for each in stale) - came <= MARKED, (came, turned)
    away = [each for each in turned if each['to'] in ('connecting', 'waiting')]
    assert away[0]['at'] - came <= LOST, (came, turned)
    page.locator(LIVE).waitFor()
    until(page, FRESH)


@pytest.mark.long
def test_a_vehicle_that_is_silent_is_not_a_lost_link(vehicle, people):
    page = enter(people, vehicle, 'operator')
    until(page, FRESH)
    with suspended(vehicle.node_pid('telemetry_node')):
        page.locator('#link[data-link="silent"]').waitFor()
        until(page, STALE)
        # The link to the bridge is well: a stop reaches it.
        assert page.locator('[data-state="offline"]').count() == 0
    page.locator(LIVE).waitFor()
    until(page, FRESH)


@pytest.mark.long
def test_what_comes_late_is_marked_as_delayed_and_not_as_live(vehicle, people, proxy):
    page = enter(people, vehicle, 'operator', origin=proxy.origin)
    until(page, FRESH)
    proxy.delay(1.0)
    page.locator('#link[data-link="delayed"]').waitFor()
    until(page, 'document.querySelector(".reading").dataset.fresh === "delayed"')
    proxy.delay(0.0)
    page.locator(LIVE).waitFor()
    until(page, FRESH)
    assert proxy.opened == 1


@pytest.mark.slow
@pytest.mark.breaks_connections
def test_after_the_end_of_a_bridge_it_is_live_again_and_misses_nothing(vehicle, people):
    page = enter(people, vehicle, 'operator', '/log')
    pid = vehicle.node_pid('bridge_node')
    os.kill(pid, signal.SIGKILL)
    page.locator('[data-state="offline"]').waitFor()
    wait_for(lambda: listens(vehicle.port), what='the bridge listens')
    back = time.monotonic()
    page.locator(LIVE).waitFor()
    assert time.monotonic() - back <= BACK
    # It goes on with what the bridge before has left.
    assert 'may be missing' not in text(page, 'main')
    go(page, '/')
    until(page, FRESH)


@pytest.mark.long
@pytest.mark.breaks_connections
def test_a_bridge_that_has_forgotten_what_was_makes_a_gap_in_the_log(stage, people):
    page = visit(people, stage, level='/log')
    stage.publish('mission.started', mission_id='m-1')
    until(page, 'document.querySelector(".log").innerText.includes("m-1")')
    stage.stop()
    page.locator('[data-state="offline"]').waitFor()
    # However long it was away, the page is not slow to try again.
    page.waitForTimeout(16_000)
    stage.start()
    back = time.monotonic()
    page.locator(LIVE).waitFor()
    assert time.monotonic() - back <= BACK
    until(page, 'document.querySelector(".log").innerText.includes("may be missing")')


@pytest.mark.slow
@pytest.mark.breaks_connections
def test_what_happened_while_the_connection_was_cut_is_in_the_log_once_and_in_order(
    stage, curtain, people
):
    page = visit(people, stage, level='/log', origin=curtain.origin)
    stage.publish('mission.started', mission_id='m-0')
    until(page, 'document.querySelector(".log").innerText.includes("m-0")')
    curtain.hold('up', 'down')
    for number in range(1, 10):
        stage.publish('mission.started', mission_id=f'm-{number}')
    curtain.cut()
    page.locator('[data-state="offline"]').waitFor()
    page.locator(LIVE).waitFor()
    until(page, 'document.querySelector(".log").innerText.includes("m-9")')
    assert re.findall(r'm-\d', text(page, '.log')) == [f'm-{n}' for n in range(9, -1, -1)]
    assert 'may be missing' not in text(page, '.log')


@pytest.mark.slow
def test_what_was_held_back_is_delayed_and_only_the_newest_of_it_is_drawn(stage, curtain, people):
    page = visit(people, stage, level='/missions', origin=curtain.origin, script=MARKS)
    until(page, 'document.querySelector(".rail-words").textContent.includes(" m")')
    page.evaluate(DRAWN)
    stage.rate = 0
    curtain.hold('down')
    for number in range(1, 31):
        stage.publish('telemetry.realtime', position={'x': 100.0 * number, 'y': 0.0, 'z': 0.0})
        stage.publish('mission.started', mission_id=f'm-{number:02}')
        time.sleep(0.1)
    time.sleep(0.7)  # so that the newest is late as well
    page.evaluate('void (window.drawn = [], marks.length = 0)')
    curtain.release()
    until(page, 'marks.includes("delayed")')
    until(page, 'document.querySelector(".rail-words").textContent.includes("3.00 m")')
    until(page, 'document.querySelector(".log").innerText.includes("m-30")')
    drawn = page.evaluate('drawn')
    frames = [each['frame'] for each in drawn]
    assert frames and len(set(frames)) == len(frames), drawn
    assert drawn[-1]['x'] == pytest.approx(3.0 + 94.0 * 3000 / VEHICLE['rail_length'], abs=0.01)
    go(page, '/log')
    found = re.findall(r'm-\d\d', text(page, '.log'))
    assert found == [f'm-{n:02}' for n in range(30, 0, -1)]
    stage.rate = 10
    page.locator(LIVE).waitFor()

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
import signal
import socket
import time

import pytest
from page.views import LIVE
from page.views import enter
from page.views import go
from page.views import text
from page.views import until
from support import wait_for

pytestmark = pytest.mark.long

#: What a busy machine may add to a limit, s.
SLACK = 2.0
STALE = """[...document.querySelectorAll('.reading')].length >= 3 &&
  [...document.querySelectorAll('.reading')].every((each) => each.dataset.fresh === 'stale')"""
FRESH = (
    """[...document.querySelectorAll('.reading')].every((each) => each.dataset.fresh === 'live')"""
)


@contextlib.contextmanager
def suspended(pid):
    """Suspend a process."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield time.monotonic()
    finally:
        os.kill(pid, signal.SIGCONT)


def listens(port):
    """Return whether something listens on a port of the loopback."""
    try:
        socket.create_connection(('127.0.0.1', port), 1.0).close()
    except OSError:
        return False
    return True


def test_a_bridge_that_is_suspended_makes_everything_stale_and_then_the_link(vehicle, people):
    page = enter(people, vehicle, 'operator')
    until(page, FRESH)
    assert 'not measured' in text(page, '.tiles')  # humidity, which no board measures
    with suspended(vehicle.node_pid('bridge_node')) as since:
        until(page, STALE, 1.3 + SLACK)
        until(page, 'document.querySelector("#link").dataset.link !== "live"', 4.5 + SLACK)
        assert time.monotonic() - since <= 4.5 + SLACK
        until(page, 'document.querySelector("#state").textContent.includes("was")', 4.0 + SLACK)
    page.locator(LIVE).waitFor()
    until(page, FRESH)


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


@pytest.mark.breaks_connections
def test_after_the_end_of_a_bridge_it_is_live_again_and_says_what_may_be_missing(vehicle, people):
    page = enter(people, vehicle, 'operator', '/log')
    pid = vehicle.node_pid('bridge_node')
    os.kill(pid, signal.SIGKILL)
    page.locator('[data-state="offline"]').waitFor()
    wait_for(lambda: listens(vehicle.port), what='the bridge listens')
    back = time.monotonic()
    page.locator(LIVE).waitFor()
    assert time.monotonic() - back <= 3.0 + SLACK
    until(page, 'document.body.innerText.includes("may be missing")')
    go(page, '/')
    until(page, FRESH)

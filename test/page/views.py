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
"""What the tests of the page look at, by the names that the page gives its parts."""

import os
import re

from page.conftest import link
from support import wait_for

#: What a busy machine may add to a limit, s: before a change lands four browsers run at a time.
#: `make test-page` allows nothing.
SLACK = float(os.environ.get('OHT50_PAGE_SLACK', '1.0'))
LIVE = '#link[data-link="live"]'
READINGS = '[...document.querySelectorAll(".reading")]'
#: All values that have an age are as they are now; or none is.
FRESH = f'{READINGS}.every((each) => each.dataset.fresh === "live")'
STALE = f'{READINGS}.length >= 3 && {READINGS}.every((each) => each.dataset.fresh === "stale")'
#: Notes how the values and the link are marked at each change, before it is painted.
MARKS = """
window.marks = [];
const marking = { subtree: true, attributes: true, attributeFilter: ['data-fresh', 'data-link'] };
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const { fresh, link } = target.dataset ?? {};
    if (target.matches?.('.reading')) marks.push(fresh);
    if (target.id === 'link') marks.push(link);
  }
}).observe(document, marking);
"""
STOP = '.stop-button'
#: Notes with their time, ms, how the stop control and the link change.
NOTING = """
window.noted = [];
const note = (what) => {
  const last = noted.at(-1);
  if (last?.what !== what) noted.push({ what, at: performance.now() });
};
const press = ({ type }) => noted.push({ what: type, at: performance.now() });
for (const type of ['pointerdown', 'keydown']) addEventListener(type, press, { capture: true });
new MutationObserver(() => {
  const control = document.querySelector('.stop-button')?.closest('[data-state]');
  if (control) note(control.dataset.state);
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
#: Notes what is sent over WebSockets: its type, the number of the connection and the time, ms.
SENDING = """
window.sent = [];
let sockets = 0;
window.WebSocket = class extends WebSocket {
  number = ++sockets;
  send(text) {
    sent.push({ type: JSON.parse(text).type, socket: this.number, at: performance.now() });
    super.send(text);
  }
};
"""


def enter(people, vehicle, role, level='/', origin=None, **options):
    """Return a page that is signed in, live, on a level."""
    page = people(link(vehicle, role, origin), **options)
    page.locator(LIVE).waitFor()
    if level != '/':
        go(page, level)
    return page


def visit(people, stage, role='operator', level='/', origin=None, **options):
    """Return a page of a stage that is signed in and live, on a level."""
    page = people(stage.link(role, origin), **options)
    page.locator(LIVE).waitFor()
    if level != '/':
        go(page, level)
    return page


def go(page, level):
    """Go to a level."""
    page.evaluate(f'location.hash = {level!r}')
    page.locator(f'nav a[href="#{level}"][aria-current="page"]').waitFor()


def noted(page):
    """Return what NOTING has noted, and forget it."""
    return page.evaluate('noted.splice(0)')


def text(page, selector):
    """Return the text of a part; '' where there is none."""
    return page.evaluate(f'document.querySelector({selector!r})?.textContent ?? ""')


def until(page, condition, timeout=20.0):
    """Wait until an expression is true in a page.

    Playwright's own waiting evaluates a text in the page, which its policy forbids.
    """
    try:
        wait_for(lambda: page.evaluate(f'!!({condition})'), timeout, condition, pause=0.05)
    except AssertionError as error:
        raise AssertionError(f'{error}\n{page.evaluate("document.body.innerText")}') from None


def carrier(page):
    """Return where the page says that the carrier is, m; None where it does not."""
    found = re.search(r'(\d+\.\d+) m', text(page, '.rail-words'))
    return None if found is None else float(found[1])


def clear(page, admin):
    """Clear what is latched, and wait until the page has seen it."""
    admin.clear_estop()
    page.locator('[data-state="ready"]').waitFor()


def count(admin, kind):
    """Return how many events of a type have come; each one before this call is among them."""
    admin.call('get_config')
    return sum(message['type'] == kind for message in admin.received)


def count_reaches(admin, kind, number):
    """Wait until so many events of a type have come."""
    wait_for(lambda: count(admin, kind) >= number, what=f'{number} of {kind}', pause=0.02)

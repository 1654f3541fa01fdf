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
"""Whether a level of the page can be used by everybody."""

from page.views import FRESH
from page.views import enter
from page.views import go
from page.views import until

TAGS = ('wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa')
WIDTHS = {320: 640, 1366: 768, 1920: 1080}
THEMES, LANGUAGES = ('light', 'dark'), ('en', 'vi')
#: Texts that do not fit into where they are. What is for those who listen alone is 1 px in size.
CUT_OFF = """[...document.querySelectorAll('body *')]
  .filter((each) => each.checkVisibility() && each.clientWidth > 1)
  .filter((each) => {
    const { overflowX, overflowY } = getComputedStyle(each);
    const cuts = (overflow) => ['hidden', 'clip'].includes(overflow);
    return (cuts(overflowX) && each.scrollWidth > each.clientWidth + 1) ||
      (cuts(overflowY) && each.scrollHeight > each.clientHeight + 1);
  })
  .map((each) => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 60)}`)"""
#: Nothing blinks any more: what blinks has another contrast from one moment to the next.
STEADY = 'document.getAnimations().length === 0'


def visit(people, vehicle, width, theme, language):
    """Return a page as one person likes it."""
    return enter(
        people,
        vehicle,
        'admin',
        viewport={'width': width, 'height': WIDTHS[width]},
        colorScheme=theme,
        locale=language,
    )


def faults(browser, page, level, condition=FRESH):
    """Return what hinders people on a level, once what it shows fulfils a condition."""
    go(page, level)
    until(page, condition)
    return hindrances(browser, page)


def hindrances(browser, page):
    """Return what hinders people in what a page shows."""
    until(page, STEADY)
    found = browser.axe(page, *TAGS)
    wide = page.evaluate('document.documentElement.scrollWidth - innerWidth')
    if wide > 0:
        found.append(f'{wide} px are beside the window')
    return [*found, *(f'cut off: {each}' for each in page.evaluate(CUT_OFF))]

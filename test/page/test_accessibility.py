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
"""That everybody can use the page, and when it is loaded."""

import pytest
from page.access import LANGUAGES
from page.access import THEMES
from page.access import WIDTHS
from page.access import faults
from page.access import visit
from page.conftest import LEVELS
from page.views import visit as visit_stage


@pytest.mark.slow
def test_the_trends_are_loaded_when_the_page_was_painted(people, stage):
    page = visit_stage(people, stage)
    page.locator('.uplot').first.waitFor()
    (painted,) = page.evaluate(
        'performance.getEntriesByName("first-contentful-paint").map((each) => each.startTime)'
    )
    (asked,) = page.evaluate(
        'performance.getEntriesByType("resource").filter(({ name }) => name.includes("plot"))'
        '.map((each) => each.startTime)'
    )
    assert painted <= asked


@pytest.mark.long
@pytest.mark.parametrize('width', WIDTHS)
@pytest.mark.parametrize('theme', THEMES)
@pytest.mark.parametrize('language', LANGUAGES)
def test_each_level_in_each_theme_language_and_width(
    vehicle, people, browser, width, theme, language
):
    page = visit(people, vehicle, width, theme, language)
    found = {level: faults(browser, page, level) for level in LEVELS}
    assert {level: each for level, each in found.items() if each} == {}

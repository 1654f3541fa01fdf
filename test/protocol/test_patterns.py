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
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import FAMILIES
from oht50_bridge.protocol.patterns import expand


def test_exact_family_and_all():
    assert expand('mission.progress') == ('mission.progress',)
    assert expand('mission.*') == (
        'mission.started',
        'mission.progress',
        'mission.completed',
        'mission.state',
    )
    assert expand('*') == tuple(EVENTS)


def test_what_is_no_pattern():
    for text in (
        '',
        '.',
        '.*',
        'mission',
        'mission.',
        'miss*',
        '*.status',
        'mission.**',
        '**',
        'mission.prog*',
        'invalid.event',
        'Mission.*',
        'mission.* ',
        'mission.progress.*',
    ):
        assert expand(text) == (), text


@given(st.sampled_from(FAMILIES))
def test_a_family_is_its_types_and_no_other(family):
    assert expand(f'{family}.*') == tuple(k for k in EVENTS if k.split('.')[0] == family)


@given(st.text(alphabet='mission.*progesytal', max_size=20))
def test_nothing_but_the_three_forms_matches(text):
    legal = text in EVENTS or text == '*' or (text.endswith('.*') and text[:-2] in FAMILIES)
    assert bool(expand(text)) == legal

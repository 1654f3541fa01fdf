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
"""The layouts for Foxglove and Grafana: each topic, field and metric that they name exists."""

import dataclasses
import json
import re

import pytest
from support import ROOT

from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.metrics import Metrics
from oht50_bridge.gateway.metrics import Stats
from oht50_bridge.nodes import NAMESPACE
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.topics import Topic

FOXGLOVE = json.loads((ROOT / 'config' / 'foxglove.json').read_text())
GRAFANA = json.loads((ROOT / 'config' / 'grafana.json').read_text())
METRIC = re.compile(r'\boht50_\w+')


def texts(value, key=''):
    """Yield each text below a value, and each key, with the key that it is found at."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield key, name
            yield from texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, key)


def by_name():
    """Return the topics of the vehicle by their full name."""
    found = [each for each in vars(topics).values() if isinstance(each, Topic)]
    found += topics.EVENT_TOPICS.values()
    return {
        each.name if each.name[0] == '/' else f'{NAMESPACE}/{each.name}': each for each in found
    }


def paths():
    """Return the paths of topics and fields that the layout for Foxglove names."""
    return sorted({text for _, text in texts(FOXGLOVE['configById']) if text.startswith('/')})


def fault(path):
    """Return what a path names that does not exist."""
    name, *parts = path.split('.')
    topic = by_name().get(name)
    if topic is None:
        return f'{path}: there is no topic {name}'
    value = topic.type()
    for part in parts:
        if not hasattr(value, part):
            return f'{path}: {type(value).__name__} has no {part}'
        value = getattr(value, part)
    return ''


def test_each_topic_and_field_of_the_foxglove_layout_exists():
    found = paths()
    assert len(found) > 15
    assert [fault(path) for path in found if fault(path)] == []


@pytest.mark.parametrize(
    'path', ['/oht50/nowhere', '/oht50/system/status.cups', '/oht50/power.x.y']
)
def test_a_path_that_leads_nowhere_is_found(path):
    assert fault(path)


def test_each_panel_of_the_foxglove_layout_is_placed_and_described():
    placed = {text for key, text in texts(FOXGLOVE['layout']) if '!' in text}
    assert placed == set(FOXGLOVE['configById'])


def metrics():
    """Return the names of the metrics of a bridge, and the labels of each."""
    counts = Counts()
    counts.delivered['safety.estop'] = 1
    values = dict.fromkeys((each.name for each in dataclasses.fields(Stats)), 1)
    values |= {name: {'renewed': 1} for name in ('errors', 'refused', 'certificate')}
    text = Metrics(lambda: Stats(**values), counts).text().decode()
    return {
        name: set(re.findall(r'(\w+)=', labels))
        for name, labels in re.findall(r'^(oht50_\w+)(?:\{(.*)\})? ', text, re.MULTILINE)
    }


def test_each_metric_of_the_grafana_dashboard_exists():
    named = {name for _, text in texts(GRAFANA) for name in METRIC.findall(text)}
    assert named <= set(metrics()), named - set(metrics())
    # And nothing that the bridge counts is left out.
    assert {each for each in metrics() if not each.endswith('_created')} == named


def test_each_label_of_the_grafana_dashboard_exists():
    known = metrics()
    for panel in GRAFANA['panels']:
        for target in panel['targets']:
            (name,) = METRIC.findall(target['expr'])
            wanted = set(re.findall(r'\{\{(\w+)\}\}', target['legendFormat'])) - {'instance'}
            assert wanted <= known[name], panel['title']
            by = re.search(r'by \(([^)]*)\)', target['expr'])
            if by:
                assert set(by[1].split(', ')) - {'instance'} <= known[name], panel['title']


def test_the_panels_of_the_grafana_dashboard_have_names_and_room_of_their_own():
    cells = set()
    for panel in GRAFANA['panels']:
        place = panel['gridPos']
        own = {
            (x, y)
            for x in range(place['x'], place['x'] + place['w'])
            for y in range(place['y'], place['y'] + place['h'])
        }
        assert not own & cells and place['x'] + place['w'] <= 24
        cells |= own
    assert len({panel['id'] for panel in GRAFANA['panels']}) == len(GRAFANA['panels'])

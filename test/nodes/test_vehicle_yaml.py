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
"""config/vehicle.yaml against the settings that the nodes declare."""

import pytest
import yaml

from oht50_bridge.bringup.declared import declare_all
from oht50_bridge.bringup.parameter_check import SET_AT_START
from oht50_bridge.bringup.parameter_reader import applies_to
from oht50_bridge.bringup.parameter_reader import read_parameter_file
from oht50_bridge.nodes import parameters
from oht50_bridge.nodes.bridge_node import BridgeNode
from oht50_bridge.nodes.config_node import ConfigNode
from oht50_bridge.nodes.mission_node import MissionNode
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.safety_node import SafetyNode
from oht50_bridge.nodes.system_node import SystemNode
from oht50_bridge.nodes.telemetry_node import TelemetryNode
from oht50_bridge.paths import config_dir

# An example of a vehicle stands in the file; the default is a vehicle without it.
EXAMPLES = {
    'stations',
    'station_positions',
    'station_docks',
    'items',
    'table_version',
    *(f'zone_{name}' for name in ('names', 'types', 'actions', 'starts', 'ends', 'limits')),
}


def flat(values, prefix=''):
    """Return the values of a section by full name."""
    result = {}
    for name, value in values.items():
        if isinstance(value, dict):
            result.update(flat(value, f'{prefix}{name}.'))
        else:
            result[prefix + name] = value
    return result


@pytest.fixture(scope='module')
def sections():
    content = yaml.safe_load((config_dir() / 'vehicle.yaml').read_text())
    return {
        name.split('/')[-1]: flat(section['ros__parameters']) for name, section in content.items()
    }


@pytest.mark.parametrize(
    'ros', [['--params-file', str(config_dir() / 'vehicle.yaml')]], indirect=True, ids=['']
)
@pytest.mark.parametrize(
    'make_node', [BridgeNode, ConfigNode, MissionNode, SafetyNode, SystemNode, TelemetryNode]
)
def test_the_file_has_every_parameter_with_its_type_and_default(
    ros, monkeypatch, sections, make_node
):
    declared = {}
    declare = parameters.declare

    def record(node, name, default, *arguments, **options):
        declared[name] = default
        return declare(node, name, default, *arguments, **options)

    monkeypatch.setattr(parameters, 'declare', record)
    name = ros.graph(make_node).node.get_name()
    own = {key: value for key, value in sections[name].items() if not key.startswith('item.')}
    assert own.keys() <= declared.keys()
    in_file = {**sections['**'], **own}
    expected = {
        key: default
        for key, default in declared.items()
        if key not in (*SET_AT_START, CONFIG_VERSION) and not key.startswith('item.')
    }
    assert expected.keys() <= in_file.keys()
    given = {
        each.name: each
        for each in read_parameter_file(config_dir() / 'vehicle.yaml')
        if applies_to(each.section, f'/oht50/{name}')
    }
    # What is checked before the start is what the node declares.
    checked = {key: default for key, (default, _) in declare_all(name, given).types.items()}
    assert checked.pop('use_sim_time') is False
    declared.pop('config_version', None)
    assert {**checked, 'state_dir': ''} == {**declared, 'state_dir': ''}
    for key, default in expected.items():
        assert type(in_file[key]) is type(default), key
        if key not in EXAMPLES:
            assert in_file[key] == default, key

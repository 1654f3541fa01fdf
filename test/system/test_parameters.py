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
"""Parameters: what the nodes declare is described, and is what config/vehicle.yaml names."""

import json
import re
import subprocess

import pytest
import yaml

from oht50_bridge.nodes import NODES
from oht50_bridge.paths import config_dir

INTEGER, DOUBLE, DOUBLE_ARRAY = 2, 3, 8  # of rcl_interfaces/msg/ParameterType
UNIT = re.compile(r'\b(m|m/s(\^[23])?|s|Hz|1/s|kg|ratio 0\.\.1)\b')
OF_ROS = {'use_sim_time', 'start_type_description_service'}  # rclpy's own
# Who starts the nodes gives these; they are no matter of a file for all.
GIVEN = {'state_dir', 'latch_dir', 'config_version', 'replay'}
# One set of these for each line, module and item; most of a set is optional.
SETS = re.compile(r'(line|module|item)\.\w+\.\w+')


@pytest.fixture(scope='module')
def declared(shared_vehicle):
    """Give the parameters of each node by name: (type, description, read_only, ranges)."""
    describer = shared_vehicle.spawn('describer', *NODES, stdout=subprocess.PIPE, text=True)
    answer, _ = describer.communicate(timeout=60)
    assert describer.returncode == 0
    return {
        node: {name: rest for name, *rest in parameters if name not in OF_ROS}
        for node, parameters in json.loads(answer).items()
    }


def flat(values, prefix=''):
    """Return the names of a section's parameters."""
    return {
        full
        for name, value in values.items()
        for full in (
            flat(value, f'{prefix}{name}.') if isinstance(value, dict) else [f'{prefix}{name}']
        )
    }


@pytest.fixture(scope='module')
def named():
    """Give the names of each section of config/vehicle.yaml."""
    content = yaml.safe_load((config_dir() / 'vehicle.yaml').read_text())
    return {
        node.split('/')[-1]: flat(section['ros__parameters']) for node, section in content.items()
    }


def test_every_parameter_says_what_it_is(declared):
    for node, parameters in declared.items():
        assert parameters
        for name, (kind, description, _, ranges) in parameters.items():
            assert description, f'{node} {name}'
            if kind in (DOUBLE, DOUBLE_ARRAY) and not name.startswith('item.'):
                assert UNIT.search(description), f'{node} {name}: {description}'
            if kind in (INTEGER, DOUBLE) and not name.startswith('item.'):
                assert len(ranges) == 1, f'{node} {name}'


def test_the_file_names_what_is_declared_and_nothing_else(declared, named):
    everyone = named.pop('**')
    assert set(named) == set(NODES)
    assert everyone <= {name for parameters in declared.values() for name in parameters}
    for node, parameters in declared.items():
        assert named[node] <= set(parameters), node
        missing = {name for name in parameters if not SETS.fullmatch(name)}
        assert missing - named[node] - everyone - GIVEN == set(), node


def test_what_is_not_for_running_nodes_is_read_only(declared):
    settable = {
        (node, name)
        for node, parameters in declared.items()
        for name, (_, _, read_only, _) in parameters.items()
        if not read_only
    }
    assert settable == {
        *((node, 'config_version') for node in ('safety_node', 'telemetry_node', 'mission_node')),
        ('telemetry_node', 'rate'),
        ('safety_node', 'speed_limit'),
        *(('mission_node', f'max_{name}') for name in ('velocity', 'acceleration', 'jerk')),
        *(
            ('safety_node', f'zone_{name}')
            for name in ('names', 'types', 'actions', 'starts', 'ends', 'limits')
        ),
    }

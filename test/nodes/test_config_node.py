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
"""config_node: typed changes of the parameters of another node, and their rollback."""

import time

import pytest
from rcl_interfaces.msg import Parameter
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.msg import ParameterValue
from rclpy.parameter import Parameter as NodeParameter

from oht50_bridge.nodes import topics
from oht50_bridge.nodes.config_node import ConfigNode
from oht50_bridge.nodes.deadline import deadline_in
from oht50_bridge.nodes.parameter_values import from_parameters
from oht50_bridge.nodes.parameter_values import to_parameters
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.nodes.process import StartError
from oht50_bridge.srv import GetConfig
from oht50_bridge.srv import RollbackConfig
from oht50_bridge.srv import UpdateConfig

ITEMS = (
    "items:=['speed', 'names', 'boards']",
    'check_period:=0.1',
    *(f'item.{name}.node:=probe' for name in ('speed', 'names', 'boards')),
    'item.speed.unit:=m/s',
    'item.speed.maximum:=2.0',
    'item.names.type:=string_array',
    'item.boards.type:=integer',
)


def given(*values):
    """Give parameters on the command line."""
    arguments = [text for value in values for text in ('-p', value)]
    return pytest.mark.parametrize('ros', [arguments], indirect=True)


@pytest.fixture
def graph(ros):
    """Config_node, and a probe whose parameters it has read."""
    graph = ros.graph(ConfigNode)
    declare(graph.probe, 'speed', 0.5, 'Speed, m/s', read_only=False)
    declare(graph.probe, 'names', ['a'], 'Names', read_only=False)
    declare(graph.probe, 'boards', 3, 'Boards', minimum=1, maximum=9, read_only=False)

    def take(values):
        if values.get('boards') == 7:
            raise ValueError('boards: 7 is not allowed')
        if values.get('boards') == 8:
            time.sleep(0.3)

    configurable(graph.probe, take)
    graph.record(topics.CONFIG_UPDATED, topics.CONFIG_ROLLBACK)
    graph.until(lambda: graph.node._remotes['probe'].version == '1.0.0')
    return graph


def config(graph):
    response = graph.call(GetConfig, 'get_config', GetConfig.Request())
    assert response.accepted
    return from_parameters(response.config)


def update(graph, **values):
    request = UpdateConfig.Request(changes=to_parameters(values), source='alice')
    return graph.call(UpdateConfig, 'update_config', request)


@given(*ITEMS)
def test_a_change_is_applied_with_its_types_and_reported(graph):
    response = update(graph, speed=1, names=['b'], boards=4)
    assert (response.accepted, response.version) == (True, '1.0.1')
    probe = graph.probe
    values = [probe.get_parameter(name).value for name in ('speed', 'boards', CONFIG_VERSION)]
    assert values == [1.0, 4, '1.0.1']
    assert list(probe.get_parameter('names').value) == ['b']
    assert config(graph) == {'speed': 1.0, 'names': ['b'], 'boards': 4}
    graph.until(lambda: graph.last(topics.CONFIG_UPDATED))
    event = graph.last(topics.CONFIG_UPDATED)
    assert (event.version, event.updated_by, event.status) == ('1.0.1', 'alice', 'applied')
    assert {change.name: change.description for change in event.changes} == {
        'speed': '0.5 -> 1.0',
        'names': 'added b; removed a',
        'boards': '3 -> 4',
    }


@given(*ITEMS)
def test_the_configuration_carries_the_types_of_the_parameters(graph):
    response = graph.call(GetConfig, 'get_config', GetConfig.Request())
    assert {parameter.name: parameter.value.type for parameter in response.config} == {
        'speed': ParameterType.PARAMETER_DOUBLE,
        'names': ParameterType.PARAMETER_STRING_ARRAY,
        'boards': ParameterType.PARAMETER_INTEGER,
    }


@given(*ITEMS)
@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (to_parameters({'speed': 2.5}), 'speed 2.5: must be within -inf and 2 m/s'),
        (to_parameters({'speed': 'fast'}), 'speed: must be double'),
        (to_parameters({'boards': 1.5}), 'boards: must be integer'),
        (to_parameters({'boards': 2**70}), 'boards: must be integer'),
        (to_parameters({'names': [1, 'a']}), 'names: must be an array of string'),
        ([Parameter(name='speed', value=ParameterValue())], 'speed: must be double'),
        (to_parameters({'warp': 9}), 'warp: cannot be configured'),
        (2 * to_parameters({'speed': 1.0}), 'speed: occurs twice'),
    ],
)
def test_a_change_that_is_not_valid_is_refused(graph, changes, message):
    response = graph.call(UpdateConfig, 'update_config', UpdateConfig.Request(changes=changes))
    assert (response.accepted, response.version) == (False, '1.0.0')
    assert response.message.startswith(message)
    assert graph.probe.get_parameter('speed').value == 0.5


@given(*ITEMS)
def test_a_change_whose_deadline_passes_meanwhile_is_reverted(graph):
    request = UpdateConfig.Request(changes=to_parameters({'boards': 8}), source='alice')
    request.deadline = deadline_in(0.2)
    response = graph.call(UpdateConfig, 'update_config', request)
    assert (response.accepted, response.version) == (False, '1.0.0')
    assert 'not carried out: it came' in response.message
    graph.until(lambda: graph.probe.get_parameter('boards').value == 3)
    request.deadline = deadline_in(20.0)
    assert graph.call(UpdateConfig, 'update_config', request).accepted


@given(*ITEMS)
def test_a_change_that_a_node_refuses_is_reverted(graph):
    response = update(graph, speed=1.0, boards=7)
    assert (response.accepted, response.version) == (False, '1.0.0')
    assert 'probe refused: boards: 7 is not allowed' in response.message
    graph.until(lambda: graph.last(topics.CONFIG_ROLLBACK))
    assert graph.last(topics.CONFIG_UPDATED).status == 'failed'
    rollback = graph.last(topics.CONFIG_ROLLBACK)
    assert (rollback.from_version, rollback.to_version) == ('1.0.1', '1.0.0')
    assert graph.probe.get_parameter('speed').value == 0.5
    assert config(graph)['speed'] == 0.5


@given(*ITEMS)
def test_a_rollback_restores_an_earlier_version(graph):
    assert update(graph, speed=1.0).version == '1.0.1'
    assert update(graph, speed=1.5).version == '1.0.2'
    request = RollbackConfig.Request(
        to_version='1.0.1', reason='performance_issue', source='alice'
    )
    response = graph.call(RollbackConfig, 'rollback_config', request)
    assert (response.accepted, response.version) == (True, '1.0.3')
    assert graph.probe.get_parameter('speed').value == 1.0
    graph.until(lambda: graph.last(topics.CONFIG_ROLLBACK))
    assert graph.last(topics.CONFIG_ROLLBACK).status == 'completed'


@given(*ITEMS)
@pytest.mark.parametrize('version', ['9.9.9', '1.0', 'latest'])
def test_a_rollback_to_what_was_never_in_force_is_refused(graph, version):
    request = RollbackConfig.Request(to_version=version, reason='safety_concern', source='alice')
    response = graph.call(RollbackConfig, 'rollback_config', request)
    assert (response.accepted, response.version) == (False, '1.0.0')
    assert version in response.message


@given(*ITEMS)
def test_the_same_values_again_are_no_change(graph):
    assert update(graph, speed=1.0).version == '1.0.1'
    response = update(graph, speed=1.0)
    assert (response.accepted, response.version) == (True, '1.0.1')
    assert 'in force already' in response.message


@given("items:=['jwt_secret']", 'item.jwt_secret.node:=probe')
def test_a_secret_cannot_be_an_item(ros):
    with pytest.raises(StartError, match='config_node: jwt_secret'):
        ros.graph(ConfigNode)


@given(*ITEMS, 'item.speed.minimum:=0.0')
@pytest.mark.parametrize('configured', [False, True])
def test_a_parameter_that_something_else_sets_is_put_back_and_reported(graph, configured):
    graph.record(topics.SYSTEM_ERROR)
    if configured:
        assert update(graph, speed=0.7).accepted
    wanted = 0.7 if configured else 0.5
    for value in (1.9, 1.8):
        graph.received[topics.SYSTEM_ERROR.name].clear()
        graph.probe.set_parameters([NodeParameter('speed', value=value)])
        graph.until(lambda: graph.probe.get_parameter('speed').value == wanted)
        graph.until(lambda: graph.last(topics.SYSTEM_ERROR))
        error = graph.last(topics.SYSTEM_ERROR)
        assert (error.error_code, error.affected_services) == ('APP-001', ['probe'])
        assert f'speed {wanted} -> {value} was not set by update_config' in error.description
        graph.spin(0.3)
        assert len(graph.received[topics.SYSTEM_ERROR.name]) == 1
    assert config(graph)['speed'] == wanted


@given(*ITEMS, 'item.speed.kept:=false')
def test_a_parameter_that_is_not_kept_may_be_set_by_others(graph):
    graph.probe.set_parameters([NodeParameter('speed', value=1.9)])
    graph.until(lambda: config(graph)['speed'] == 1.9)
    graph.spin(0.5)
    assert graph.probe.get_parameter('speed').value == 1.9


@given(*ITEMS)
def test_what_something_else_set_is_not_what_a_rollback_restores(graph):
    graph.node._check = lambda: None
    graph.probe.set_parameters([NodeParameter('speed', value=1.9)])
    graph.node._remotes['probe'].values['speed'] = 1.9
    assert update(graph, speed=0.7).accepted
    assert graph.node._store.in_force.before == {'speed': 0.5}


@given(*ITEMS)
@pytest.mark.parametrize('changes', [{'boards': 4}, {'boards': 7}, {'speed': 1.0}])
def test_a_node_that_just_started_again_gets_all_that_is_configured(graph, changes):
    assert update(graph, speed=1.0, names=['b']).accepted
    graph.node._remotes['probe'].read = lambda: None  # it is not asked before the change comes
    graph.probe.set_parameters(
        [
            NodeParameter('speed', value=0.5),
            NodeParameter('names', value=['a']),
            NodeParameter(CONFIG_VERSION, value=''),
        ]
    )
    update(graph, **changes)
    graph.until(lambda: graph.probe.get_parameter(CONFIG_VERSION).value)
    assert graph.probe.get_parameter('speed').value == 1.0
    assert list(graph.probe.get_parameter('names').value) == ['b']

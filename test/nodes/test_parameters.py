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
"""Parameters declared from settings dataclasses, on a node of this process."""

from dataclasses import dataclass

import pytest
import rclpy
from rclpy.parameter import Parameter

from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import StartError
from oht50_bridge.settings import setting


@dataclass(frozen=True)
class Settings:
    """Settings of this test."""

    speed: float = setting(0.5, 'Speed', unit='m/s', minimum=0.0, maximum=2.0)
    boards: int = setting(3, 'Boards', minimum=1, maximum=9)
    names: tuple[str, ...] = setting(('a',), 'Names', read_only=False)

    def __post_init__(self) -> None:
        if self.speed > 1.0 and self.boards < 3:
            raise ValueError('speed: above 1.0 only with 3 boards')


@pytest.fixture
def node(ros):
    node = rclpy.create_node('some_node')
    yield node
    node.destroy_node()


def given(*values):
    """Give values on the command line."""
    arguments = [text for value in values for text in ('-p', value)]
    return pytest.mark.parametrize('ros', [arguments], indirect=True)


def test_without_values_the_defaults_apply(node):
    assert declare_settings(NodeDeclarer(node), Settings) == Settings()


@given('dock.speed:=1.5', "dock.names:=['b', 'c']")
def test_given_values_apply_and_arrays_are_tuples(node):
    settings = declare_settings(NodeDeclarer(node), Settings, 'dock.')
    assert settings == Settings(speed=1.5, names=('b', 'c'))


def test_a_default_can_be_replaced(node):
    assert declare_settings(NodeDeclarer(node), Settings, boards=5).boards == 5


def test_a_descriptor_holds_unit_range_and_whether_it_is_read_only(node):
    declare_settings(NodeDeclarer(node), Settings)
    speed = node.describe_parameter('speed')
    assert (speed.description, speed.read_only) == ('Speed, m/s', True)
    (limits,) = speed.floating_point_range
    assert (limits.from_value, limits.to_value) == (0.0, 2.0)
    (limits,) = node.describe_parameter('boards').integer_range
    assert (limits.from_value, limits.to_value, limits.step) == (1, 9, 1)
    assert node.describe_parameter('names').read_only is False


@given('speed:=1.5', 'boards:=1')
def test_values_that_contradict_one_another_prevent_the_start(node):
    with pytest.raises(StartError, match=r'some_node: speed: above 1\.0'):
        declare_settings(NodeDeclarer(node), Settings)


@given('speed:=2.5')
def test_a_value_out_of_range_prevents_the_start(node):
    with pytest.raises(StartError, match=r'some_node: parameter speed: .*2\.5'):
        declare_settings(NodeDeclarer(node), Settings)


@given('speed:=fast')
def test_a_value_of_another_type_prevents_the_start(node):
    with pytest.raises(StartError, match=r'some_node: parameter speed: .*fast'):
        declare_settings(NodeDeclarer(node), Settings)


@given('speed:=1', 'gains:=[1, 2]')
def test_an_integer_is_a_double(node):
    assert declare(node, 'speed', 0.5, 'Speed', minimum=0.0, maximum=2.0) == 1.0
    assert list(declare(node, 'gains', [0.5], 'Gains')) == [1.0, 2.0]
    assert node.get_parameter('speed').type_ is Parameter.Type.DOUBLE


@given('speed:=3', 'gains:=[true]', 'name:=1')
def test_an_integer_is_no_more_than_a_double(node):
    for name, default in (('speed', 0.5), ('gains', [0.5]), ('name', 'a')):
        with pytest.raises(StartError, match=f'some_node: parameter {name}: ') as error:
            declare(node, name, default, 'Some', minimum=0.0, maximum=2.0)
        assert '\n' not in str(error.value)


def test_a_configurable_parameter_is_set_with_all_others_or_not_at_all(node):
    declare(node, 'rate', 1.0, 'Rate, Hz', read_only=False)
    taken = []

    def take(values):
        if values.get('rate') == 7.0:
            raise ValueError('rate: 7 is not allowed')
        taken.append(values)

    configurable(node, take)
    version = Parameter(CONFIG_VERSION, value='1.0.1')
    assert node.set_parameters_atomically([Parameter('rate', value=2.0), version]).successful
    assert taken == [{'rate': 2.0}]
    result = node.set_parameters_atomically(
        [Parameter('rate', value=7.0), Parameter(CONFIG_VERSION, value='1.0.2')]
    )
    assert (result.successful, result.reason) == (False, 'rate: 7 is not allowed')
    assert node.get_parameter('rate').value == 2.0
    assert node.get_parameter(CONFIG_VERSION).value == '1.0.1'


def test_the_state_directory_is_the_given_one(node, tmp_path):
    assert state_directory(node) == tmp_path


@given('state_dir:=/dev/null/state')
def test_a_state_directory_that_cannot_be_created_prevents_the_start(node):
    with pytest.raises(StartError, match='state_dir /dev/null/state: Not a directory'):
        state_directory(node)

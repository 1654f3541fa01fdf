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

"""Parameters: declaration, command line, files, ranges, callbacks, services."""

from __future__ import annotations

import pytest
import rclpy
from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import DescribeParameters
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import GetParameterTypes
from rcl_interfaces.srv import ListParameters
from rcl_interfaces.srv import SetParameters
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.exceptions import InvalidParameterValueException
from rclpy.exceptions import ParameterAlreadyDeclaredException
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.exceptions import ParameterUninitializedException
from rclpy.parameter import Parameter

SPEED = ParameterDescriptor(
    description='greatest speed',
    floating_point_range=[FloatingPointRange(from_value=0.0, to_value=2.0, step=0.5)],
)


def speed_range():
    return ParameterDescriptor(
        floating_point_range=[FloatingPointRange(from_value=0.0, to_value=2.0, step=0.0)]
    )


def test_declare_and_get(spinner):
    node = spinner.node()
    for name, value in (
        ('b', True),
        ('i', 3),
        ('d', 1.5),
        ('s', 'text'),
        ('ia', [1, 2]),
        ('sa', ['a']),
        ('da', [0.5]),
    ):
        assert node.declare_parameter(name, value).value == value
        assert node.get_parameter(name).value == value
    assert node.get_parameter('i').type_ is Parameter.Type.INTEGER
    assert node.has_parameter('i') and not node.has_parameter('no')
    assert node.get_parameter_or('no', Parameter('no', value=7)).value == 7
    node.declare_parameter('once', 1)
    node.undeclare_parameter('once')
    assert not node.has_parameter('once')
    with pytest.raises(ParameterNotDeclaredException):
        node.undeclare_parameter('once')
    with pytest.raises(ParameterNotDeclaredException):
        node.get_parameter('no')
    with pytest.raises(ParameterAlreadyDeclaredException):
        node.declare_parameter('i', 4)


def test_types_are_static(spinner):
    node = spinner.node()
    node.declare_parameter('d', 1.5)
    (result,) = node.set_parameters([Parameter('d', value=2)])
    assert not result.successful and 'Wrong parameter type' in result.reason
    assert node.get_parameter('d').value == 1.5
    with pytest.raises(ParameterNotDeclaredException):
        node.set_parameters([Parameter('undeclared', value=2)])
    with pytest.raises(ValueError, match='NOT_SET'):
        node.declare_parameter('nothing', None, ParameterDescriptor())
    node.declare_parameter('typed', Parameter.Type.STRING)
    with pytest.raises(ParameterUninitializedException):
        node.get_parameter('typed')
    node.declare_parameter('any', None, ParameterDescriptor(dynamic_typing=True))
    assert node.set_parameters([Parameter('any', value='x')])[0].successful
    assert node.set_parameters([Parameter('any', value=1)])[0].successful


def test_ranges(spinner):
    node = spinner.node()
    node.declare_parameter('speed', 1.0, SPEED)
    node.declare_parameter(
        'count',
        4,
        ParameterDescriptor(integer_range=[IntegerRange(from_value=0, to_value=10, step=2)]),
    )

    def accepted(name, value):
        return node.set_parameters([Parameter(name, value=value)])[0].successful

    assert accepted('speed', 1.5) and accepted('speed', 2.0) and accepted('count', 6)
    assert not accepted('speed', 2.1)
    assert not accepted('speed', 1.3)
    assert not accepted('count', 7)
    assert not accepted('count', 12)
    (result,) = node.set_parameters([Parameter('speed', value=9.0)])
    assert 'speed out of range' in result.reason
    assert node.get_parameter('speed').value == 2.0
    with pytest.raises(InvalidParameterValueException, match='fast'):
        node.declare_parameter('fast', 5.0, speed_range())


def test_read_only(spinner):
    node = spinner.node()
    node.declare_parameter('fixed', 1, ParameterDescriptor(read_only=True))
    (result,) = node.set_parameters([Parameter('fixed', value=2)])
    assert not result.successful and 'read-only' in result.reason
    assert node.get_parameter('fixed').value == 1


def test_set_callback_refuses(spinner):
    node = spinner.node()
    node.declare_parameter('a', 1)
    node.declare_parameter('b', 1)
    seen = []

    def check(parameters):
        seen.append([p.name for p in parameters])
        odd = [p.name for p in parameters if p.value % 2]
        return SetParametersResult(successful=not odd, reason=f'odd: {odd}' if odd else '')

    node.add_on_set_parameters_callback(check)
    assert node.set_parameters_atomically(
        [Parameter('a', value=2), Parameter('b', value=4)]
    ).successful
    result = node.set_parameters_atomically([Parameter('a', value=6), Parameter('b', value=5)])
    assert not result.successful and result.reason == "odd: ['b']"
    assert node.get_parameter('a').value == 2
    assert seen == [['a', 'b'], ['a', 'b']]


@pytest.mark.parametrize(
    'ros',
    [
        [
            '--ros-args',
            '-p',
            'i:=7',
            '-p',
            'd:=1.0',
            '-p',
            's:=text',
            '-p',
            'b:=true',
            '-p',
            'quoted:="12"',
            '-p',
            'l:=[1, 2]',
            '-p',
            'e:=1e3',
            '-p',
            'other:x:=5',
            '-p',
            'node:y:=6',
        ]
    ],
    indirect=True,
)
def test_values_of_the_command_line_are_typed_by_yaml(spinner):
    node = spinner.node()
    for name, default, expected in (
        ('i', 0, 7),
        ('d', 0.0, 1.0),
        ('s', '', 'text'),
        ('b', False, True),
        ('quoted', '', '12'),
        ('l', [0], [1, 2]),
        ('e', 0.0, 1000.0),
        ('y', 0, 6),
        ('x', 0, 0),
    ):
        value = node.declare_parameter(name, default).value
        assert (list(value) if isinstance(expected, list) else value) == expected, name
    assert node.declare_parameter('ignored', 1, ignore_override=True).value == 1


@pytest.mark.parametrize('ros', [['--ros-args', '-p', 'd:=1', '-p', 'fast:=9.0']], indirect=True)
def test_overrides_are_checked_as_well(spinner):
    node = spinner.node()
    with pytest.raises(InvalidParameterTypeException):
        node.declare_parameter('d', 0.0)
    with pytest.raises(InvalidParameterValueException):
        node.declare_parameter('fast', 1.0, speed_range())


FILE = """
/**:
  ros__parameters:
    everywhere: 1
    motor: {speed: 0.5, name: m}
/ns/node:
  ros__parameters: {exact: 2, everywhere: 10}
/ns/*:
  ros__parameters: {one_level: 3}
/*:
  ros__parameters: {other_level: 4}
node:
  ros__parameters: {without_namespace: 5}
/ns:
  node:
    ros__parameters: {nested: 6}
"""


def test_parameter_file_with_wildcards(tmp_path):
    path = tmp_path / 'parameters.yaml'
    path.write_text(FILE)
    rclpy.init(args=['test', '--ros-args', '--params-file', str(path), '-p', 'motor.name:=x'])
    try:
        node = rclpy.create_node('node', namespace='/ns')
        got = {
            name: node.declare_parameter(name, default).value
            for name, default in (
                ('everywhere', 0),
                ('exact', 0),
                ('one_level', 0),
                ('other_level', 0),
                ('without_namespace', 0),
                ('nested', 0),
                ('motor.speed', 0.0),
                ('motor.name', ''),
            )
        }
        assert got == {
            'everywhere': 10,
            'exact': 2,
            'one_level': 3,
            'other_level': 0,
            'without_namespace': 0,
            'nested': 6,
            'motor.speed': 0.5,
            'motor.name': 'x',
        }
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


@pytest.mark.parametrize('section', ['/(', '/***', '/ns**', '/ns/nod*', '/ns/node[', '/ns.node'])
def test_a_section_that_is_no_pattern_is_for_no_node(tmp_path, section):
    pytest.importorskip('rclpy._arguments', reason='about rosless')
    path = tmp_path / 'parameters.yaml'
    path.write_text(f'"{section}": {{ros__parameters: {{a: 1}}}}')
    rclpy.init(args=['test', '--ros-args', '--params-file', str(path)])
    try:
        node = rclpy.create_node('node', namespace='/ns')
        assert node.declare_parameter('a', 0).value == 0
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


WEAK = '/**: {ros__parameters: {a: 1, b: 1, c: 1, d: 1}}'
STRONG = """
node: {ros__parameters: {a: 2, b: 2, c: 2}}
/*: {ros__parameters: {a: 3, b: 3}}
"""
LATE = """
/**: {ros__parameters: {a: 4, d: 4}}
node: {ros__parameters: {c: 4}}
"""


def test_the_section_first_seen_is_the_weakest(tmp_path):
    """Single parameters join /**, over which a file's section for one node wins, as in rcl."""
    files = {}
    for name, content in (('weak', WEAK), ('strong', STRONG), ('late', LATE)):
        files[name] = str(tmp_path / name)
        (tmp_path / name).write_text(content)

    def values(*arguments):
        rclpy.init(args=['test', '--ros-args', *arguments])
        try:
            node = rclpy.create_node('node')
            found = {name: node.declare_parameter(name, 0).value for name in 'abcd'}
            node.destroy_node()
            return found
        finally:
            rclpy.try_shutdown()

    def file(name):
        return ['--params-file', files[name]]

    single = ['-p', 'a:=9', '-p', 'd:=9']
    assert values(*file('weak'), *file('strong')) == {'a': 3, 'b': 3, 'c': 2, 'd': 1}
    assert values(*file('weak'), *file('strong'), *file('late')) == {
        'a': 3,
        'b': 3,
        'c': 4,
        'd': 4,
    }
    assert values(*file('weak'), *file('strong'), *single) == {'a': 3, 'b': 3, 'c': 2, 'd': 9}
    assert values(*file('strong'), *single) == {'a': 9, 'b': 3, 'c': 2, 'd': 9}
    assert values(*single, *file('strong')) == {'a': 3, 'b': 3, 'c': 2, 'd': 9}
    assert values(*file('weak'), *file('strong'), '-p', 'node:c:=8') == {
        'a': 3,
        'b': 3,
        'c': 8,
        'd': 1,
    }


@pytest.mark.parametrize(
    'arguments',
    [
        ['--ros-args', '-p', 'broken'],
        ['--ros-args', '--params-file', '/no/such/file'],
        ['--ros-args', '--no-such-option'],
        ['--ros-args', '-r', 'broken'],
        ['--ros-args', '-r'],
        ['--ros-args', '--log-level', 'nonsense'],
    ],
)
def test_malformed_arguments_are_refused(arguments):
    # rclpy has an exception of its own for unknown arguments; both are Exceptions.
    with pytest.raises(Exception):  # noqa: B017
        try:
            rclpy.init(args=['test', *arguments])
        finally:
            rclpy.try_shutdown()


def call(spinner, node, srv_type, name, **request):
    client = node.create_client(srv_type, name)
    assert client.wait_for_service(timeout_sec=10)
    return spinner.result(client.call_async(srv_type.Request(**request)))


def test_parameter_services(spinner):
    node = spinner.node('target')
    node.declare_parameter('speed', 1.0, speed_range())
    node.declare_parameter('motor.name', 'm')
    caller = spinner.node('caller')

    def ask(srv_type, name, **request):
        return call(spinner, caller, srv_type, f'/target/{name}', **request)

    values = ask(GetParameters, 'get_parameters', names=['speed', 'motor.name']).values
    assert (values[0].double_value, values[1].string_value) == (1.0, 'm')
    assert ask(GetParameters, 'get_parameters', names=['speed', 'no']).values == []
    assert list(ask(GetParameterTypes, 'get_parameter_types', names=['speed']).types) == [3]
    descriptors = ask(DescribeParameters, 'describe_parameters', names=['speed']).descriptors
    assert descriptors[0].floating_point_range[0].to_value == 2.0
    listed = ask(ListParameters, 'list_parameters').result
    assert {'speed', 'motor.name', 'use_sim_time'} <= set(listed.names)
    assert 'motor' in listed.prefixes
    below = ask(ListParameters, 'list_parameters', prefixes=['motor'], depth=1).result
    assert below.names == ['motor.name']

    def wanted(value):
        return [Parameter('speed', value=value).to_parameter_msg()]

    good = ask(SetParameters, 'set_parameters', parameters=wanted(1.5)).results
    bad = ask(SetParameters, 'set_parameters', parameters=wanted(5.0)).results
    assert (good[0].successful, bad[0].successful) == (True, False)
    assert 'out of range' in bad[0].reason
    unknown = [Parameter('no', value=1).to_parameter_msg()]
    assert not ask(
        SetParametersAtomically, 'set_parameters_atomically', parameters=wanted(0.5) + unknown
    ).result.successful
    assert node.get_parameter('speed').value == 1.5


def test_changes_are_published(spinner):
    node = spinner.node()
    node.declare_parameter('a', 1)
    events = []
    spinner.node('observer').create_subscription(
        ParameterEvent, '/parameter_events', events.append, 100
    )
    node.set_parameters([Parameter('a', value=2)])
    spinner.until(lambda: any(e.changed_parameters for e in events))
    (event,) = [e for e in events if e.changed_parameters]
    assert event.node == '/node'
    assert event.changed_parameters[0].value.integer_value == 2


def test_parameter_objects():
    assert Parameter('a', value=[True]).type_ is Parameter.Type.BOOL_ARRAY
    with pytest.raises(ValueError, match='do not agree'):
        Parameter('a', Parameter.Type.INTEGER, 'text')
    with pytest.raises(TypeError):
        Parameter('a', value=[1, 'x'])
    message = Parameter('a', value=['x', 'y']).to_parameter_msg()
    assert Parameter.from_parameter_msg(message).value == ['x', 'y']

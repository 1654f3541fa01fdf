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

"""Names, namespaces, remapping."""

from __future__ import annotations

import pytest
import rclpy
from rclpy.exceptions import InvalidNamespaceException
from rclpy.exceptions import InvalidNodeNameException
from rclpy.exceptions import InvalidServiceNameException
from rclpy.exceptions import InvalidTopicNameException
from std_msgs.msg import String
from std_srvs.srv import Trigger


def test_names_of_a_node(spinner):
    node = spinner.node('name', namespace='/a/b')
    assert node.get_name() == 'name'
    assert node.get_namespace() == '/a/b'
    assert node.get_fully_qualified_name() == '/a/b/name'
    assert node.get_logger().name == 'a.b.name'
    assert spinner.node('root').get_fully_qualified_name() == '/root'
    assert spinner.node('relative', namespace='x').get_namespace() == '/x'


def test_expansion(spinner):
    node = spinner.node('name', namespace='/ns')
    for given, expected in (
        ('a', '/ns/a'),
        ('a/b', '/ns/a/b'),
        ('/a', '/a'),
        ('~/a', '/ns/name/a'),
        ('~', '/ns/name'),
        ('{node}/a', '/ns/name/a'),
    ):
        assert node.resolve_topic_name(given) == expected
        assert node.resolve_service_name(given) == expected
    publisher = node.create_publisher(String, '~/a', 10)
    assert publisher.topic_name == '/ns/name/a'


@pytest.mark.parametrize(
    'ros',
    [
        [
            '--ros-args',
            '-r',
            '__node:=new',
            '-r',
            '__ns:=/space',
            '-r',
            'a:=b',
            '-r',
            '/x:=/y',
            '-r',
            '~/p:=q',
            '-r',
            'rosservice://only:=service',
            '-r',
            'other:c:=d',
        ]
    ],
    indirect=True,
)
def test_remapping(spinner):
    node = spinner.node('old')
    assert node.get_fully_qualified_name() == '/space/new'
    assert node.resolve_topic_name('a') == '/space/b'
    assert node.resolve_topic_name('a', only_expand=True) == '/space/a'
    assert node.resolve_topic_name('/x') == '/y'
    assert node.resolve_topic_name('~/p') == '/space/q'
    assert node.resolve_topic_name('only') == '/space/only'
    assert node.resolve_service_name('only') == '/space/service'
    assert node.resolve_topic_name('c') == '/space/c'
    assert node.create_publisher(String, 'a', 10).topic_name == '/space/b'


def test_arguments_of_one_node(ros):
    node = rclpy.create_node('old', cli_args=['--ros-args', '-r', '__node:=mine', '-p', 'a:=2'])
    assert node.get_name() == 'mine'
    assert node.declare_parameter('a', 1).value == 2
    node.destroy_node()


@pytest.mark.parametrize('ros', [['--ros-args', '-r', '__node:=global']], indirect=True)
def test_global_arguments_can_be_left_out(ros):
    node = rclpy.create_node('own', use_global_arguments=False)
    assert node.get_name() == 'own'
    node.destroy_node()


@pytest.mark.parametrize('name', ['', '1a', 'a-b', 'a/b', 'a b'])
def test_invalid_node_names(ros, name):
    with pytest.raises(InvalidNodeNameException):
        rclpy.create_node(name)


@pytest.mark.parametrize('namespace', ['/a//b', '/1a', '/a-b', '/a/'])
def test_invalid_namespaces(ros, namespace):
    with pytest.raises(InvalidNamespaceException):
        rclpy.create_node('node', namespace=namespace)


@pytest.mark.parametrize('name', ['', '1a', 'a-b', 'a//b', 'a/', 'a~', 'a b', '{a'])
def test_invalid_topic_and_service_names(spinner, name):
    node = spinner.node()
    with pytest.raises(InvalidTopicNameException):
        node.create_publisher(String, name, 10)
    with pytest.raises(InvalidServiceNameException):
        node.create_client(Trigger, name)


def test_remove_ros_args():
    from rclpy.utilities import remove_ros_args

    assert remove_ros_args(['p', 'a', '--ros-args', '-r', 'x:=y', '--', 'b']) == ['p', 'a', 'b']

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

"""The graph, seen from inside and from another process."""

from __future__ import annotations

from contract import rosless_only
from std_msgs.msg import Int32
from std_msgs.msg import String
from std_srvs.srv import Trigger


def nothing(*args):
    return args[-1]


def populated(spinner):
    node = spinner.node('seen', namespace='/ns')
    node.create_publisher(String, 'out', 10)
    node.create_subscription(Int32, 'in', nothing, 10)
    node.create_service(Trigger, 'serve', nothing)
    node.create_client(Trigger, 'call')
    return node


def has_node(observer, name):
    return name in [found for found, _ in observer.get_node_names_and_namespaces()]


def test_graph_of_one_process(spinner):
    populated(spinner)
    node = spinner.node('observer')
    spinner.until(lambda: ('seen', '/ns') in node.get_node_names_and_namespaces())
    spinner.until(lambda: node.count_publishers('/ns/out') and node.count_subscribers('/ns/in'))
    topics = dict(node.get_topic_names_and_types())
    assert topics['/ns/out'] == ['std_msgs/msg/String']
    assert topics['/ns/in'] == ['std_msgs/msg/Int32']
    assert (node.count_publishers('/ns/out'), node.count_subscribers('/ns/out')) == (1, 0)
    assert node.count_publishers('/none') == 0


@rosless_only
def test_a_node_publishes_its_endpoints(spinner):
    """By these gids others know whose an endpoint is; `ros2 node info` shows it."""
    from rclpy import _dds

    seen = populated(spinner)
    observer = spinner.node('observer')

    def announced():
        nodes = observer.context._graph.nodes()
        return next((n for n in nodes if n.node_name == 'seen'), None)

    info = spinner.until(announced)
    assert info.node_namespace == '/ns'
    writers = {bytes(gid.data) for gid in info.writer_gid_seq}
    readers = {bytes(gid.data) for gid in info.reader_gid_seq}
    (client,) = seen.clients
    assert {_dds.guid(p._writer) for p in seen.publishers} | {_dds.guid(client._writer)} < writers
    assert {_dds.guid(s._reader) for s in (*seen.subscriptions, *seen.services)} < readers
    assert _dds.guid(client._reader) in readers


@rosless_only
def test_endpoints_carry_the_type_hash(spinner):
    from rclpy import _dds

    node = spinner.node()
    subscription = node.create_subscription(String, 'a', nothing, 10)
    publisher = node.create_publisher(String, 'a', 10)
    expected = f'typehash={String._type_hash};'.encode()
    for entity, writer in ((publisher._writer, True), (subscription._reader, False)):
        (handle,) = _dds.matched(entity, writer=writer)
        assert _dds.matched_user_data(entity, handle, writer=writer) == expected


def test_nodes_of_killed_processes_leave(spinner, process):
    child = process("""
rclpy.init()
rclpy.spin(rclpy.create_node('victim'))
""")
    observer = spinner.node('observer')
    spinner.until(lambda: has_node(observer, 'victim'))
    child.process.kill()
    # A lease of 10 s has to run out.
    spinner.until(lambda: not has_node(observer, 'victim'), 40)


def test_destroyed_nodes_and_endpoints_leave(spinner):
    node = populated(spinner)
    observer = spinner.node('observer')
    spinner.until(lambda: has_node(observer, 'seen'))
    node.destroy_publisher(next(p for p in node.publishers if p.topic_name == '/ns/out'))
    spinner.until(lambda: observer.count_publishers('/ns/out') == 0)
    node.destroy_node()
    spinner.nodes.remove(node)
    spinner.until(lambda: not has_node(observer, 'seen'))
    spinner.until(lambda: '/ns/in' not in dict(observer.get_topic_names_and_types()))


def test_nodes_of_other_processes_come_and_go(spinner, process):
    child = process("""
rclpy.init()
node = rclpy.create_node('visitor', namespace='/far')
print('ready')
from std_msgs.msg import String
def begin():
    if not made:
        made.append(node.create_publisher(String, 'news', 10))
made = []
node.create_timer(0.05, begin)
try:
    rclpy.spin(node)
except Exception:
    if rclpy.ok():
        raise
node.destroy_node()
rclpy.try_shutdown()
""")
    observer = spinner.node('observer')
    spinner.until(lambda: ('visitor', '/far') in observer.get_node_names_and_namespaces())
    spinner.until(lambda: observer.count_publishers('/far/news') == 1)
    child.process.terminate()
    assert child.wait()[0] == 0
    spinner.until(lambda: not has_node(observer, 'visitor'))


def test_a_large_graph_is_seen_whole(spinner):
    node = spinner.node()
    names = {f'/large/topic_{number}' for number in range(200)}
    for name in names:
        node.create_publisher(String, name, 1)
    other = spinner.node('other')
    spinner.until(lambda: names <= {name for name, _ in other.get_topic_names_and_types()})

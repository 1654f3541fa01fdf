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
"""Nodes under test and a probe in one process: real messages, no whole vehicle."""

import time
from collections import defaultdict

import rclpy
from rclpy.executors import SingleThreadedExecutor
from support import own_domain

from oht50_bridge.nodes.recorder import subscription_qos


class Graph:
    """A node under test, and a probe that publishes, records and calls.

    Args:
        make_node: makes the node under test.

    """

    def __init__(self, make_node):
        self.node = make_node()
        self.probe = rclpy.create_node('probe')
        self.received = defaultdict(list)
        self._publishers = {}
        self._clients = {}
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._executor.add_node(self.probe)

    def record(self, *topics):
        """Keep what is published on topics, in `received` by topic name."""
        for topic in topics:
            self.probe.create_subscription(
                topic.type,
                topic.name,
                self.received[topic.name].append,
                subscription_qos(topic.qos),
            )
            self.until(lambda topic=topic: self.node.count_subscribers(topic.name) > 0)

    def publish(self, topic, message):
        """Publish a message, once the node under test is there to receive it."""
        if topic.name not in self._publishers:
            publisher = self._publishers[topic.name] = topic.publisher(self.probe)
            self.until(lambda: publisher.get_subscription_count() > 0)
        self._publishers[topic.name].publish(message)

    def call(self, service, name, request):
        """Call a service of the node under test; return its response."""
        if name not in self._clients:
            client = self._clients[name] = self.probe.create_client(service, name)
            self.until(client.service_is_ready)
        future = self._clients[name].call_async(request)
        self.until(future.done)
        return future.result()

    def last(self, topic):
        """Return the newest message of a recorded topic, None without one."""
        return self.received[topic.name][-1] if self.received[topic.name] else None

    def until(self, condition, timeout=20.0):
        """Spin until a condition holds.

        Many publish something in it, which the node receives; at most 100 times a second.
        """
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f'not within {timeout} s'
            self.spin(0.01)

    def spin(self, seconds):
        """Spin for a time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.01)

    def close(self):
        """Destroy the nodes."""
        self._executor.shutdown()
        self.node.destroy_node()
        self.probe.destroy_node()


class Ros:
    """rclpy on a DDS domain of its own, with its state in a directory of the test."""

    def __init__(self, directory, monkeypatch, arguments=()):
        self._domain = own_domain()
        monkeypatch.setenv('ROS_DOMAIN_ID', str(self._domain.__enter__()))
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        rclpy.init(args=['test', '--ros-args', '-p', f'state_dir:={directory}', *arguments])
        self._graphs = []

    def graph(self, make_node):
        """Return a graph, closed at the end of the test."""
        graph = Graph(make_node)
        self._graphs.append(graph)
        return graph

    def close(self):
        """Close what was made."""
        for graph in self._graphs:
            graph.close()
        rclpy.try_shutdown()
        self._domain.__exit__(None, None, None)

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

"""Publishers and subscriptions."""

from __future__ import annotations

import threading

import pytest
import rclpy
from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import InvalidQoSProfileException
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.qos import qos_profile_sensor_data
from std_msgs.msg import Int32
from std_msgs.msg import String

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def test_every_message_arrives_in_order(spinner):
    node = spinner.node()
    received = []
    node.create_subscription(Int32, 'numbers', lambda m: received.append(m.data), 100)
    publisher = node.create_publisher(Int32, 'numbers', 100)
    for number in range(50):
        publisher.publish(Int32(data=number))
    spinner.until(lambda: len(received) == 50)
    assert received == list(range(50))


def test_latched_topic_gives_a_late_subscriber_the_last_value(spinner):
    publisher = spinner.node('early').create_publisher(String, 'state', LATCHED)
    publisher.publish(String(data='old'))
    publisher.publish(String(data='new'))
    received = []
    spinner.node('late').create_subscription(
        String, 'state', lambda m: received.append(m.data), LATCHED
    )
    spinner.until(lambda: received)
    assert received == ['new']


def test_latched_topic_keeps_as_many_values_as_its_depth(spinner):
    three = QoSProfile(depth=3, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = spinner.node('early').create_publisher(Int32, 'state', three)
    for number in range(5):
        publisher.publish(Int32(data=number))
    received = []
    spinner.node('late').create_subscription(
        Int32, 'state', lambda m: received.append(m.data), three
    )
    spinner.until(lambda: len(received) == 3)
    assert received == [2, 3, 4]


def test_volatile_topic_gives_a_late_subscriber_nothing(spinner):
    publisher = spinner.node('early').create_publisher(String, 'state', 10)
    publisher.publish(String(data='missed'))
    received = []
    spinner.node('late').create_subscription(
        String, 'state', lambda m: received.append(m.data), 10
    )
    publisher.publish(String(data='seen'))
    spinner.until(lambda: received)
    assert received == ['seen']


def test_incompatible_qos_does_not_match(spinner):
    node = spinner.node()
    received = []
    node.create_subscription(String, 'a', received.append, 10)
    best_effort = node.create_publisher(String, 'a', qos_profile_sensor_data)
    reliable = node.create_publisher(String, 'a', 10)
    best_effort.publish(String(data='no'))
    reliable.publish(String(data='yes'))
    spinner.until(lambda: received)
    assert received == [String(data='yes')]
    assert best_effort.get_subscription_count() == 0
    assert reliable.get_subscription_count() == 1


def test_publishing_the_wrong_type_is_refused(spinner):
    publisher = spinner.node().create_publisher(String, 'a', 10)
    with pytest.raises(TypeError):
        publisher.publish(Int32())


def test_publish_from_other_threads(spinner):
    node = spinner.node()
    received = []
    node.create_subscription(Int32, 'numbers', lambda m: received.append(m.data), 1000)
    publisher = node.create_publisher(Int32, 'numbers', 1000)

    def publish(start):
        for number in range(start, start + 100):
            publisher.publish(Int32(data=number))

    threads = [threading.Thread(target=publish, args=(n * 100,)) for n in range(4)]
    for thread in threads:
        thread.start()
    spinner.until(lambda: len(received) == 400)
    for thread in threads:
        thread.join()
    assert sorted(received) == list(range(400))


def test_destroyed_subscription_is_silent(spinner):
    node = spinner.node()
    received = []
    first = node.create_subscription(String, 'a', lambda m: received.append('first'), 10)
    node.create_subscription(String, 'a', lambda m: received.append('second'), 10)
    publisher = node.create_publisher(String, 'a', 10)
    assert node.destroy_subscription(first)
    publisher.publish(String())
    spinner.until(lambda: received)
    assert received == ['second']
    assert publisher.get_subscription_count() == 1


def test_exceptions_of_callbacks_leave_spin(spinner):
    node = spinner.node()

    def callback(message):
        raise ValueError('from the callback')

    node.create_subscription(String, 'a', callback, 10)
    node.create_publisher(String, 'a', 10).publish(String())
    with pytest.raises(ValueError, match='from the callback'):
        spinner.until(lambda: False)


def test_a_subscription_with_a_busy_reader_does_not_starve_timers(spinner):
    node = spinner.node()
    publisher = node.create_publisher(Int32, 'echo', 10)
    ticks = []
    node.create_subscription(Int32, 'echo', publisher.publish, 10)
    node.create_timer(0.01, lambda: ticks.append(1))
    publisher.publish(Int32())
    spinner.until(lambda: len(ticks) > 10)


def test_two_processes(spinner, process):
    child = process("""
from std_msgs.msg import String
rclpy.init()
node = rclpy.create_node('child')
publisher = node.create_publisher(String, 'answer', 10)
node.create_subscription(
    String, 'question', lambda m: publisher.publish(String(data=m.data + '!')), 10)
rclpy.spin(node)
""")
    node = spinner.node('parent')
    answers = []
    node.create_subscription(String, 'answer', lambda m: answers.append(m.data), 10)
    question = node.create_publisher(String, 'question', 10)
    spinner.until(lambda: question.get_subscription_count() and node.count_publishers('answer'))
    node.create_timer(0.05, lambda: question.publish(String(data='hello')))
    spinner.until(lambda: answers)
    assert answers[0] == 'hello!'
    assert child.process.poll() is None


def test_policies_have_short_names():
    assert ReliabilityPolicy.BEST_EFFORT.short_key == 'best_effort'
    assert DurabilityPolicy.TRANSIENT_LOCAL.short_key == 'transient_local'


def test_qos_profiles():
    profile = QoSProfile(depth=3)
    assert (profile.history, profile.depth) == (HistoryPolicy.KEEP_LAST, 3)
    assert profile.reliability is ReliabilityPolicy.RELIABLE
    assert profile == QoSProfile(depth=3)
    assert profile != QoSProfile(depth=4)
    with pytest.raises(InvalidQoSProfileException):
        QoSProfile()
    with pytest.raises(InvalidQoSProfileException):
        QoSProfile(history=HistoryPolicy.KEEP_LAST)
    with pytest.raises(AssertionError):
        QoSProfile(depth='3')
    assert qos_profile_sensor_data.reliability == ReliabilityPolicy.BEST_EFFORT


def test_negative_depth_is_refused(spinner):
    with pytest.raises(ValueError, match='depth'):
        spinner.node().create_publisher(String, 'a', -1)


def test_spin_once_runs_one_callback(ros):
    node = rclpy.create_node('node')
    received = []
    node.create_subscription(Int32, 'a', received.append, 10)
    publisher = node.create_publisher(Int32, 'a', 10)
    publisher.publish(Int32(data=1))
    publisher.publish(Int32(data=2))
    rclpy.spin_once(node, timeout_sec=10)
    assert len(received) <= 1
    node.destroy_node()

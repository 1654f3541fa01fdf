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
"""Time stamps of messages."""

import time
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.nodes.stamps import EARLIEST
from oht50_bridge.nodes.stamps import LATEST
from oht50_bridge.nodes.stamps import NS
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.stamps import now_of
from oht50_bridge.nodes.stamps import to_stamp


@given(st.integers(0, (2**31 - 1) * 1_000_000_000))
def test_nanoseconds_survive_the_way_to_a_stamp_and_back(nanoseconds):
    stamp = to_stamp(nanoseconds)
    assert 0 <= stamp.nanosec < 1_000_000_000
    assert from_stamp(stamp) == nanoseconds


def test_a_header_has_the_time_of_its_making(ros):
    import rclpy

    node = rclpy.create_node('stamped')
    before = time.time_ns()
    made = header(node, 'map')
    assert made.frame_id == 'map'
    assert before - 1_000_000 <= from_stamp(made.stamp) <= time.time_ns() + 1_000_000
    node.destroy_node()


@given(st.integers(LATEST + 1, 2**63 - 1))
def test_a_stamp_of_what_no_message_can_hold_is_the_latest(nanoseconds):
    assert from_stamp(to_stamp(nanoseconds)) == LATEST


def test_a_clock_after_2038_is_reported_once_and_ends_nothing(ros, monkeypatch, capfd):
    import rclpy

    node = rclpy.create_node('late')
    now = SimpleNamespace(nanoseconds=LATEST + 1)
    monkeypatch.setattr(node, 'get_clock', lambda: SimpleNamespace(now=lambda: now))
    for _ in range(3):
        assert from_stamp(header(node).stamp) == LATEST
    node.get_logger().info('still there')
    monkeypatch.undo()
    node.destroy_node()
    assert capfd.readouterr().err.count('after 2038-01-19') == 1


def test_before_1970_stamps_are_negative_and_nothing_ends(ros, monkeypatch):
    import rclpy

    def no_such_time():
        raise ValueError('Seconds and nanoseconds must not be negative')

    node = rclpy.create_node('early')
    moment = -90 * NS - 1
    with monkeypatch.context() as patch:
        patch.setattr(node, 'get_clock', lambda: SimpleNamespace(now=no_such_time))
        patch.setattr(time, 'time_ns', lambda: moment)
        assert from_stamp(header(node).stamp) == now_of(node) == moment
        node.get_logger().warning('seen', throttle_duration_sec=5.0)
    assert from_stamp(to_stamp(EARLIEST - 1)) == EARLIEST
    node.destroy_node()

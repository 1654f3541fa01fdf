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

"""Timers, times, durations, clocks."""

from __future__ import annotations

import time

import pytest
from builtin_interfaces.msg import Time as TimeMessage
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.duration import Duration
from rclpy.time import Time


def test_timer_keeps_its_period(spinner):
    node = spinner.node()
    calls = []
    start = time.monotonic()
    node.create_timer(0.02, lambda: calls.append(time.monotonic()))
    spinner.until(lambda: len(calls) == 10)
    # Never early; how late depends on the machine.
    assert calls[-1] - start >= 0.199


def test_cancel_and_reset(spinner):
    node = spinner.node()
    calls = []
    timer = node.create_timer(0.01, lambda: calls.append(1))
    spinner.until(lambda: calls)
    timer.cancel()
    assert timer.is_canceled()
    count = len(calls)
    others = []
    node.create_timer(0.01, lambda: others.append(1))
    spinner.until(lambda: len(others) > 5)
    assert len(calls) == count
    timer.reset()
    spinner.until(lambda: len(calls) > count)


def test_destroyed_timer_is_silent(spinner):
    node = spinner.node()
    calls, others = [], []
    timer = node.create_timer(0.01, lambda: calls.append(1))
    assert node.destroy_timer(timer)
    node.create_timer(0.01, lambda: others.append(1))
    spinner.until(lambda: len(others) > 5)
    assert calls == []
    assert list(node.timers) != [timer]


def test_late_calls_are_left_out(spinner):
    node = spinner.node()
    calls = []

    def slow():
        calls.append(time.monotonic())
        if len(calls) == 1:
            time.sleep(0.2)

    start = time.monotonic()
    node.create_timer(0.01, slow)
    spinner.until(lambda: len(calls) >= 5)
    # Twenty periods passed while the first callback slept; they are not made up for.
    assert len([c for c in calls if c < start + 0.215]) <= 4


def test_autostart(spinner):
    node = spinner.node()
    calls = []
    timer = node.create_timer(0.01, lambda: calls.append(1), autostart=False)
    assert timer.is_canceled()
    timer.reset()
    spinner.until(lambda: calls)
    assert timer.timer_period_ns == 10_000_000


def test_timer_made_by_another_thread_wakes_the_executor(spinner):
    import threading

    node = spinner.node()
    calls = []
    thread = threading.Timer(0.1, lambda: node.create_timer(0.01, lambda: calls.append(1)))
    thread.start()
    end = time.monotonic() + 10
    while not calls and time.monotonic() < end:
        spinner.executor.spin_once(timeout_sec=5)
    thread.join()
    assert calls


def test_times():
    first = Time(seconds=1, nanoseconds=500)
    assert first.nanoseconds == 1_000_000_500
    assert first + Duration(seconds=1) == Time(seconds=2, nanoseconds=500)
    assert first - Time(seconds=1) == Duration(nanoseconds=500)
    assert Time(seconds=2) > first
    assert first.to_msg() == TimeMessage(sec=1, nanosec=500)
    assert Time.from_msg(TimeMessage(sec=1)).clock_type == ClockType.ROS_TIME
    with pytest.raises(TypeError):
        assert Time(seconds=1) == Time(seconds=1, clock_type=ClockType.STEADY_TIME)
    with pytest.raises(ValueError, match='negative'):
        Time(seconds=-1)
    with pytest.raises(TypeError):
        Time.from_msg('text')


def test_durations():
    assert Duration(seconds=0.5).nanoseconds == 500_000_000
    assert Duration(seconds=1) > Duration(nanoseconds=5)
    three = Duration(seconds=3, nanoseconds=4)
    assert Duration.from_msg(three.to_msg()) == three
    with pytest.raises(OverflowError):
        Duration(nanoseconds=2**63)


def test_clocks(spinner):
    now = Clock().now()
    assert now.clock_type == ClockType.SYSTEM_TIME
    assert abs(now.nanoseconds - time.time_ns()) < 10**9
    steady = Clock(clock_type=ClockType.STEADY_TIME)
    assert steady.now() <= steady.now()
    assert spinner.node().get_clock().now().clock_type == ClockType.ROS_TIME

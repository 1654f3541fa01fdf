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

"""
Guards over what rosless assumes of the pinned cyclonedds wheel.

Each fails when a new wheel changes one of the private calls.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from importlib.metadata import version

import pytest
from contract import rosless_only

pytestmark = rosless_only

if not rosless_only.args[0]:
    from rclpy import _dds
    from rclpy._dds import topics
    from rclpy.exceptions import RCLError
    from rclpy.qos import HistoryPolicy
    from rclpy.qos import QoSProfile
    from std_msgs.msg import Int32
    from std_msgs.msg import String

HEAD = b'\0\1\0\0'
DOMAIN = int(os.environ['ROS_DOMAIN_ID'])


@pytest.fixture
def participant():
    entity = _dds.create_participant(DOMAIN, b'')
    yield entity
    _dds.delete(entity)


def pair(participant, message, *, depth=10, reliable=True):
    topic = _dds.create_topic(participant, 'guard', message)
    qos = _dds.Qos(depth, reliable, False)
    return (
        _dds.create_writer(participant, topic, qos),
        _dds.create_reader(participant, topic, qos),
    )


def encoded(text):
    out = bytearray(HEAD)
    String(data=text)._write(out)
    return bytes(out)


def test_the_wheel_has_the_version_that_these_guards_were_written_for():
    assert version('cyclonedds') == '11.0.1'


class RefusingLayer:
    """The wheel's C layer, refusing topics as it does while discovery changes its types."""

    def __init__(self, layer, refusals):
        self._layer = layer
        self.refusals = refusals

    def __getattr__(self, name):
        return getattr(self._layer, name)

    def ddspy_topic_create(self, *arguments):
        if self.refusals:
            self.refusals -= 1
            return topics.BAD_PARAMETER
        return self._layer.ddspy_topic_create(*arguments)


def test_a_topic_is_made_although_cyclone_refuses_it_at_first(participant, monkeypatch):
    """The race in its library of types cannot be reproduced at will."""
    refusing = RefusingLayer(topics.clayer, 2)
    monkeypatch.setattr(topics, 'clayer', refusing)
    writer, reader = pair(participant, String)
    assert refusing.refusals == 0
    _dds.write(writer, encoded('hello'))
    assert len(_dds.take(reader)) == 1
    refusing.refusals = 1000
    with pytest.raises(_dds.Error, match='dds_create_topic failed: Bad Parameter'):
        pair(participant, String)
    assert refusing.refusals > 900


def test_raw_samples_go_in_and_come_out(participant):
    """ddspy_take and dds_write: the sample container is (pointer, size)."""
    writer, reader = pair(participant, String)
    _dds.write(writer, encoded('hello'))
    ((data, info),) = _dds.take(reader)
    assert data == encoded('hello')
    assert info.publication_handle and info.source_timestamp
    assert _dds.take(reader) == []


def test_topics_are_made_from_the_generated_descriptor(participant):
    """ddspy_topic_create: what it reads of `__idl__`, and that Cyclone checks samples by it."""
    writer, reader = pair(participant, String)
    with pytest.raises(_dds.Error):
        _dds.write(writer, HEAD + b'\xff\xff\xff\x7fabc\0')
    with pytest.raises(_dds.Error):
        _dds.write(writer, HEAD + b'\4\0\0\0abcd')
    _dds.write(writer, encoded('good'))
    assert [data for data, _ in _dds.take(reader, 10)] == [encoded('good')]


def test_big_endian_samples_arrive_as_little_endian(participant):
    writer, reader = pair(participant, Int32)
    _dds.write(writer, b'\0\0\0\0\0\0\1\2')
    ((data, _),) = _dds.take(reader)
    assert Int32._read(data).data == 0x102


def test_a_wait_set_identifies_the_condition_that_fired(participant):
    """dds_waitset_wait fills in the numbers, and gives up the GIL."""
    writer, reader = pair(participant, String)
    wait_set = _dds.WaitSet(participant)
    guard = _dds.GuardCondition(participant)
    wait_set.attach(_dds.create_read_condition(reader), 2**40 + 5)
    wait_set.attach(guard.entity, 7)
    assert wait_set.wait(0) == []
    _dds.write(writer, encoded('x'))
    assert wait_set.wait(10**9) == [2**40 + 5]
    guard.trigger()
    assert sorted(wait_set.wait(10**9)) == [7, 2**40 + 5]
    guard.reset()
    _dds.take(reader)
    thread = threading.Timer(0.1, guard.trigger)
    thread.start()
    assert wait_set.wait(10**10) == [7]
    thread.join()


def test_a_frozen_peer_blocks_neither_other_threads_nor_the_writer_for_long(spinner, process):
    """dds_write of our own CDLL gives up the GIL, and ends after MAX_BLOCKING_NS."""
    child = process("""
from std_msgs.msg import String
from rclpy.qos import HistoryPolicy, QoSProfile
rclpy.init()
node = rclpy.create_node('frozen')
node.create_subscription(
    String, 'a', lambda message: None, QoSProfile(history=HistoryPolicy.KEEP_ALL))
rclpy.spin(node)
""")
    publisher = spinner.node().create_publisher(
        String, 'a', QoSProfile(history=HistoryPolicy.KEEP_ALL)
    )
    spinner.until(publisher.get_subscription_count)
    child.process.send_signal(signal.SIGSTOP)
    stop, ticks = threading.Event(), []

    def tick():
        while not stop.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        with pytest.raises(RCLError, match='imeout'):
            for _ in range(1000):
                began = time.monotonic()
                publisher.publish(String(data='x' * 100_000))
        ended = time.monotonic()
    finally:
        stop.set()
        thread.join()
    assert ended - began < 5.0
    assert len([t for t in ticks if began < t < ended]) >= 3


def test_discovery_shows_topics_types_and_user_data(participant):
    """The layout of the builtin topics' samples, and dds_get_matched_*_data."""
    topic = _dds.create_topic(participant, 'guard', String)
    writer = _dds.create_writer(participant, topic, _dds.Qos(1, True, True, b'a=1;b=2;'))
    reader = _dds.create_reader(participant, topic, _dds.Qos(None, True, True, b'c=3;'))
    endpoints = _dds.read_endpoints(_dds.create_reader(participant, _dds.TOPIC_PUBLICATION))
    mine = [e for e in endpoints if e.guid == _dds.guid(writer)]
    assert mine == [
        _dds.Endpoint(
            _dds.guid(writer), _dds.guid(participant), 'guard', 'std_msgs::msg::dds_::String_'
        )
    ]
    participants = _dds.read_participants(_dds.create_reader(participant, _dds.TOPIC_PARTICIPANT))
    assert _dds.guid(participant) in participants
    (handle,) = _dds.matched(writer, writer=True)
    assert _dds.matched_user_data(writer, handle, writer=True) == b'c=3;'
    (handle,) = _dds.matched(reader, writer=False)
    assert handle == _dds.instance_handle(writer)
    assert _dds.matched_user_data(reader, handle, writer=False) == b'a=1;b=2;'


def test_deleted_entities_fail_without_harm(participant):
    writer, reader = pair(participant, String)
    _dds.delete(writer)
    _dds.delete(writer)
    _dds.delete(reader)
    with pytest.raises(_dds.Error):
        _dds.write(writer, encoded('x'))
    assert _dds.take(reader) == []
    assert _dds.matched(writer, writer=True) == []


def test_signals_reach_python_within_a_slice(participant):
    wait_set = _dds.WaitSet(participant)
    caught = []
    before = signal.signal(signal.SIGUSR1, lambda *_: caught.append(time.monotonic()))
    try:
        timer = threading.Timer(0.05, os.kill, args=(os.getpid(), signal.SIGUSR1))
        timer.start()
        end = time.monotonic() + 10
        while not caught and time.monotonic() < end:
            wait_set.wait(100_000_000)
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caught

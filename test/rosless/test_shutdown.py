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

"""The end: signals, shutdown, and what remains."""

from __future__ import annotations

import contextlib
import signal
import time

import pytest
import rclpy
from contract import IS_ROSLESS
from contract import own_domain
from contract import rosless_only
from rclpy.exceptions import NotInitializedException
from rclpy.executors import ExternalShutdownException
from std_msgs.msg import String

pytestmark = pytest.mark.cover_processes

NODE = """
from rclpy.executors import ExternalShutdownException
rclpy.init()
node = rclpy.create_node('node')
waiting = ['ready']
def tick():
    if waiting:
        print(waiting.pop())
node.create_timer(0.05, tick)
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException) as error:
    print(type(error).__name__)
except Exception as error:
    if rclpy.ok():
        raise
    print(type(error).__name__)
finally:
    node.destroy_node()
    rclpy.try_shutdown()
print('end')
"""
"""
A node that a signal ends on a real rclpy too. On SIGTERM, that wakes the executor before it shuts
the context down: an executor that is quick waits once more, until the next timer, or fails with an
RCLError while it makes its wait set.
"""
ENDS = {'KeyboardInterrupt', 'ExternalShutdownException'} | (set() if IS_ROSLESS else {'RCLError'})


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_spin_and_the_process_exits_with_0(process, number):
    child = process(NODE)
    assert child.read_line() == 'ready'
    sent = time.monotonic()
    child.process.send_signal(number)
    status, out, err = child.wait()
    took = time.monotonic() - sent
    assert status == 0, err
    # Between two turns of its loop spin simply returns.
    assert out.split() in (['end'], *([name, 'end'] for name in ENDS))
    assert 'Traceback' not in err
    assert took < 5.0


@rosless_only
def test_a_signal_before_spin_is_a_shutdown_too(process):
    child = process("""
import os, signal, rclpy.executors
rclpy.init()
node = rclpy.create_node('node')
os.kill(os.getpid(), signal.SIGTERM)
try:
    rclpy.spin(node)
except rclpy.executors.ExternalShutdownException:
    print('end')
node.destroy_node()
rclpy.try_shutdown()
""")
    status, out, err = child.wait()
    assert (status, out.strip()) == (0, 'end'), err


QUIET = """
import signal, rclpy.executors
from rclpy.signals import wakes
rclpy.executors.UNDISTURBED_NS = 60 * 10**9
{before}
rclpy.init()
executor = rclpy.executors.SingleThreadedExecutor()
node = rclpy.create_node('node')
executor.add_node(node)
def once():
    timer.cancel()
    print(wakes(), flush=True)
timer = node.create_timer(0.01, once)
try:
    executor.spin()
except rclpy.executors.ExternalShutdownException:
    pass
rclpy.try_shutdown()
print('end')
"""


@rosless_only
@pytest.mark.parametrize(
    ('before', 'wakes'),
    [('', 'True'), ('import socket; ends = socket.socketpair(); [end.setblocking(False) for end '
     'in ends]; signal.set_wakeup_fd(ends[0].fileno())', 'False')],
    ids=['ours', "somebody else's"],
)  # fmt: skip
def test_a_signal_ends_a_wait_in_which_nothing_happens(process, before, wakes):
    child = process(QUIET.format(before=before))
    assert child.read_line() == wakes
    child.process.send_signal(signal.SIGTERM)
    status, out, err = child.wait()
    assert (status, out.strip()) == (0, 'end'), err


IDLE = """
from rclpy.executors import SingleThreadedExecutor
rclpy.init()
executor = SingleThreadedExecutor()
node = rclpy.create_node('node')
executor.add_node(node)
waits, calls = [], []
wait = executor._wait_set.wait
executor._wait_set.wait = lambda timeout: waits.append(timeout) or wait(timeout)
node.create_timer(1.0, lambda: calls.append(len(waits)))
while len(calls) < 2:
    executor.spin_once()
print(calls[1] - calls[0])
node.destroy_node()
rclpy.try_shutdown()
"""


@rosless_only
def test_an_executor_that_has_nothing_to_do_does_not_look_for_signals(process):
    child = process(IDLE)
    status, out, err = child.wait()
    assert status == 0, err
    assert int(out) <= 4


def test_shutdown_from_a_callback_ends_spin(ros):
    node = rclpy.create_node('node')
    node.create_timer(0.05, rclpy.shutdown)
    with contextlib.suppress(ExternalShutdownException):
        rclpy.spin(node)
    assert not rclpy.ok()
    node.destroy_node()


def test_life_of_the_default_context():
    assert not rclpy.ok()
    with pytest.raises(NotInitializedException):
        rclpy.create_node('node')
    rclpy.init(args=['test'])
    assert rclpy.ok()
    with pytest.raises(RuntimeError):
        rclpy.init(args=['test'])
    rclpy.shutdown()
    assert not rclpy.ok()
    rclpy.try_shutdown()
    rclpy.init(args=['test'])
    assert rclpy.ok()
    rclpy.shutdown()


def test_publish_after_shutdown_is_an_error():
    rclpy.init(args=['test'])
    node = rclpy.create_node('node')
    publisher = node.create_publisher(String, 'a', 10)
    rclpy.shutdown()
    with pytest.raises(Exception, match=r'(?i)context|invalid'):
        publisher.publish(String())
    node.destroy_node()
    node.destroy_node()


def test_contexts_of_their_own(ros):
    context = rclpy.context.Context()
    rclpy.init(args=['test'], context=context)
    node = rclpy.create_node('node', context=context)
    called = []
    context.on_shutdown(lambda: called.append(1))
    assert node.context is context
    node.destroy_node()
    rclpy.shutdown(context=context)
    assert rclpy.ok() and not context.ok()


def test_domain_ids_keep_apart(ros):
    other = rclpy.context.Context()
    rclpy.init(args=['test'], context=other, domain_id=own_domain())
    here = rclpy.create_node('here')
    there = rclpy.create_node('there', context=other)
    assert there.get_node_names_and_namespaces() == [('there', '/')]
    assert 'there' not in [name for name, _ in here.get_node_names_and_namespaces()]
    here.destroy_node()
    there.destroy_node()
    rclpy.shutdown(context=other)

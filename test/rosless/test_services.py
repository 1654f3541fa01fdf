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

"""Services, clients, futures."""

from __future__ import annotations

import threading

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from std_srvs.srv import SetBool
from std_srvs.srv import Trigger


def answer(request, response):
    response.success = request.data
    response.message = 'on' if request.data else 'off'
    return response


def test_call_async(spinner):
    node = spinner.node()
    node.create_service(SetBool, 'switch', answer)
    client = node.create_client(SetBool, 'switch')
    spinner.until(client.service_is_ready)
    response = spinner.result(client.call_async(SetBool.Request(data=True)))
    assert response == SetBool.Response(success=True, message='on')


def test_many_calls_find_their_own_answers(spinner):
    node = spinner.node()
    node.create_service(SetBool, 'switch', answer)
    clients = [node.create_client(SetBool, 'switch') for _ in range(2)]
    for client in clients:
        assert client.wait_for_service(timeout_sec=10)
    futures = [
        (bool(n % 2), clients[n % 3 % 2].call_async(SetBool.Request(data=bool(n % 2))))
        for n in range(8)
    ]
    for data, future in futures:
        assert spinner.result(future).success is data


def test_wait_for_service_times_out(spinner):
    client = spinner.node().create_client(Trigger, 'missing')
    assert client.wait_for_service(timeout_sec=0.1) is False
    assert client.service_is_ready() is False


def test_wrong_request_type_is_refused(spinner):
    client = spinner.node().create_client(SetBool, 'switch')
    with pytest.raises(TypeError):
        client.call_async(Trigger.Request())


def test_done_callback_and_its_future(spinner):
    node = spinner.node()
    node.create_service(SetBool, 'switch', answer)
    client = node.create_client(SetBool, 'switch')
    assert client.wait_for_service(timeout_sec=10)
    seen = []
    future = client.call_async(SetBool.Request(data=True))
    future.add_done_callback(lambda f: seen.append(f.result().message))
    spinner.until(lambda: seen)
    assert seen == ['on']


@pytest.mark.parametrize('group', [ReentrantCallbackGroup, MutuallyExclusiveCallbackGroup])
def test_async_service_awaits_another_service(spinner, group):
    node = spinner.node()
    node.create_service(SetBool, 'inner', answer, callback_group=group())
    client = node.create_client(SetBool, 'inner', callback_group=group())

    async def outer(request, response):
        inner = await client.call_async(SetBool.Request(data=True))
        response.message = f'inner is {inner.message}'
        return response

    node.create_service(Trigger, 'outer', outer, callback_group=group())
    caller = spinner.node('caller').create_client(Trigger, 'outer')
    assert client.wait_for_service(10) and caller.wait_for_service(10)
    for _ in range(3):
        assert spinner.result(caller.call_async(Trigger.Request())).message == 'inner is on'


def test_a_mutually_exclusive_group_waits_for_a_callback_that_awaits(spinner):
    node = spinner.node()
    gate = Future()
    order = []

    async def slow():
        timer.cancel()
        order.append('slow begins')
        await gate
        order.append('slow ends')

    exclusive = MutuallyExclusiveCallbackGroup()
    timer = node.create_timer(0.01, slow, callback_group=exclusive)
    spinner.until(lambda: order)
    fast = node.create_timer(0.01, lambda: order.append('fast'), callback_group=exclusive)
    others = []
    node.create_timer(0.01, lambda: others.append(1), callback_group=ReentrantCallbackGroup())
    spinner.until(lambda: len(others) > 5)
    assert order == ['slow begins']
    gate.set_result(None)
    spinner.until(lambda: 'fast' in order)
    fast.cancel()
    assert order[:3] == ['slow begins', 'slow ends', 'fast']


def test_async_timer_and_exception_in_a_coroutine(spinner):
    node = spinner.node()
    gate = Future()

    async def fail():
        timer.cancel()
        await gate
        raise ValueError('after the wait')

    timer = node.create_timer(0.01, fail)
    spinner.until(timer.is_canceled)
    gate.set_result(None)
    with pytest.raises(ValueError, match='after the wait'):
        spinner.until(lambda: False)


def test_call_async_from_another_thread(spinner):
    node = spinner.node()
    node.create_service(SetBool, 'switch', answer)
    client = node.create_client(SetBool, 'switch')
    answers = []

    def call():
        client.wait_for_service(timeout_sec=10)
        done = threading.Event()
        future = client.call_async(SetBool.Request(data=True))
        future.add_done_callback(lambda f: done.set())
        done.wait(10)
        answers.append(future.result().message)

    thread = threading.Thread(target=call)
    thread.start()
    spinner.until(lambda: answers)
    thread.join()
    assert answers == ['on']


def test_spin_until_future_complete(ros):
    node = rclpy.create_node('node')
    node.create_service(SetBool, 'switch', answer)
    client = node.create_client(SetBool, 'switch')
    assert client.wait_for_service(timeout_sec=10)
    future = client.call_async(SetBool.Request())
    rclpy.spin_until_future_complete(node, future, timeout_sec=10)
    assert future.done() and future.result().message == 'off'
    never = Future()
    rclpy.spin_until_future_complete(node, never, timeout_sec=0.1)
    assert not never.done()
    node.destroy_node()


def test_wake_from_another_thread(spinner):
    """A future that another thread completes ends a wait that has no timeout."""
    node = spinner.node()
    future = Future()
    thread = threading.Timer(0.2, future.set_result, args=('done',))
    thread.start()
    rclpy.spin_until_future_complete(node, future, executor=spinner.executor)
    thread.join()
    assert future.result() == 'done'


def test_create_task(spinner):
    async def coroutine(value):
        return value * 2

    spinner.node()
    assert spinner.result(spinner.executor.create_task(lambda: 'plain')) == 'plain'
    assert spinner.result(spinner.executor.create_task(coroutine, 21)) == 42


def test_first_call_of_a_new_process_is_answered(spinner, process):
    """Replies wait until discovery has connected the client's reader."""
    spinner.node('server').create_service(SetBool, 'switch', answer)
    child = process("""
from std_srvs.srv import SetBool
rclpy.init()
node = rclpy.create_node('child')
client = node.create_client(SetBool, 'switch')
assert client.wait_for_service(timeout_sec=15)
future = client.call_async(SetBool.Request(data=True))
rclpy.spin_until_future_complete(node, future, timeout_sec=15)
print(future.result().message)
node.destroy_node()
rclpy.shutdown()
""")
    spinner.until(lambda: child.process.poll() is not None, 40)
    status, out, err = child.wait()
    assert (status, out.strip()) == (0, 'on'), err


def test_futures():
    future = Future()
    assert not future.done()
    future.set_exception(KeyError('x'))
    assert future.done()
    with pytest.raises(KeyError):
        future.result()
    assert isinstance(future.exception(), KeyError)
    called = []
    future.add_done_callback(called.append)
    assert called == [future]
    other = Future()
    other.cancel()
    assert other.cancelled() and not other.done()

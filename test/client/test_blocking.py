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
"""The client for programs without asyncio, against a gateway in another thread."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from gateway.serving import Serving
from gateway.serving import make_event
from support import started
from support import wait_for

from oht50_bridge.client import BlockingClient
from oht50_bridge.client import Denied
from oht50_bridge.client import NotSent


class Served:
    """A gateway in a thread of its own."""

    def __init__(self, **settings):
        self._settings = settings
        self._ready = threading.Event()
        self._ended = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self):
        self.loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with Serving(
            failure_delay=0.0, command_timeout=60.0, shutdown_timeout=0.2, **self._settings
        ) as self.server:
            self._ready.set()
            await self._ended.wait()

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *exception):
        self.loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def publish(self, kind, **data):
        self.loop.call_soon_threadsafe(self.server.gateway.publish, make_event(kind, **data))

    def client(self, role='operator', **options):
        return BlockingClient(self.server.url, self.server.token(role), **options)


@pytest.fixture(scope='module')
def served():
    with Served(answers={'cancel_mission': None}) as served:
        yield served


def threads():
    return [thread for thread in threading.enumerate() if thread.name == 'oht50-client']


def test_a_session(served):
    with served.client() as vehicle:
        assert (vehicle.state.name, vehicle.role) == ('live', 'operator')
        assert vehicle.established['role'] == 'operator'
        events = vehicle.events('mission.*', timeout=10.0)
        served.publish('mission.started', mission_id='m-1')
        assert next(events)['data']['mission_id'] == 'm-1'
        events.close()
        assert vehicle.call('pause_mission', timeout=5)['accepted']
        assert vehicle.stop('drill').confirmed
        assert vehicle.unsubscribe('mission.*') == {'events': ['mission.*']}
        assert vehicle.subscribe('safety.*', rate=1.0)['denied'] == []
        vehicle.retry()
        vehicle.connect()
    assert threads() == [] and vehicle.state.name == 'closed'
    vehicle.close()
    with pytest.raises(RuntimeError, match='with'):
        vehicle.call('ping')


def test_an_iterator_ends_after_a_silence_and_with_the_client(served):
    with served.client() as vehicle:
        assert list(vehicle.events('mission.*', timeout=0.05)) == []
        seen = []
        reader = threading.Thread(
            target=lambda: seen.extend(vehicle.events('config.*')), daemon=True
        )
        reader.start()
        wait_for(lambda: seen or served.publish('config.updated'), pause=0.1)
    reader.join(20)
    assert not reader.is_alive() and {event['type'] for event in seen} == {'config.updated'}


def test_threads_share_it(served):
    with served.client() as vehicle:
        replies = []
        callers = [
            threading.Thread(target=lambda: replies.append(vehicle.call('ping'))) for _ in range(8)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert replies == [{}] * 8


def test_callbacks_are_called_in_its_thread(served):
    vehicle = served.client()
    seen = []
    remove = vehicle.on(
        'state', lambda state: seen.append((state.name, threading.current_thread()))
    )
    with vehicle:
        remove()
    assert {thread.name for _, thread in seen} == {'oht50-client'}
    assert [name for name, _ in seen][-1] == 'live'


def test_a_failed_start_leaves_no_thread(served):
    with pytest.raises(Denied):
        BlockingClient(served.server.url, 'wrong').__enter__()
    vehicle = BlockingClient('ws://127.0.0.1:9/', 'x')
    with pytest.raises(OSError):
        vehicle.connect(attempts=1)
    with pytest.raises(NotSent):
        vehicle.call('ping')
    vehicle.close()
    assert threads() == []


PROGRAM = """
import os, sys
from oht50_bridge.client import BlockingClient
try:
    with BlockingClient(sys.argv[1], os.environ['OHT50_TOKEN']) as vehicle:
        print('live', flush=True)
        {body}
except KeyboardInterrupt:
    print('interrupted', vehicle.state.name if 'vehicle' in dir() else 'no')
"""


@pytest.mark.processes
@pytest.mark.parametrize(
    'body',
    [
        'list(vehicle.events("mission.*"))',
        'import time; time.sleep(60)',
        'vehicle.call("cancel_mission", timeout=60)',
    ],
)
def test_ctrl_c_ends_it_cleanly(served, body):
    with started(
        [sys.executable, '-c', PROGRAM.format(body=body), served.server.url],
        env={**os.environ, 'OHT50_TOKEN': served.server.token('operator')},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == 'live\n'
        time.sleep(0.2)  # it waits by then; the end is the same if it does not yet
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ('interrupted closed\n', '', 0)


def test_ctrl_c_while_it_connects_leaves_no_thread():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    vehicle = BlockingClient('ws://127.0.0.1:9/', 'x')
    main = threading.main_thread().ident

    def interrupt(state):
        if state.name == 'waiting':
            signal.pthread_kill(main, signal.SIGINT)

    vehicle.on('state', interrupt)
    with pytest.raises(KeyboardInterrupt), contextlib.ExitStack() as stack:
        stack.enter_context(vehicle)
    assert threads() == []


INTERRUPTED = """
import asyncio, os, random, signal, sys, threading, time
from oht50_bridge.client import BlockingClient, blocking

blocking.WAKE_PERIOD = 1e-4
main, moments = threading.main_thread().ident, random.Random(1)
waiting, begin = os.pipe()

def interrupt():
    while os.read(waiting, 1):
        time.sleep(moments.uniform(0.002, 0.004))
        signal.pthread_kill(main, signal.SIGINT)

def compute():
    while True:
        pass

sys.setswitchinterval(1e-5)  # the main thread waits for the interpreter anywhere
for work in (interrupt, compute):
    threading.Thread(target=work, daemon=True).start()
with BlockingClient(sys.argv[1], os.environ['OHT50_TOKEN']) as vehicle:
    for _ in range(500):
        try:
            os.write(begin, b'.')
            vehicle._wait_for(asyncio.sleep(10.0))
        except KeyboardInterrupt:
            continue
        sys.exit('not interrupted')
    print(vehicle.call('ping'))
"""


@pytest.mark.processes
def test_ctrl_c_in_whatever_moment_of_a_wait_leaves_nothing_locked(served):
    done = subprocess.run(
        [sys.executable, '-c', INTERRUPTED, served.server.url],
        env={**os.environ, 'OHT50_TOKEN': served.server.token('operator')},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr, done.returncode) == ('{}\n', '', 0)


@pytest.mark.parametrize(
    ('number', 'raised'), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGUSR1, SystemExit)]
)
def test_a_stop_that_is_interrupted_is_not_sent_again(number, raised):
    former = signal.getsignal(number)
    if number == signal.SIGUSR1:
        signal.signal(number, lambda *_: sys.exit())
    with Served(answers={'emergency_stop': None}) as served, served.client() as vehicle:
        main = threading.main_thread().ident

        def interrupt():
            wait_for(lambda: len(served.server.commands) >= 2)
            signal.pthread_kill(main, number)

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(raised):
            vehicle.stop('drill', timeout=60.0)
        interrupting.join()
        # Only the connection of the client itself is left.
        wait_for(lambda: served.server.gateway.stats().connections == 1)
    signal.signal(number, former)

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
"""The motor stops when the hardware process dies, whatever kills it."""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from oht50_bridge.hardware.drivers.motor import MotorModule
from oht50_bridge.hardware.watchdog import supervisor as supervisor_module
from oht50_bridge.hardware.watchdog.protocol import LOST
from oht50_bridge.hardware.watchdog.protocol import PULSE_TIMEOUT
from oht50_bridge.hardware.watchdog.protocol import WAITING
from oht50_bridge.hardware.watchdog.supervisor import WatchdogSupervisor

pytestmark = pytest.mark.cover_processes

OWNER = """
import itertools, json, sys, time
from oht50_bridge.hardware.hardware import Hardware
from oht50_bridge.hardware.motion_guard import Heartbeat
hardware = Hardware(json.loads(sys.argv[1]))
hardware.start()
print('started', flush=True)
counter = itertools.count(1)
while True:
    hardware.motor.heartbeat(Heartbeat(True, 1.0, 1.0, started_at=1, counter=next(counter)))
    # Who commands ceases when the board was lost: what moves it again must be a new command.
    if hardware.motor.state().stop_reason not in ('module_lost', 'drive_fault'):
        hardware.motor.drive(0.5)
    time.sleep(0.02)
"""


def alive(pid):
    try:
        with Path(f'/proc/{pid}/stat').open(encoding='ascii') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def helpers(pid):
    """Return the watchdogs that a process has started."""
    children = Path(f'/proc/{pid}/task/{pid}/children').read_text(encoding='ascii').split()
    name = b'oht50_bridge.hardware.watchdog.process'
    return [
        int(child) for child in children if name in Path(f'/proc/{child}/cmdline').read_bytes()
    ]


@pytest.fixture
def owner(make_rig):
    """A process that drives, and the rig it drives on."""
    started = []

    def start(*names, **kwargs):
        rig = make_rig(*names, **kwargs)
        process = subprocess.Popen(
            [sys.executable, '-c', OWNER, json.dumps(rig.config)],
            stdout=subprocess.PIPE, env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == b'started\n'
        rig.wait_for(lambda: rig.sim.truth()['velocity'] > 0.4, what='motion')
        rig.sim.watch('travel_motor', 'enable', 'command_speed', 'direction')
        return rig, process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize('one_line', [False, True])
def test_kill_9(owner, one_line):
    names = ('travel_motor', 'power', 'dock', 'safety') if one_line else ('travel_motor',)
    rig, process = owner(*names, one_line=one_line)
    helper = helpers(process.pid)
    assert len(helper) == 1
    killed = time.monotonic()
    process.kill()
    process.wait()
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop')
    speed = [t for t, _, name, words in rig.sim.log() if name == 'command_speed' and words == [0]]
    assert speed[-1] - killed < 0.3
    rig.wait_for(lambda: rig.sim.read('travel_motor', 'direction') == 'idle', what='idle')
    rig.wait_for(lambda: not alive(helper[0]), what='end of the helper')


@pytest.mark.parametrize('travel', [1, 2])
def test_kill_9_stops_both_motors(owner, travel):
    options = {'travel_channel': travel}
    rig, process = owner(
        'travel_motor',
        modules={'travel_motor': ('driver_2_motor', 'drive', 3, options)},
        vehicle=options,
    )
    process.send_signal(signal.SIGSTOP)  # it would stop the other motor itself
    other = '' if travel == 2 else 'motor2_'
    rig.sim.write('travel_motor', f'{other}direction', 'forward')
    rig.sim.write('travel_motor', f'{other}enable', 1)
    process.kill()
    process.wait()
    rig.wait_for(
        lambda: (
            not any(rig.sim.read('travel_motor', name) for name in ('enable', 'motor2_enable'))
        ),
        what='stop of both',
    )


def test_board_deaf_at_first(owner):
    rig, process = owner('travel_motor')
    helper = helpers(process.pid)[0]
    rig.sim.misbehave('travel_motor', loss=1.0)
    process.kill()
    process.wait()
    time.sleep(0.3)  # the helper meets silence meanwhile; nothing could be awaited
    assert rig.sim.read('travel_motor', 'enable')
    rig.sim.misbehave('travel_motor', loss=0.0, overwrite=0.3)
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop')
    rig.wait_for(lambda: not alive(helper), what='end of the helper')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_group_spares_the_helper(owner, number):
    rig, process = owner('travel_motor')
    helper = helpers(process.pid)[0]
    os.kill(helper, number)
    os.kill(process.pid, number)
    process.wait(10)
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop')
    rig.wait_for(lambda: not alive(helper), what='end of the helper')


def test_clean_close_leaves_the_port_alone(make_rig):
    rig = make_rig('travel_motor')
    hardware = rig.start()
    rig.online()
    rig.wait_for(lambda: hardware.motor.state().stop_verified, what='stop')
    helper = helpers(os.getpid())
    assert hardware.close() is True
    rig.hw = None
    rig.sim.write('travel_motor', 'command_speed', 0.3)
    assert helper and not [pid for pid in helper if alive(pid)]
    assert rig.sim.read('travel_motor', 'command_speed') == 0.3


def test_there_is_no_motion_without_the_helper_and_it_comes_back(make_rig):
    rig = make_rig('travel_motor')
    rig.start()
    rig.online()
    rig.moving()
    helper = helpers(os.getpid())
    assert len(helper) == 1
    rig.sim.watch('travel_motor', 'enable')
    os.kill(helper[0], signal.SIGKILL)
    rig.wait_for(lambda: [1 for *_, words in rig.sim.log() if words == [0]], what='stop')
    rig.wait_for(lambda: rig.sim.read('travel_motor', 'enable'), what='motion again')


def zeroed(rig, since):
    """s from `since` until the speed register first became 0."""
    speed = [t for t, _, name, words in rig.sim.log() if name == 'command_speed' and words == [0]]
    return speed[0] - since


@pytest.mark.parametrize('one_line', [False, True])
def test_a_process_that_hangs_is_stopped_for_and_takes_over_again(owner, one_line):
    names = ('travel_motor', 'power', 'dock', 'safety') if one_line else ('travel_motor',)
    rig, process = owner(*names, one_line=one_line)
    os.kill(process.pid, signal.SIGSTOP)
    hung = time.monotonic()
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop')
    assert zeroed(rig, hung) < PULSE_TIMEOUT + 0.3
    rig.wait_for(lambda: rig.sim.read('travel_motor', 'direction') == 'idle', what='idle')
    rig.sim.write('travel_motor', 'enable', 1)  # it goes on watching
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop again')
    rig.sim.watch('travel_motor', 'enable')
    woken = time.monotonic()
    os.kill(process.pid, signal.SIGCONT)
    rig.wait_for(lambda: rig.sim.truth()['velocity'] > 0.4, what='motion by a new command')
    started = [t for t, *_, words in rig.sim.log() if words == [1]]
    assert started[0] - woken > 0.2  # what had waited is not obeyed
    rig.sim.watch('travel_motor', 'enable')
    process.kill()
    process.wait()
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop at the end')


def test_a_process_that_dies_while_it_hangs(owner):
    rig, process = owner('travel_motor')
    helper = helpers(process.pid)[0]
    os.kill(process.pid, signal.SIGSTOP)
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop')
    process.kill()
    process.wait()
    rig.wait_for(lambda: not alive(helper), what='end of the helper')
    assert not rig.sim.read('travel_motor', 'enable')


def test_a_thread_of_the_line_that_hangs(make_rig, monkeypatch):
    rig = make_rig('travel_motor')
    rig.start()
    rig.online()
    rig.moving()
    rig.sim.watch('travel_motor', 'enable', 'command_speed')
    release, real = threading.Event(), MotorModule._publish

    def hang(module, verdict):
        release.wait(20)
        real(module, verdict)

    monkeypatch.setattr(MotorModule, '_publish', hang)
    hung = time.monotonic()
    try:
        rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop')
        assert zeroed(rig, hung) < PULSE_TIMEOUT + 0.3
    finally:
        release.set()
    rig.wait_for(lambda: rig.sim.read('travel_motor', 'enable'), what='motion again')


def test_close_with_a_thread_that_hangs_leaves_it_to_the_helper(make_rig, monkeypatch):
    rig = make_rig('travel_motor')
    hardware = rig.start()
    rig.online()
    rig.moving()
    helper = helpers(os.getpid())[0]
    release = threading.Event()
    monkeypatch.setattr(MotorModule, '_publish', lambda *_: release.wait(20))
    try:
        assert hardware.close() is False
        rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop')
        rig.wait_for(lambda: not alive(helper), what='end of the helper')
    finally:
        release.set()
    rig.wait_for(
        lambda: not any(thread.name == 'line-drive' for thread in threading.enumerate()),
        what='end of the thread',
    )


def test_there_is_no_motion_while_the_helper_hangs(make_rig):
    rig = make_rig('travel_motor')
    rig.start()
    rig.online()
    rig.moving()
    helper = helpers(os.getpid())[0]
    rig.sim.watch('travel_motor', 'enable')
    os.kill(helper, signal.SIGSTOP)
    rig.wait_for(lambda: [1 for *_, words in rig.sim.log() if words == [0]], what='stop')
    rig.wait_for(lambda: rig.sim.read('travel_motor', 'enable'), what='motion again')
    assert not alive(helper)


@pytest.fixture
def driven(make_rig):
    """A rig that drives, the watchdog of which is about to fail."""
    rig = make_rig('travel_motor')
    rig.start()
    rig.online()
    rig.moving()
    rig.sim.watch('travel_motor', 'enable', 'command_speed')
    return rig


def enabled_at(rig, word):
    """Monotonic times at which the register of enable became 0 or 1."""
    return [t for t, _, name, words in rig.sim.log() if name == 'enable' and words == [word]]


def kill_watchdog(rig):
    """End the watchdog and return when; the motor has to stand soon, whatever comes after it."""
    killed = time.monotonic()
    os.kill(rig.hw._motor._watchdog.pid, signal.SIGKILL)
    rig.wait_for(lambda: enabled_at(rig, 0), timeout=2, what='stop')
    assert enabled_at(rig, 0)[0] - killed < 0.4
    return killed


@pytest.mark.parametrize('what', ['process', 'thread'])
def test_a_watchdog_that_cannot_be_started_keeps_no_stop_from_the_motor(
    driven, monkeypatch, caplog, what
):
    """Nothing moves until one is there; until then each stop is written as ever."""
    tries = []

    def refuse(*args, **kwargs):
        tries.append(time.monotonic())
        if what == 'thread':
            raise RuntimeError("can't start new thread")
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    place = supervisor_module.threading.Thread if what == 'thread' else subprocess
    monkeypatch.setattr(place, 'start' if what == 'thread' else 'Popen', refuse)
    kill_watchdog(driven)
    driven.wait_for(lambda: len(tries) == 3, what='further tries')
    assert 0.9 < tries[2] - tries[1] < 2.0, 'after a pause'
    assert caplog.text.count('cannot be started') == 1
    assert driven.hw.motor.state().stop_reason == 'error'
    assert enabled_at(driven, 1) == []
    driven.sim.write('travel_motor', 'enable', 1)  # by the board itself
    again = time.monotonic()
    driven.wait_for(lambda: not driven.sim.read('travel_motor', 'enable'), what='stop again')
    assert time.monotonic() - again < 0.5
    driven.sim.watch('travel_motor', 'enable')
    monkeypatch.undo()
    restored = time.monotonic()
    driven.wait_for(lambda: enabled_at(driven, 1), what='motion again')
    assert enabled_at(driven, 1)[0] > restored
    assert driven.hw._motor._watchdog.ready()


def test_close_without_a_watchdog_stops_verified(driven, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(subprocess, 'Popen', refuse)
    kill_watchdog(driven)
    assert driven.hw.close() is True
    assert not driven.sim.read('travel_motor', 'enable')


def test_a_watchdog_that_is_slow_to_start_delays_no_round(driven, monkeypatch):
    real, begun, ended = subprocess.Popen, [], []

    def slow(*args, **kwargs):
        begun.append(time.monotonic())
        time.sleep(2.0)
        child = real(*args, **kwargs)
        ended.append(time.monotonic())
        return child

    monkeypatch.setattr(subprocess, 'Popen', slow)
    kill_watchdog(driven)
    driven.wait_for(lambda: begun, what='the start of another')
    assert begun[0] > enabled_at(driven, 0)[0], 'the stop comes first'
    requests = driven.module('travel_motor').statistics.requests
    time.sleep(1.0)
    assert driven.module('travel_motor').statistics.requests > requests + 5
    driven.wait_for(lambda: enabled_at(driven, 1), what='motion again')
    assert len(ended) == 1 and enabled_at(driven, 1)[0] > ended[0]


def test_a_watchdog_that_cannot_be_killed_yet_delays_no_stop(driven, monkeypatch):
    child = driven.hw._motor._watchdog._child
    kill, killed = child.kill, []
    monkeypatch.setattr(child, 'kill', lambda: killed.append(time.monotonic()))
    os.kill(child.pid, signal.SIGSTOP)
    try:
        driven.wait_for(lambda: killed, what='end of patience')
        driven.wait_for(lambda: enabled_at(driven, 0), timeout=2, what='stop')
        assert enabled_at(driven, 0)[0] - killed[0] < 0.4
        driven.hw.motor.estop(True)
        driven.wait_for(lambda: driven.hw.motor.state().stop_verified, timeout=0.5, what='stop')
        driven.hw.motor.estop(False)
        time.sleep(0.5)
        assert (len(killed), enabled_at(driven, 1)) == (1, [])
        assert helpers(os.getpid()) == [child.pid], 'never two at once'
    finally:
        ended = time.monotonic()
        kill()
    driven.wait_for(lambda: enabled_at(driven, 1), what='motion again')
    assert enabled_at(driven, 1)[0] > ended
    assert driven.hw._motor._watchdog.pid != child.pid


def test_silent_modules_on_the_line_do_not_look_like_a_hang(make_rig):
    rig = make_rig(one_line=True)
    rig.start()
    rig.online()
    rig.moving()
    rig.sim.watch('travel_motor', 'enable', 'command_speed')
    for board in ('power', 'dock'):
        rig.sim.misbehave(board, absent=True)
    requests = rig.module('travel_motor').statistics.requests
    rig.wait_for(
        lambda: rig.module('travel_motor').statistics.requests > requests + 12, what='rounds'
    )
    assert rig.sim.log() == []


@pytest.fixture
def helper():
    """A helper of its own, which heard no more than a test tells it."""
    process = WatchdogSupervisor()
    process.start()
    deadline = time.monotonic() + 5
    while not process.ready():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.002)
    child = process._child
    yield process
    process.close(standing=False)
    if child.poll() is None:
        child.kill()
    child.wait()


def test_the_helper_writes_to_no_other_board(make_rig, helper):
    rig = make_rig('travel_motor')
    module = rig.start()._motor
    rig.online()
    rig.wait_for(lambda: module.state().stop_verified, what='stop')
    orders = module._orders()
    rig.hw.close()
    rig.sim.swap('travel_motor', 'oht_v2_final_motor')
    rig.sim.write('travel_motor', 'module_type', 3)
    rig.sim.write('travel_motor', 'enable', 1)
    before = rig.sim.registers('travel_motor')
    helper.arm(orders)
    helper.pulse(WAITING)
    helper.pulse(LOST)
    reported = time.monotonic()
    rig.wait_for(lambda: time.monotonic() - reported > PULSE_TIMEOUT + 0.4, what='attempts')
    assert rig.sim.registers('travel_motor') == before
    rig.sim.swap('travel_motor', 'driver_2_motor')
    rig.sim.write('travel_motor', 'enable', 1)
    rig.wait_for(lambda: not rig.sim.read('travel_motor', 'enable'), what='stop of the right one')


def test_disarmed_helper_touches_nothing(tmp_path, helper):
    child = helper._child
    started = time.monotonic()
    helper.arm({'device': str(tmp_path / 'none'), 'writes': []})
    helper.disarm()
    helper.close(standing=False)
    assert child.wait(5) == 0
    assert time.monotonic() - started < 3

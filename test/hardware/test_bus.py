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
"""The line: urgency, silence, unplugging, damage; against boards on a pseudo-terminal."""

from __future__ import annotations

import itertools
import math
import os
import pty
import select
import termios
import threading
import time
import tty

import pytest

from oht50_bridge.hardware.bus import SerialLine
from oht50_bridge.hardware.bus import _Task
from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.errors import ExceptionReplyError
from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.errors import PortLostError
from oht50_bridge.hardware.errors import RequestAbandonedError
from oht50_bridge.hardware.registers import Timing
from oht50_bridge.hardware.requests import Break
from oht50_bridge.hardware.requests import Endpoint
from oht50_bridge.hardware.requests import Priority
from oht50_bridge.hardware.requests import Read
from oht50_bridge.hardware.requests import Write
from oht50_bridge.hardware.requests import write_verified
from oht50_bridge.hardware.rtu import crc16

TIMING = Timing(timeout=0.1, retries=2, gap=0.004, offline_after=1.0)


def once(request):
    return (yield request)


@pytest.fixture
def bench(make_rig):
    """A line without modules, to boards that answer."""
    rig = make_rig('travel_motor')
    line = SerialLine('drive', rig.process.port('drive'))
    line.start()
    yield rig, line, Endpoint(3, TIMING)
    line.close()


def test_reads_and_stamps(bench):
    _, line, board = bench
    before, wall = time.monotonic(), time.time_ns()
    reply = line.submit(once(Read(board, 0x0104, 3)), Priority.POLL).result(5)
    assert reply.words == (3, 1, 1)
    assert before < reply.read_at < time.monotonic()
    assert wall < reply.stamp < time.time_ns()
    statistics = board.statistics.snapshot()
    assert (statistics.requests, statistics.replies, statistics.timeouts) == (1, 1, 0)
    assert 0 < statistics.response_time_min == statistics.response_time_p99 < 0.1
    assert 0 < line.load.utilisation() < 1


def test_emergency_stop_overtakes_a_full_queue(bench):
    _, line, board = bench
    done = []
    polls = [line.submit(once(Read(board, 0, 16)), Priority.POLL) for _ in range(40)]
    stop = line.submit(once(Write(board, 1, (0, 0))), Priority.EMERGENCY_STOP)
    for future in polls:
        future.add_done_callback(done.append)
    stop.add_done_callback(lambda _: done.append('stop'))
    for future in [*polls, stop]:
        future.result(10)
    assert (
        done.index('stop') <= 2
    )  # the try on the wire, and one that ended while this was submitted


def test_priorities_go_in_their_order(bench):
    _, line, board = bench
    order = []
    urgent = Priority.EMERGENCY_STOP
    gate = line.submit(
        once(Read(Endpoint(9, TIMING), 0, 1, retries=0)), urgent
    )  # 100 ms of silence
    futures = []
    for priority in (Priority.SCAN, Priority.POLL, Priority.DRIVE, Priority.STOP, urgent):
        future = line.submit(once(Read(board, 0, 1)), priority)
        future.add_done_callback(lambda _, p=priority: order.append(p))
        futures.append(future)
    with pytest.raises(CommunicationTimeoutError):
        gate.result(5)
    for future in futures:
        future.result(5)
    assert order == sorted(order)


def test_emergency_stop_waits_for_one_try_of_a_silent_module(bench):
    _, line, board = bench
    silent = Endpoint(9, Timing(timeout=0.3, retries=9, gap=0.004, offline_after=1.0))
    lost = [line.submit(once(Read(silent, 0, 1)), Priority.POLL) for _ in range(3)]
    while not silent.statistics.snapshot().requests:
        time.sleep(0.001)
    line.submit(once(Write(board, 1, (0, 0))), Priority.EMERGENCY_STOP).result(5)
    assert silent.statistics.snapshot().requests <= 2  # of thirty
    line.close(5)
    for future in lost:
        with pytest.raises(RequestAbandonedError):
            future.result(5)


def test_a_write_waits_for_its_moment_and_a_stop_does_not_wait_for_it(bench):
    _, line, board = bench
    moment = time.monotonic() + 0.4
    done = []
    write = line.submit(once(Write(board, 7, (77,), not_before=moment)), Priority.DRIVE)
    write.add_done_callback(lambda _: done.append(('write', time.monotonic())))
    time.sleep(0.05)
    stop = line.submit(once(Write(board, 1, (0, 0))), Priority.EMERGENCY_STOP)
    stop.add_done_callback(lambda _: done.append(('stop', time.monotonic())))
    write.result(5)
    assert [name for name, _ in done] == ['stop', 'write']
    assert done[0][1] < moment < done[1][1]


def test_every_try_of_a_silent_module_is_its_own_slot(bench):
    _, line, board = bench
    silent = Endpoint(9, TIMING)
    order = []
    lost = line.submit(once(Read(silent, 0, 1)), Priority.POLL)
    lost.add_done_callback(lambda _: order.append('silent'))
    good = line.submit(once(Read(board, 0, 1)), Priority.POLL)
    good.add_done_callback(lambda _: order.append('good'))
    with pytest.raises(CommunicationTimeoutError, match='100 ms'):
        lost.result(5)
    good.result(5)
    assert order == ['good', 'silent']
    statistics = silent.statistics.snapshot()
    assert (statistics.requests, statistics.timeouts, statistics.retries) == (3, 3, 2)
    assert math.isnan(statistics.response_time_mean)
    assert line.port_error is None  # silence does not close the port


class Busy:
    """A board that is asked again as soon as it has answered."""

    def __init__(self, board, priority):
        self.board, self.urgency, self.rounds = board, priority, 0

    def priority(self):
        return self.urgency

    def steps(self):
        yield Read(self.board, 0, 4)
        self.rounds += 1
        return time.monotonic()

    def exchanged(self, error):
        pass


@pytest.mark.parametrize('priority', [Priority.DRIVE, Priority.POLL])
def test_a_scan_ends_on_a_line_that_is_polled_without_a_pause(bench, priority):
    _, line, board = bench
    busy = Busy(board, priority)
    line.add(busy)
    quiet = Endpoint(9, Timing(timeout=0.06, retries=0, gap=0.02, offline_after=1.0))

    def scan():
        found = []
        for endpoint in (quiet, Endpoint(3, quiet.timing), quiet):
            try:
                found.append((yield Read(endpoint, 0x0104, 3)).words[0])
            except CommunicationTimeoutError:
                found.append(None)
        return found

    before = busy.rounds
    assert line.submit(scan(), Priority.SCAN).result(10) == [None, 3, None]
    assert busy.rounds > before + 3  # meanwhile


def make_tasks(now, **waits):
    """Return tasks by name that have waited for so many s; the name is their priority."""
    tasks = {}
    for name, waited in waits.items():
        tasks[name] = _Task(None, None, Priority[name], len(tasks))
        tasks[name].due = tasks[name].served_at = now - waited
    return tasks


@pytest.mark.parametrize(
    ('waits', 'expected'),
    [
        ({'DRIVE': 0.01, 'SCAN': 0.29}, 'DRIVE'),
        ({'DRIVE': 0.01, 'SCAN': 0.31}, 'SCAN'),
        ({'DRIVE': 0.01, 'POLL': 0.31}, 'POLL'),
        ({'DRIVE': 0.01, 'POLL': 0.31, 'SCAN': 0.4}, 'SCAN'),
        ({'STOP': 0.0, 'SCAN': 9.0}, 'STOP'),
        ({'EMERGENCY_STOP': 0.0, 'POLL': 9.0}, 'EMERGENCY_STOP'),
    ],
)
def test_what_has_waited_for_long_goes_before_all_but_a_stop(waits, expected):
    line = SerialLine('drive', '/dev/null')
    tasks = make_tasks(100.0, **waits)
    assert line._choose(list(tasks.values()), 100.0) is tasks[expected]


def test_after_a_turn_that_was_given_away_comes_the_most_urgent(bench):
    _, line, board = bench
    order = []
    drive = Busy(board, Priority.DRIVE)
    exchanged = drive.exchanged
    drive.exchanged = lambda error: (order.append('drive'), exchanged(error))
    polls = [Busy(Endpoint(9, TIMING), Priority.POLL) for _ in range(3)]
    for poll in polls:
        poll.exchanged = lambda error: order.append('poll')
        poll.failed = lambda error: None
    for worker in (drive, *polls):
        line.add(worker)
    end = time.monotonic() + 10
    while order.count('poll') < 6:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not any(a == b == 'poll' for a, b in itertools.pairwise(order))


def test_damaged_reply_is_a_frame_error(bench):
    rig, line, board = bench
    rig.sim.misbehave('travel_motor', corrupt=1.0)
    with pytest.raises(FrameError):
        line.submit(once(Read(board, 0, 4)), Priority.POLL).result(5)
    assert board.statistics.snapshot().crc_errors == 3
    rig.sim.misbehave('travel_motor', corrupt=0.0)
    line.submit(once(Read(board, 0, 4)), Priority.POLL).result(5)


def test_exception_reply_is_not_retried(bench):
    _, line, board = bench
    with pytest.raises(ExceptionReplyError, match='exception 2 at 0x0400'):
        line.submit(once(Read(board, 0x0400, 1)), Priority.POLL).result(5)
    statistics = board.statistics.snapshot()
    assert (statistics.requests, statistics.exceptions) == (1, 1)


def test_verified_write_repeats_what_the_board_overwrites(bench):
    rig, line, board = bench
    rig.sim.misbehave('travel_motor', overwrite=1.0, cycle=0.005, tick=0.01)
    with pytest.raises(FrameError, match='0x0007 reads back'):
        line.submit(write_verified(board, 7, (77,)), Priority.DRIVE).result(5)
    rig.sim.misbehave('travel_motor', overwrite=0.0)
    line.submit(write_verified(board, 7, (77,)), Priority.DRIVE).result(5)
    assert rig.sim.registers('travel_motor')['0x0007'] == 77


def test_request_no_longer_valid_is_not_sent(bench):
    rig, line, board = bench
    request = Write(board, 7, (77,), valid=lambda: False)
    with pytest.raises(RequestAbandonedError):
        line.submit(once(request), Priority.DRIVE).result(5)
    assert board.statistics.snapshot().requests == 0
    assert rig.sim.registers('travel_motor')['0x0007'] == 100


def test_unplug_and_replug(bench, wait_for):
    rig, line, board = bench
    line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
    rig.sim.unplug('drive')
    with pytest.raises(PortLostError, match='check the cable'):
        line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
    assert line.port_error
    rig.sim.plug('drive')
    wait_for(lambda: line.port_error is None, what='port open again')
    line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
    counts = board.statistics.snapshot()
    assert counts.requests == counts.replies + counts.timeouts == counts.replies + 1


def test_close_abandons_what_waits_and_refuses_more(bench):
    _, line, board = bench
    futures = [line.submit(once(Read(board, 0, 1)), Priority.POLL) for _ in range(50)]
    line.close()
    line.close()
    assert any(isinstance(future.exception(5), RequestAbandonedError) for future in futures)
    with pytest.raises(RequestAbandonedError):
        line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)


def test_a_board_is_addressed_after_its_gap(make_rig):
    rig = make_rig('travel_motor', 'dock', one_line=True)
    rig.sim.misbehave('travel_motor', quiet_before=0.1)
    line = SerialLine('all', rig.process.port('all'))
    line.start()
    try:
        dock = Endpoint(5, TIMING)
        premature = Endpoint(3, Timing(timeout=0.1, retries=0, gap=0.0, offline_after=1.0))
        calm = Endpoint(3, Timing(timeout=0.1, retries=0, gap=0.12, offline_after=1.0))

        def after_traffic(motor):
            yield Read(dock, 0x0104, 1)
            return (yield Read(motor, 0x0104, 1))

        with pytest.raises(CommunicationTimeoutError):
            line.submit(after_traffic(premature), Priority.POLL).result(5)
        assert line.submit(after_traffic(calm), Priority.POLL).result(5).words == (3,)
    finally:
        line.close()


def test_a_port_belongs_to_one_line(bench, wait_for):
    _, line, board = bench
    line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
    second = SerialLine('second', line.device)
    second.start()
    try:
        wait_for(lambda: 'end the other process' in (second.port_error or ''), what='refusal')
        line.close()
        wait_for(lambda: second.port_error is None, what='the port once it is free')
    finally:
        second.close()


class Clumsy:
    """A worker with a defect outside of its round."""

    def __init__(self):
        self.errors = []

    def priority(self):
        if not self.errors:
            raise ZeroDivisionError('a defect')
        return Priority.POLL

    def steps(self):
        return time.monotonic() + 0.05
        yield

    def failed(self, error):
        self.errors.append(error)


def test_a_line_outlives_an_exception(bench, wait_for, caplog):
    _, line, board = bench
    worker = Clumsy()
    line.add(worker)
    wait_for(lambda: worker.errors, what='an error at the worker')
    line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
    assert 'a defect' in caplog.text


def test_an_exception_in_an_exchange_fails_the_request(bench, monkeypatch):
    _, line, board = bench
    with monkeypatch.context() as patch:
        patch.setattr(line._client, 'exchange', lambda request: {}['no'])
        with pytest.raises(KeyError):
            line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
    line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)


def test_a_port_that_takes_no_bytes_is_lost_and_opened_again(bench, monkeypatch, wait_for):
    _, line, board = bench

    def refuse(request):
        raise OSError(5, 'write failed')

    with monkeypatch.context() as patch:
        patch.setattr(line._client, 'exchange', refuse)
        with pytest.raises(PortLostError):
            line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
    wait_for(lambda: line.port_error is None, what='port open again')
    line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)


def test_a_port_that_blocks_is_lost(bench, wait_for):
    _, line, board = bench
    line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
    port = os.open(line.device, os.O_RDWR | os.O_NOCTTY)
    try:
        termios.tcflow(port, termios.TCOOFF)
        began = time.monotonic()
        with pytest.raises(PortLostError):
            line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)
        assert time.monotonic() - began < 1.0
    finally:
        termios.tcflow(port, termios.TCOON)
        os.close(port)
    wait_for(lambda: line.port_error is None, what='port open again')
    line.submit(once(Read(board, 0, 1)), Priority.POLL).result(5)


@pytest.fixture
def wire():
    """A line, and the other end of its wire."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    line = SerialLine('drive', os.ttyname(theirs))
    yield line, ours
    line.close()
    os.close(ours)
    os.close(theirs)


def test_late_reply_is_not_taken_for_that_of_the_next_request(wire):
    line, end = wire
    late = threading.Event()

    def answer():
        """Answer each read of one register with its address, the first too late."""
        for number in range(3):
            request = b''
            while len(request) < 8:
                request += os.read(end, 8 - len(request))
            if number == 0:
                late.wait(5)
                time.sleep(0.02)  # the next request is on its way, were it not held back
            reply = bytes([4, 3, 2]) + request[2:4]
            os.write(end, reply + crc16(reply))

    board = threading.Thread(target=answer)
    board.start()
    line.start()
    timing = Timing(timeout=0.1, retries=0, gap=0.004, offline_after=1.0)
    endpoint = Endpoint(4, timing)
    with pytest.raises(CommunicationTimeoutError):
        line.submit(once(Read(endpoint, 1, 1)), Priority.POLL).result(5)
    late.set()
    assert [
        line.submit(once(Read(endpoint, address, 1)), Priority.POLL).result(5).words
        for address in (2, 3)
    ] == [(2,), (3,)]
    board.join()


def test_a_reply_to_the_second_try_is_not_taken_for_that_of_the_next_request(wire):
    """What answers a second try may be the late reply to the first: its own is still to come."""
    line, end = wire
    timing = Timing(timeout=0.1, retries=1, gap=0.004, offline_after=1.0)

    def request():
        got = b''
        while len(got) < 8:
            got += os.read(end, 8 - len(got))
        return got

    def reply(to):
        body = bytes([4, 3, 2]) + to[2:4]
        os.write(end, body + crc16(body))

    def answer():
        """Answer both tries of the first read, the first too late and the second just in time."""
        first, second = request(), request()
        reply(first)
        select.select([end], [], [], 0.9 * timing.timeout)
        reply(second)
        reply(request())

    board = threading.Thread(target=answer)
    board.start()
    line.start()
    endpoint = Endpoint(4, timing)
    assert [
        line.submit(once(Read(endpoint, address, 1)), Priority.POLL).result(5).words
        for address in (1, 2)
    ] == [(1,), (2,)]
    board.join()


def test_a_late_exception_to_a_read_is_not_taken_for_that_to_a_stop(wire):
    """A stop does not wait for it, so it comes first."""
    line, end = wire

    def answer():
        """Refuse the read when the write is there; then answer each try of that."""
        request = b''
        while len(request) < 8:
            request += os.read(end, 8 - len(request))
        late = bytes([4, 0x83, 2])
        for _ in range(2):
            write = b''
            while len(write) < 13:
                write += os.read(end, 13 - len(write))
            reply = late or write[:6]
            os.write(end, reply + crc16(reply))
            late = b''

    board = threading.Thread(target=answer, daemon=True)
    board.start()
    line.start()
    endpoint = Endpoint(4, Timing(timeout=0.1, retries=1, gap=0.004, offline_after=1.0))
    with pytest.raises(CommunicationTimeoutError):
        line.submit(once(Read(endpoint, 1, 1, retries=0)), Priority.POLL).result(5)
    line.submit(once(Write(endpoint, 1, (0, 0))), Priority.STOP).result(5)
    board.join()
    counts = endpoint.statistics.snapshot()
    assert (counts.exceptions, counts.crc_errors, counts.replies) == (0, 1, 1)


def test_other_boards_are_read_while_a_reply_may_be_late(wire):
    """A late reply names its board: it is not taken for theirs, and they do not wait for it."""
    line, end = wire
    asked = []

    def answer():
        """Answer the first request after the second, which is to another board."""
        for _ in range(2):
            request = b''
            while len(request) < 8:
                request += os.read(end, 8 - len(request))
            asked.append((request[0], time.monotonic()))
        for unit, word in ((4, 1), (5, 2)):
            reply = bytes([unit, 3, 2, 0, word])
            os.write(end, reply + crc16(reply))

    boards = threading.Thread(target=answer)
    boards.start()
    line.start()
    timing = Timing(timeout=0.5, retries=0, gap=0.004, offline_after=1.0)
    with pytest.raises(CommunicationTimeoutError):
        line.submit(once(Read(Endpoint(4, timing), 1, 1)), Priority.POLL).result(5)
    failed = time.monotonic()
    reply = line.submit(once(Read(Endpoint(5, timing), 1, 1)), Priority.POLL).result(5)
    boards.join()
    assert reply.words == (2,)
    assert [unit for unit, _ in asked] == [4, 5]
    assert asked[1][1] - failed < 0.2  # a reply to board 4 may come for 0.25 s


@pytest.mark.parametrize('noise', [b'\x00', b'\x04\x03\xff', b'\x04\x83\x02'])
def test_a_line_on_which_bytes_never_end_is_not_waited_for(wire, noise):
    line, end = wire
    ended = threading.Event()

    def babble():
        while not ended.wait(0.002):
            os.write(end, noise)

    thread = threading.Thread(target=babble)
    try:
        thread.start()
        line.start()
        began = time.monotonic()
        timing = Timing(timeout=0.1, retries=0, gap=0.004, offline_after=1.0)
        with pytest.raises(FrameError):
            line.submit(once(Read(Endpoint(4, timing), 0, 4)), Priority.POLL).result(5)
        assert time.monotonic() - began < 1.0
    finally:
        ended.set()
        thread.join()


def test_a_break_is_a_zero_at_its_speed_and_the_line_returns_to_its_own(wire):
    line, end = wire
    seen = []

    def observe():
        seen.append((os.read(end, 16), termios.tcgetattr(end)[4]))

    observer = threading.Thread(target=observe)
    observer.start()
    line.start()
    board = Endpoint(4, TIMING)
    before = time.monotonic()
    reply = line.submit(once(Break(board, 9600)), Priority.POLL).result(5)
    observer.join()
    assert seen == [(b'\0', termios.B9600)]
    assert termios.tcgetattr(end)[4] == termios.B115200
    assert reply.words == ()
    assert before < reply.read_at <= time.monotonic()
    assert board.statistics.snapshot().requests == 0


def test_a_break_on_a_port_that_is_gone_is_its_loss(bench):
    rig, line, board = bench
    assert line.submit(once(Break(board, 9600)), Priority.POLL).result(5)
    rig.sim.unplug('drive')
    with pytest.raises(PortLostError):
        line.submit(once(Break(board, 9600)), Priority.POLL).result(5)

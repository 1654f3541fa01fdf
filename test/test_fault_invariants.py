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
"""Each checker of the fault harness, on a recording in which it must fail."""

import dataclasses
import struct

import pytest
from faults.harness import invariants
from faults.harness.modbus import DIRECTION
from faults.harness.modbus import ENABLE
from faults.harness.modbus import FORWARD
from faults.harness.modbus import MOTOR
from faults.harness.modbus import Splitter
from faults.harness.modbus import crc16
from faults.harness.modbus import reply_length
from faults.harness.modbus import request_length
from faults.harness.modbus import sealed
from faults.harness.recording import Command
from faults.harness.recording import Frame
from faults.harness.recording import Message
from faults.harness.recording import Published
from faults.harness.recording import Recording
from faults.harness.recording import Truth
from faults.harness.recording import Usage
from faults.harness.recording import Window

from oht50_bridge.hardware.rtu import crc16 as crc_of_the_product

PERIOD = 0.05  # s
END = 4.0  # s


def write(first, *words):
    """Return a request that writes registers of the motor's board."""
    count = len(words)
    head = struct.pack('>BBHHB', MOTOR, 16, first, count, 2 * count)
    return sealed(head + struct.pack(f'>{count}H', *words))


def frames(at, *writes):
    """Return a frame as it is sent and as it arrives."""
    for data in writes:
        yield Frame(at, 'drive', 'sent', data)
        yield Frame(at + 0.001, 'drive', 'arrived', data)


MOVE = (write(DIRECTION, FORWARD), write(ENABLE, 1, 30))
STOP = (write(ENABLE, 0, 0),)


def good(stopped=3.0, fault=2.0):
    """Return a vehicle that moves from 1 s until its commands end at 2.9 s."""
    topics = []
    for at in (round(step * PERIOD, 2) for step in range(int(END / PERIOD))):
        topics.append(Published(at, at, 'SAFETY_HEARTBEAT', {'motion_permitted': True}))
        topics.append(Published(at, at, 'POSITION', {'state': 'valid'}))
        velocity = 0.3 if 0.9 < at < 2.9 else 0.0
        topics.append(Published(at, at, 'DRIVE_COMMAND', {'velocity': velocity}))
    topics.insert(0, Published(0.0, 0.0, 'ESTOP_STATE', {'latched': False, 'estop_id': ''}))
    end = Frame(END, 'drive', 'sent', write(ENABLE, 0, 0))
    usage = [Usage('safety_node', 7, 50_000_000, 20, 9)]
    moments = [round(step * 0.1, 1) for step in range(40)]
    return Recording(
        windows=[Window(fault, fault + 0.5, 'none')],
        frames=[*frames(1.0, *MOVE), *frames(stopped, *STOP), end],
        truth=[Truth(at, 20.0, 0.3 if 1.1 < at < stopped else 0.0) for at in moments],
        topics=topics,
        messages=[
            Message(at, 'watcher', {'type': 'module.status_change', 'seq': number})
            for number, at in enumerate(moments, 1)
        ],
        delays=[(at, 0.004) for at in moments],
        log='[INFO] [1.0] [safety_node]: up\n[WARN] [2.0] [hardware_node]: dock: lost\n',
        before=usage,
        after=usage,
    )


def found(recording, **options):
    return {violation.invariant for violation in invariants.all_of(recording, **options)}


def without(recording, topic, since):
    """Return it without what is sent on a topic from a moment on."""
    kept = [seen for seen in recording.topics if seen.topic != topic or seen.at < since]
    return dataclasses.replace(recording, topics=kept)


def test_a_good_recording_contradicts_nothing():
    assert found(good(), shows=('dock: lost',)) == set()


@pytest.mark.parametrize('topic', ['DRIVE_COMMAND', 'SAFETY_HEARTBEAT', 'POSITION'])
def test_current_without_a_reason(topic):
    recording = without(good(), topic, 1.5)
    assert found(recording) == {'motion'}
    assert topic.rpartition('_')[2].lower() in invariants.motion(recording)[0].text


def test_current_while_a_stop_is_latched():
    recording = good()
    recording.topics.append(
        Published(2.0, 2.0, 'ESTOP_STATE', {'latched': True, 'estop_id': 'estop-1'})
    )
    assert 'latch' in invariants.motion(recording)[0].text
    assert found(recording) == {'motion', 'events'}, 'nobody was informed either'


def test_current_that_goes_on_after_the_command():
    assert found(good(stopped=3.4)) == {'motion'}
    assert found(good(stopped=3.2)) == set()


def test_the_ramp_to_standstill_after_a_command_of_0():
    late = 2.7  # s, the last command that moves; that of 0 is observed 0.2 s later
    recording = good(stopped=3.2)
    recording.topics[:] = [
        seen
        for seen in recording.topics
        if seen.topic != 'DRIVE_COMMAND' or not late < seen.at < 2.9
    ]
    recording.frames[-1:-1] = frames(3.1, write(ENABLE, 1, 10))
    recording.frames.sort(key=lambda frame: frame.at)
    assert found(recording) == set()
    recording.frames[-1:-1] = frames(3.15, write(ENABLE, 1, 20))
    recording.frames.sort(key=lambda frame: frame.at)
    assert 'after a command of 0' in invariants.motion(recording)[-1].text


def test_a_dead_line_excuses_current_and_no_frame():
    recording = without(good(stopped=3.9), 'SAFETY_HEARTBEAT', 2.0)
    recording.windows[:] = [Window(2.0, 2.5, 'drive-deaf', 'drive')]
    assert found(recording) == set()
    recording.frames[-1:] = frames(3.95, *MOVE)
    assert found(recording) == {'motion'}


@pytest.mark.parametrize(
    ('stopped', 'fault', 'expected'),
    [
        (2.6, 'hardware_node-hangs', set()),
        (2.6, 'telemetry_node-hangs', {'motion'}),
        (2.8, 'hardware_node-hangs', {'motion'}),
    ],
)
def test_a_stop_that_meets_a_hang_is_performed_by_the_watchdog(stopped, fault, expected):
    recording = good(stopped=stopped)
    recording.topics.append(
        Published(2.1, 2.1, 'ESTOP_STATE', {'latched': True, 'estop_id': 'estop-1'})
    )
    body = {'type': 'safety.estop', 'seq': 41, 'data': {'estop_id': 'estop-1'}}
    recording.messages.append(Message(4.0, 'watcher', body))
    recording.windows[:] = [Window(2.0, 2.5, fault)]
    assert found(recording) == expected


def test_a_frame_that_moves_and_does_not_arrive():
    recording = without(good(stopped=2.2), 'SAFETY_HEARTBEAT', 2.0)
    recording.truth[:] = []
    assert found(recording) == set()
    recording.frames.append(Frame(2.9, 'drive', 'sent', MOVE[0]))
    recording.frames.append(Frame(2.9, 'drive', 'sent', MOVE[1]))
    assert 'a frame moves the motor' in invariants.motion(recording)[0].text


def test_a_stop_that_a_silent_board_may_not_have_got():
    recording = good(stopped=2.2)
    recording.truth[:] = [Truth(at, 20.0, 0.3) for at in (1.2, 2.2, 3.0)]
    answered = [Frame(1.001, 'drive', 'replied', data[:6]) for data in MOVE]
    sent, moves = recording.frames, 4
    recording.frames[:] = [
        frame
        for pair in zip(sent[:moves:2], sent[1:moves:2], answered, strict=True)
        for frame in pair
    ] + sent[moves:]
    assert invariants.motion(recording) == []
    recording.frames.insert(-1, Frame(2.202, 'drive', 'replied', STOP[0][:6]))
    assert 'without current' in invariants.motion(recording)[0].text


def test_a_carrier_that_moves_by_itself():
    recording = good()
    recording.truth.append(Truth(3.9, 20.0, 0.2))
    assert 'without current' in invariants.motion(recording)[0].text


def test_a_board_that_restarted_has_no_current():
    recording = good(stopped=3.9)
    read = sealed(struct.pack('>BBHH', MOTOR, 3, 0, 5))
    reply = sealed(struct.pack('>BBB5H', MOTOR, 3, 10, 1, 0, 0, 0, 0))
    recording.frames[4:4] = [
        Frame(2.9, 'drive', 'arrived', read), Frame(2.91, 'drive', 'replied', reply),
    ]  # fmt: skip
    recording.truth[:] = []
    assert found(recording) == set()


def test_an_urgent_event_that_overtook_others_has_no_number():
    recording = good()
    number = recording.messages[20].body.pop('seq')
    assert found(recording) == set()
    recording.messages[20].body['type'] = 'telemetry.realtime'
    text = invariants.events(recording)[0].text
    assert f'has seq {number + 1} after {number - 1}' in text


def test_an_event_that_is_missing_or_comes_twice():
    for change in (lambda messages: messages.pop(20), lambda messages: messages.append(
        Message(4.0, 'watcher', messages[20].body)
    )):  # fmt: skip
        recording = good()
        change(recording.messages)
        assert found(recording) == {'events'}
    recording = good()
    recording.messages.pop(20)
    recording.seams.append(2.05)
    assert found(recording) == set(), 'its client knows'


def test_a_stop_that_was_reported_to_nobody():
    recording = good(stopped=2.2)
    recording.truth[:] = []
    state = {'latched': True, 'estop_id': 'estop-1'}
    recording.topics.append(Published(2.1, 2.1, 'ESTOP_STATE', state))
    assert found(recording) == {'events'}
    body = {'type': 'safety.estop', 'seq': 41, 'data': {'estop_id': 'estop-1'}}
    recording.messages.append(Message(4.0, 'watcher', body))
    assert found(recording) == set()


def test_a_stop_of_another_vehicle_is_reported_to_its_own_clients():
    fields = {'latched': True, 'estop_id': 'estop-a', 'vehicle': '1e'}
    for vehicle, expected in (('0f', set()), ('1e', {'events'})):
        recording = dataclasses.replace(good(), vehicle=vehicle)
        recording.topics.append(Published(3.5, 3.5, 'ESTOP_STATE', fields))
        assert found(recording) == expected


def test_a_client_that_is_delayed_by_another_one():
    recording = good()
    recording.delays[30] = (3.0, 0.06)
    assert found(recording, bad_client=True) == {'delays'}
    late = dataclasses.replace(recording, stall=0.02)
    assert found(late, bad_client=True) == set(), 'the host was'
    recording = good()
    recording.delays[:] = [(at, 0.06) for at, _ in recording.delays]
    assert found(recording, bad_client=True) == set(), 'it always is'


@pytest.mark.parametrize(('field', 'more'), [('files', 5), ('threads', 3), ('memory', 13_000_000)])
def test_what_does_not_return_to_its_level(field, more):
    recording = good()
    usage = recording.before[0]
    recording.after = [usage._replace(**{field: getattr(usage, field) + more})]
    assert found(recording) == {'resources'}


def test_a_process_that_does_not_come_back():
    recording = good()
    recording.after = []
    assert found(recording) == {'resources'}


def test_a_fault_that_is_silent():
    assert found(good(), shows=('safety: lost', 'NET-002')) == {'visibility'}


def test_a_fault_that_floods():
    line = '[ERROR] [{}] [hardware_node]: dock: no answer for {} s\n'
    recording = good()
    recording.log += ''.join(line.format(number, number / 7) for number in range(7))
    assert found(recording) == {'visibility'}
    recording = good()
    names = [chr(97 + number % 26) * (1 + number // 26) for number in range(130)]
    recording.log += ''.join(f'[WARN] [1.0] [hardware_node]: {name}\n' for name in names)
    assert found(recording) == {'visibility'}


def test_an_exception_that_nobody_handled():
    recording = good()
    recording.log += 'Traceback (most recent call last):\n  ...\nKeyError: 7\n'
    assert found(recording) == {'visibility'}


FAILED = {'type': 'error', 'error_code': 'WS-009'}
REFUSED = {'type': 'command.result', 'data': {'accepted': False}}


@pytest.mark.parametrize('answer', [FAILED, REFUSED])
def test_a_mission_that_failed_and_starts(answer):
    recording = good()
    started = Published(3.5, 3.5, 'MISSION_STARTED', {'mission_id': 'm-1'})
    recording.topics.append(started)
    fields = {'mission_id': 'm-1'}
    recording.commands.append(Command(2.0, 3.0, 'start_mission', fields, answer))
    assert found(recording) == {'commands'}
    for other in (None, {'type': 'command.result', 'data': {'accepted': True}}):
        recording.commands[0] = Command(2.0, 3.0, 'start_mission', fields, other)
        assert found(recording) == set()


def test_a_change_that_failed_and_is_applied():
    recording = good()
    fields = {'changes': {'telemetry_rate': 5.017}}
    recording.commands.append(Command(2.0, 3.0, 'update_config', fields, FAILED))
    data = {'status': 'applied', 'changes': {'telemetry_rate': {'new': 5.017}}}
    body = {'type': 'config.updated', 'seq': 41, 'data': data}
    recording.messages.append(Message(4.0, 'watcher', body))
    assert found(recording) == {'commands'}


def test_a_recording_is_read_as_it_was_written(tmp_path):
    recording = good()
    recording.commands.append(Command(2.0, 3.0, 'start_mission', {}, REFUSED))
    recording.save(tmp_path / 'recording.json')
    assert Recording.load(tmp_path / 'recording.json') == recording


def test_frames_are_found_among_noise():
    request, reply = write(ENABLE, 0, 0), sealed(bytes([3, 3, 2, 0, 7]))
    assert crc16(b'\x01\x03') == crc_of_the_product(b'\x01\x03')
    requests, replies = Splitter(request_length), Splitter(reply_length)
    assert list(requests.feed(request[:5], 0.0)) == []
    assert list(requests.feed(request[5:] + request, 0.01)) == [request, request]
    assert list(replies.feed(b'\x00\x55' + reply, 0.0)) == []
    assert list(replies.feed(reply, 1.0)) == [reply]

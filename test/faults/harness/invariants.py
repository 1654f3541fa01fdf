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
"""What holds whatever breaks, each judged on a recording alone.

A checker returns what contradicts it, as `Violation`s; an empty list means that it holds.
"""

from __future__ import annotations

import bisect
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from faults.harness.modbus import MOTOR
from faults.harness.modbus import MotorImage
from faults.harness.recording import Frame
from faults.harness.recording import Recording
from faults.harness.recording import Usage


class Violation(NamedTuple):
    """Where an invariant does not hold."""

    invariant: str
    at: float  # s
    text: str


# --- (a) motion ---

# s, from the last sign of each reason to move until the motor has no current any more
# (docs/safety.md, Failures and their tests).
COMMAND, HEARTBEAT, LATCH = 0.4, 0.5, 0.3
POSITION = 0.8  # silence of 0.5 s, one heartbeat, and 0.2 s for a motion that is not permitted
# s, until a frame that moves the motor may not be sent any more: what the guard permits, and what
# the message and the frame need.
SENT = {'command': 0.3, 'heartbeat': 0.4, 'latch': 0.2, 'position': 0.8}
ARRIVAL = 0.1  # s, until a command is in a frame
WATCHDOG = 0.7  # s, from the hang of hardware_node until the watchdog has stopped the motor
RECOVERY = 1.5  # s after the end of a disturbance of its line, in which the motor is stopped
DECELERATION = 2.0  # m/s^2, of the simulated carrier without current
COASTING = 0.4  # s, of truth and frame that are not of one moment, and of the board's own cycle
STANDS = 0.01  # m/s
STEP = 0.02  # s, between two looks at what permits motion
DRIVE_LINE = 'drive'


class Times:
    """Moments, and how long before another moment the last of them was."""

    def __init__(self, moments: Iterable[float]) -> None:
        self._moments = sorted(moments)

    def since(self, at: float) -> float:
        """Return s from the last moment until `at`; infinity when there is none."""
        index = bisect.bisect_right(self._moments, at)
        return at - self._moments[index - 1] if index else math.inf


class Reasons:
    """When there was a reason to move, by the topics."""

    def __init__(self, recording: Recording) -> None:
        def sent(topic: str, holds: Callable[[dict], bool]) -> Times:
            return Times(
                seen.at for seen in recording.topics if seen.topic == topic and holds(seen.fields)
            )

        commands = sorted(
            (seen.at, seen.fields['velocity'] != 0.0)
            for seen in recording.topics
            if seen.topic == 'DRIVE_COMMAND'
        )
        # A command of 0 is approached by the ramp, from the first of them on.
        firsts = [
            at for (_, moved), (at, moves) in pairwise([(0.0, False), *commands]) if moved or moves
        ]
        self._zeros = Times(at for at, moves in commands if not moves)
        self._moves = Times(at for at, moves in commands if moves)
        self._signs = {
            'command': Times(firsts),
            'heartbeat': sent('SAFETY_HEARTBEAT', lambda fields: fields['motion_permitted']),
            'position': sent('POSITION', lambda fields: fields['state'] == 'valid'),
        }
        self._latch = [
            (seen.received, seen.fields['latched'])
            for seen in recording.topics
            if seen.topic == 'ESTOP_STATE'
        ]

    def lacking(self, at: float, limits: dict[str, float]) -> tuple[str, float] | None:
        """Return the reason to move that is missing at a moment, and for how long, s."""
        for name, signs in self._signs.items():
            missing = signs.since(at)
            if missing > limits[name]:
                return name, missing
        latched = self.latched_for(at)
        return ('latch', latched) if latched > limits['latch'] else None

    def commands_standstill(self, at: float, limit: float) -> bool:
        """Whether the last command before a moment is 0, and none moved within `limit` s."""
        return self._moves.since(at) > max(limit, self._zeros.since(at))

    def latched_for(self, at: float) -> float:
        """Return for how long a stop has been latched, s; 0 while none is."""
        since = None
        for moment, latched in self._latch:
            if moment > at:
                break
            since = (moment if since is None else since) if latched else None
        return 0.0 if since is None else at - since


def driven(frames: Sequence[Frame], *, answered: bool = False) -> list[tuple[float, float]]:
    """Return when the motor had current: from and to, s, by what its board got and answered.

    Args:
        frames: on all lines.
        answered: count only what was answered. A silent board may have got nothing.

    """
    image, spans, since, request = MotorImage(), [], None, b''
    for frame in frames:
        if frame.line != DRIVE_LINE:
            continue
        if frame.way == 'arrived':
            request = frame.data
            if not answered:
                image.request(request)
        elif frame.way == 'replied':
            if answered and request:
                image.request(request)
            image.reply(frame.data)
            request = b''
        drives = image.output.drives
        if drives and since is None:
            since = frame.at
        elif not drives and since is not None:
            spans.append((since, frame.at))
            since = None
    if since is not None:
        spans.append((since, frames[-1].at))
    return spans


def motion(recording: Recording) -> list[Violation]:
    """(a) The motor has current only with a command, a heartbeat, no latch and a position.

    While its line is disturbed it may not be possible to stop it; what is sent is judged all the
    same, and it must be stopped soon after. While hardware_node hangs, the watchdog stops it.
    """
    found: list[Violation] = []
    reasons = Reasons(recording)
    slack = recording.stall if recording.stall > 0.1 else 0.0
    limits = {
        'command': COMMAND + slack,
        'heartbeat': HEARTBEAT + slack,
        'latch': LATCH + slack,
        'position': POSITION + slack,
    }
    disturbed = [
        (window.start, window.end + RECOVERY)
        for window in recording.windows
        if window.line == DRIVE_LINE
    ] + [
        (window.start, window.start + WATCHDOG)
        for window in recording.windows
        if 'hardware_node' in window.fault and 'hangs' in window.fault
    ]
    spans = driven(recording.frames)
    for start, end in spans:
        at = start
        while at < end:
            if not any(first <= at <= last for first, last in disturbed):
                lacking = reasons.lacking(at, limits)
                if lacking:
                    name, missing = lacking
                    text = f'the motor has current, {name} is missing for {missing:.2f} s'
                    found.append(Violation('motion', at, text))
                    break
            at += STEP
    found += _frames_that_move(recording, reasons, slack)
    found += _motion_without_current(recording, spans + driven(recording.frames, answered=True))
    return found


def _frames_that_move(recording: Recording, reasons: Reasons, slack: float) -> Iterable[Violation]:
    """Judge what the host sends, whether it arrives or not."""
    image = MotorImage()
    limits = {name: limit + slack for name, limit in SENT.items()}
    for frame in recording.frames:
        if frame.line != DRIVE_LINE or frame.way != 'sent' or frame.data[0] != MOTOR:
            continue
        before = image.output
        image.request(frame.data)
        if not image.output.drives or image.output == before:
            continue
        lacking = reasons.lacking(frame.at, limits)
        if (
            reasons.commands_standstill(frame.at, ARRIVAL + slack)
            and image.output.speed > before.speed
        ):
            text = f'a frame drives faster, {image.output.speed}, after a command of 0'
            yield Violation('motion', frame.at, text)
            return
        if lacking:
            name, missing = lacking
            text = f'a frame moves the motor, {name} is missing for {missing:.2f} s'
            yield Violation('motion', frame.at, text)
            return


def _motion_without_current(
    recording: Recording, spans: Sequence[tuple[float, float]]
) -> Iterable[Violation]:
    """Compare the motion of the carrier with the current of its motor."""
    for seen in recording.truth:
        if abs(seen.velocity) < STANDS:
            continue
        coasts = COASTING + abs(seen.velocity) / DECELERATION
        if not any(start - 0.1 <= seen.at <= end + coasts for start, end in spans):
            text = f'the carrier moves at {seen.velocity:.3f} m/s without current'
            yield Violation('motion', seen.at, text)
            return


# --- (b) events ---

EVENT_CLASS = {
    'system.error', 'mission.started', 'mission.completed', 'safety.zone_entered', 'safety.estop',
    'safety.clear', 'config.updated', 'config.rollback', 'module.discovered',
    'module.status_change',
}  # fmt: skip


def events(recording: Recording) -> list[Violation]:
    """(b) Who stays connected or resumes gets each event once, and each stop that is latched.

    A client that is informed that events are missing (`resume.result`, not recovered) has none to
    miss, see `Recording.seams`.
    """
    found: list[Violation] = []
    for client in sorted({message.client for message in recording.messages}):
        last, last_at, overtook = None, -math.inf, 0
        for message in recording.messages:
            if message.client != client:
                continue
            number = message.body.get('seq')
            if number is None:
                # An urgent event that overtook others has no number, and theirs are one more.
                overtook += message.body['type'] in EVENT_CLASS
                continue
            seam = any(last_at <= moment <= message.at for moment in recording.seams)
            missing = 0 if last is None or seam else number - last - 1
            if not 0 <= missing <= overtook:
                text = f'{client}: {message.body["type"]} has seq {number} after {last}'
                found.append(Violation('events', message.at, text))
            overtook -= max(0, min(missing, overtook))
            last, last_at = number, message.at
    reported = {
        message.body['data']['estop_id']
        for message in recording.messages
        if message.body['type'] == 'safety.estop'
    }
    for seen in recording.topics:
        stop = seen.fields.get('estop_id')
        if seen.topic != 'ESTOP_STATE' or seen.fields.get('vehicle', '') != recording.vehicle:
            continue  # a stop of another vehicle is reported to its own clients
        if seen.fields['latched'] and stop not in reported:
            informed = any(moment > seen.received for moment in recording.seams)
            if recording.messages and not informed:
                text = f'the latched stop {stop} was reported to no client'
                found.append(Violation('events', seen.received, text))
            reported.add(stop)
    return found


# --- (c) delays ---

MOST_DELAY = 0.05  # s, that a good client may be delayed by a bad one


def delays(recording: Recording) -> list[Violation]:
    """(c) A good client waits for no bad one: answers are late by no more than before."""
    start = min((window.start for window in recording.windows), default=math.inf)
    before = sorted(delay for at, delay in recording.delays if at < start)
    during = [(at, delay) for at, delay in recording.delays if at >= start]
    if not before or not during:
        return []
    usual = before[len(before) // 2]
    at, worst = max(during, key=lambda pair: pair[1])
    if worst - usual > MOST_DELAY + recording.stall:
        text = f'an answer took {worst * 1e3:.0f} ms, {usual * 1e3:.0f} ms before the fault'
        return [Violation('delays', at, text)]
    return []


# --- (d) resources ---

MOST_FILES, MOST_THREADS = 4, 2  # more than before
MOST_MEMORY = 12e6  # B, more than before, of a process that goes on; one that is new has begun


def resources(recording: Recording) -> list[Violation]:
    """(d) Memory, files and threads return to their level."""
    at = max((window.end for window in recording.windows), default=0.0)
    return [
        Violation('resources', at, text)
        for text in not_returned(recording.before, recording.after)
    ]


def not_returned(before: Iterable[Usage], after: Iterable[Usage]) -> list[str]:
    """Return what is above the level of before."""
    levels = {usage.name: usage for usage in before}
    found = []
    for usage in after:
        level = levels.get(usage.name)
        if level is None:
            continue
        excess = {
            'files': usage.files - level.files - MOST_FILES,
            'threads': usage.threads - level.threads - MOST_THREADS,
            'memory': usage.memory - level.memory - MOST_MEMORY,
        }
        for name, value in excess.items():
            if value > 0:
                now, then = getattr(usage, name), getattr(level, name)
                found.append(f'{usage.name}: {name} {now} after, {then} before')
    missing = levels.keys() - {usage.name for usage in after}
    return [*found, *(f'{name} is missing' for name in missing)]


# --- (e) visibility ---

MOST_LINES = 120  # of warnings and errors, of one fault
MOST_REPEATS = 6  # of one of them, numbers apart
_LOUD = re.compile(r'\b(WARN|ERROR|FATAL|Traceback)\b')


def visibility(recording: Recording, shows: Sequence[str] = ()) -> list[Violation]:
    """(e) A fault is visible with its cause, not silent and not in a flood.

    Args:
        recording: of it.
        shows: what one of the log, the events and the states says, as regular expressions; one is
            enough, none: the fault need not show.

    """
    found = []
    at = recording.windows[0].start if recording.windows else 0.0
    said = '\n'.join(
        [recording.log]
        + [
            json.dumps(message.body)
            for message in recording.messages
            if message.body['type'].split('.')[0] in ('system', 'safety', 'module', 'mission')
        ]
    )
    if shows and not any(re.search(pattern, said) for pattern in shows):
        found.append(Violation('visibility', at, f'nothing says {" or ".join(shows)}'))
    loud = [line for line in recording.log.splitlines() if _LOUD.search(line)]
    if len(loud) > MOST_LINES:
        found.append(Violation('visibility', at, f'{len(loud)} warnings and errors'))
    alike = Counter(re.sub(r'[0-9a-f]{8,}|\d+(\.\d+)?', 'N', line) for line in loud)
    for line, count in alike.items():
        if count > MOST_REPEATS:
            found.append(Violation('visibility', at, f'{count} times: {line[:160]}'))
    if 'Traceback' in recording.log:
        begin = recording.log.index('Traceback')
        found.append(Violation('visibility', at, recording.log[begin : begin + 2000]))
    return found


# --- (f) commands ---


def commands(recording: Recording) -> list[Violation]:
    """(f) What was answered as failed is not carried out afterwards."""
    found = []
    for command in recording.commands:
        if not command.failed or command.name == 'emergency_stop':
            continue
        for at, text in _effects(recording, command.name, command.fields):
            if at >= command.at:
                text = f'{command.name} {command.fields} failed, and yet {text}'
                found.append(Violation('commands', at, text))
                break
    return found


def _effects(recording: Recording, name: str, fields: dict) -> Iterable[tuple[float, str]]:
    if name == 'start_mission':
        for seen in recording.topics:
            if seen.topic == 'MISSION_STARTED' and (
                seen.fields['mission_id'] == fields.get('mission_id')
            ):
                yield seen.received, 'its mission started'
        for message in recording.messages:
            if message.body['type'] == 'mission.started' and (
                message.body['data']['mission_id'] == fields.get('mission_id')
            ):
                yield message.at, 'its mission started'
    if name == 'update_config':
        for message in recording.messages:
            data = message.body.get('data') or {}
            if message.body['type'] != 'config.updated' or data['status'] != 'applied':
                continue
            if all(str(value) in str(data['changes']) for value in fields['changes'].values()):
                yield message.at, 'the configuration changed'


def all_of(
    recording: Recording, shows: Sequence[str] = (), *, bad_client: bool = False
) -> list[Violation]:
    """Return what contradicts any of them.

    Args:
        recording: of what happened.
        shows: see `visibility`.
        bad_client: whether the fault is another client, which no good one waits for; where the
            bridge itself hangs, all of them do.

    """
    found = visibility(recording, shows)
    if bad_client:
        found += delays(recording)
    for check in (motion, events, resources, commands):
        found += check(recording)
    return sorted(found, key=lambda violation: violation.at)

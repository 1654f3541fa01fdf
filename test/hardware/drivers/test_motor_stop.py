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
"""The frames of a stop: all are tried, those that stop at once first. No line, no board."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from oht50_bridge.hardware.drivers.motor import MotorModule
from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.errors import ExceptionReplyError
from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.errors import ModuleError
from oht50_bridge.hardware.module import ModuleSpec
from oht50_bridge.hardware.motion_guard import Verdict
from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.hardware.requests import Reply
from oht50_bridge.hardware.requests import Write
from oht50_bridge.stop_reason import StopReason

PROFILES = ['driver_2_motor', 'oht_v2_final_motor', 'oht_v2_handler_motor']
ERRORS = [
    ExceptionReplyError('exception 2'),
    CommunicationTimeoutError('no reply within 50 ms'),
    FrameError('wrong checksum'),
]


def motor(profile):
    profile = load(profile)
    return MotorModule(
        ModuleSpec('m', 'travel_motor', profile, 'x', 3, profile.timing, {}, {'watchdog': False}),
        SimpleNamespace(name='x', baudrate=115200, wake=lambda worker: None),
        None,
    )


def written(steps, failing=(), error=None):
    """Return the values by address that a stop writes, each frame as a dict, and its error."""
    frames, answer, raised = [], None, None
    try:
        while True:
            request = steps.throw(raised) if raised is not None else steps.send(answer)
            if not isinstance(request, Write):
                return frames, None  # the stop is over
            raised = error if len(frames) in failing else None
            answer = Reply((), 1, 1.0)
            frames.append({request.address + i: word for i, word in enumerate(request.values)})
    except StopIteration:
        return frames, None
    except ModuleError as failure:
        return frames, failure


def stop(module, occasion):
    if occasion == 'set-up':
        return module.setup()
    return module._write_stop(Verdict(True, occasion, 0.0))


def addresses(module, *names):
    return {module.profile.registers[name].address for name in names}


@pytest.mark.parametrize('error', ERRORS, ids=lambda error: error.code)
@pytest.mark.parametrize('occasion', [StopReason.ESTOP, StopReason.NOT_PERMITTED, 'set-up'])
@pytest.mark.parametrize('profile', PROFILES)
def test_a_frame_that_fails_does_not_keep_the_others_of_a_stop_back(profile, occasion, error):
    module = motor(profile)
    frames, _ = written(stop(module, occasion))
    drive = module.profile.drive
    stopped = {address for frame in frames for address in frame}
    assert stopped >= addresses(module, drive.enable, drive.speed, drive.direction, *drive.stop)
    every = set(range(len(frames)))
    for failing in [{index} for index in every] + [every, every - {0}]:
        assert written(stop(module, occasion), failing, error) == (frames, error)


@pytest.mark.parametrize('profile', PROFILES)
@pytest.mark.parametrize('reason', sorted(set(StopReason) - {StopReason.NONE}))
def test_an_emergency_stop_alone_is_a_hard_stop_and_after_the_frame_that_stops(profile, reason):
    module = motor(profile)
    drive = module.profile.drive
    frames, _ = written(stop(module, reason))
    assert addresses(module, drive.enable, drive.speed) & frames[0].keys()
    if drive.hard_stop is None:
        return
    (address,) = addresses(module, drive.hard_stop)
    if reason == StopReason.ESTOP:
        assert frames[-1] == {address: 1}
    else:
        assert all(address not in frame for frame in frames)


@pytest.mark.parametrize('occasion', [StopReason.ESTOP, StopReason.SHUTDOWN, 'set-up'])
def test_every_stop_stops_both_motors(occasion):
    module = motor('driver_2_motor')
    frames, _ = written(stop(module, occasion))
    values = {address: word for frame in frames for address, word in frame.items()}
    motor_2 = addresses(module, 'motor2_enable', 'motor2_speed')
    assert [values[address] for address in sorted(motor_2)] == [0, 0]

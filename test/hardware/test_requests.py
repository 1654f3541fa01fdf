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
"""Work on a line: a write that is read back."""

from __future__ import annotations

from oht50_bridge.hardware.errors import FrameError
from oht50_bridge.hardware.registers import Timing
from oht50_bridge.hardware.requests import Endpoint
from oht50_bridge.hardware.requests import Priority
from oht50_bridge.hardware.requests import Read
from oht50_bridge.hardware.requests import Reply
from oht50_bridge.hardware.requests import Write
from oht50_bridge.hardware.requests import write_verified

BOARD = Endpoint(4, Timing(timeout=0.1, retries=1, gap=0.0, offline_after=1.0))


def drive(steps, reads):
    """Answer the reads of a generator with words; return its requests and how it ended."""
    requests, reply, words = [], None, iter(reads)
    try:
        while True:
            request = steps.send(reply)
            requests.append(request)
            reply = Reply(next(words) if isinstance(request, Read) else (), 0, 0.0)
    except StopIteration:
        return requests, None
    except FrameError as error:
        return requests, error


def test_a_write_that_is_kept_is_written_once():
    requests, error = drive(write_verified(BOARD, 0x10, (1, 2)), [(1, 2)])
    assert error is None
    assert requests == [Write(BOARD, 0x10, (1, 2)), Read(BOARD, 0x10, 2)]


def test_a_write_that_is_lost_is_repeated():
    requests, error = drive(write_verified(BOARD, 0x10, (1,)), [(0,), (1,)])
    assert error is None
    assert [type(request) for request in requests] == [Write, Read] * 2


def test_a_write_that_is_never_kept_fails_and_names_register_and_words():
    requests, error = drive(write_verified(BOARD, 0x10, (1,), attempts=2), [(0,), (7,)])
    assert len(requests) == 4
    assert '0x0010 reads back [7] after 2 writes of [1]' in str(error)


def test_an_emergency_stop_comes_before_all_else_and_a_scan_after():
    assert min(Priority) is Priority.EMERGENCY_STOP
    assert max(Priority) is Priority.SCAN
    assert Priority.STOP < Priority.DRIVE < Priority.POLL


def test_the_statistics_do_not_distinguish_endpoints():
    assert Endpoint(4, BOARD.timing) == BOARD
    assert Endpoint(5, BOARD.timing) != BOARD

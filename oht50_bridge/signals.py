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
"""How a process begins that others start: no signal meets it before it can heed it.

Python takes a while until its first line, and longer until a node is made. Whoever starts such a
process has SIGINT and SIGTERM wait until then.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Before a command line: what waits is heard of in `end_quietly`.
SIGNALS_WAIT = ('env', '--block-signal=INT', '--block-signal=TERM')


def end_quietly() -> None:
    """Have a signal end this process with 0 and without a word, until it has something to end."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: os._exit(os.EX_OK))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def stop_requested() -> Callable[[], bool]:
    """Have SIGINT and SIGTERM raise nothing; return whether one of them has come.

    An exception out of a signal handler could come anywhere: in the midst of stopping the motor,
    or where it is swallowed. Call it before rclpy's own handlers are installed, which shut ROS
    down, wake who spins and then pass the signal on.
    """
    came: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: came.append(number))
    return lambda: bool(came)


def ignore_signals() -> None:
    """Let no SIGINT or SIGTERM disturb the end of the interpreter, where handlers are gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

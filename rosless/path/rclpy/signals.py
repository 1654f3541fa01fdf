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

"""SIGINT and SIGTERM end every spin."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from enum import IntFlag
from types import FrameType
from typing import Any

from rclpy.context import contexts


class SignalHandlerOptions(IntFlag):
    """Which signals shut the contexts down."""

    NO = 0
    SIGINT = 1
    SIGTERM = 2
    ALL = 3


_previous: dict[int, Any] = {}
_pipe: tuple[int, int] = (-1, -1)


def wakes() -> bool:
    """Return whether a signal wakes every executor, which otherwise has to look for it."""
    return _pipe[1] >= 0


def _start_waking() -> None:
    """Have a thread trigger all guard conditions at each signal.

    A wait in C does not end by a signal, and Python's handlers run only when it has ended. But
    Python's own handler in C writes to a descriptor.
    """
    global _pipe
    if wakes():
        return
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    if before != -1:  # somebody else's, such as asyncio's
        signal.set_wakeup_fd(before)
        os.close(read)
        os.close(write)
        return
    _pipe = read, write
    threading.Thread(target=_wake_all, args=(read,), name='signals', daemon=True).start()


def _wake_all(read: int) -> None:
    while os.read(read, 64):
        # Another thread may add one; it then wakes by itself, at most 1 s later.
        with contextlib.suppress(RuntimeError):
            for context in list(contexts):
                for guard in list(context._guards):
                    guard.trigger()
    os.close(read)


def _stop_waking() -> None:
    """Let signals wake nobody; their handlers may then run late."""
    global _pipe
    if not wakes():
        return
    (_, write), _pipe = _pipe, (-1, -1)
    current = signal.set_wakeup_fd(-1)
    if current != write:
        signal.set_wakeup_fd(current)  # of somebody who came later
    os.close(write)


def _handle(number: int, frame: FrameType | None) -> None:
    for context in list(contexts):
        context._stop()
    previous = _previous.get(number)
    if callable(previous):
        # Python's own handler of SIGINT raises KeyboardInterrupt.
        previous(number, frame)


def install_signal_handlers(options: SignalHandlerOptions = SignalHandlerOptions.ALL) -> None:
    """Install the handlers. Only the main thread can; elsewhere nothing happens."""
    uninstall_signal_handlers()
    if threading.current_thread() is threading.main_thread():
        for option in (SignalHandlerOptions.SIGINT, SignalHandlerOptions.SIGTERM):
            if options & option:
                number = signal.Signals[str(option.name)]
                _previous[number] = signal.signal(number, _handle)
        if _previous:
            _start_waking()


def uninstall_signal_handlers() -> None:
    """Restore the handlers that were there before."""
    if threading.current_thread() is threading.main_thread():
        _stop_waking()
        while _previous:
            signal.signal(*_previous.popitem())

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


def uninstall_signal_handlers() -> None:
    """Restore the handlers that were there before."""
    if threading.current_thread() is threading.main_thread():
        while _previous:
            signal.signal(*_previous.popitem())

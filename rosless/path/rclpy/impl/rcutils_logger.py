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
"""The logger: text on stderr, and messages on `/rosout` for the loggers of nodes."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from functools import partialmethod
from types import CodeType
from types import FrameType
from typing import Any

from rclpy._arguments import Arguments
from rclpy._outside import Subset
from rclpy.exceptions import RCLError
from rclpy.impl.logging_severity import LoggingSeverity

Sink = Callable[[int, LoggingSeverity, str, str, FrameType], None]
"""Publishes a message on /rosout: time in ns, severity, logger, text, frame of the caller."""

_levels: dict[str, LoggingSeverity] = {'': LoggingSeverity.INFO}
_output = {'stdout': True}
_stream_lock = threading.Lock()
_FILTERS = ('throttle_duration_sec', 'throttle_time_source_type', 'skip_first', 'once')

# A message may hold text from elsewhere: it must not control a terminal, and its further lines,
# which are indented, must not pass for other messages.
_ESCAPES = {
    code: f'\\x{code:02x}' if code < 0x100 else f'\\u{code:04x}'
    for code in (
        *range(32),
        *range(0x7F, 0xA0),
        *(0x2028, 0x2029, 0x200E, 0x200F, 0x061C),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    )
} | {ord('\n'): '\n    ', ord('\t'): '\t'}

sinks: dict[str, Sink] = {}
"""Sinks by the logger of a node; they serve its children too."""


def configure(arguments: Arguments) -> None:
    """Set levels and outputs as the command line says.

    Raises:
        RCLError: a level is unknown.

    """
    for name, level in arguments.log_levels:
        try:
            _levels[name] = LoggingSeverity[level.upper()]
        except KeyError:
            raise RCLError(
                f'unknown log level {level!r}; use one of '
                f'{", ".join(s.name.lower() for s in LoggingSeverity)}'
            ) from None
    _output['stdout'] = arguments.flags['stdout']


def _parents(name: str) -> list[str]:
    parts = name.split('.') if name else []
    return ['.'.join(parts[:n]) for n in range(len(parts), -1, -1)]


class RcutilsLogger(Subset):
    """A logger of one name; `a.b` is a child of `a`."""

    def __init__(self, name: str = '') -> None:
        self.name = name
        self._calls: dict[tuple[CodeType, int], dict[str, Any]] = {}
        """The state of the filters, by the line of code that logs."""

    def set_level(self, level: int) -> None:
        """Set the least severity of this logger and its children."""
        _levels[self.name] = LoggingSeverity(level)

    def get_effective_level(self) -> LoggingSeverity:
        """Return the least severity that is logged."""
        return next(
            level
            for name in _parents(self.name)
            if (level := _levels.get(name, LoggingSeverity.UNSET))
        )

    def is_enabled_for(self, severity: int) -> bool:
        """Return whether a message of this severity is logged."""
        return severity >= self.get_effective_level()

    def log(self, message: str, severity: int, **kwargs: Any) -> bool:
        """Log a message.

        Args:
            message: the text.
            severity: its LoggingSeverity.
            kwargs: `throttle_duration_sec` (with `throttle_time_source_type`, a Clock),
                `skip_first`, `once`: each holds for the line of code that logs.

        Returns:
            False if the level or a filter suppressed it.

        Raises:
            ValueError: one line of code logs now with this severity or filter, now with another.

        """
        if not self.is_enabled_for(severity):
            return False
        frame = sys._getframe(1)
        if not self._passes((frame.f_code, frame.f_lasti), severity, kwargs):
            return False
        _emit(LoggingSeverity(severity), self.name, str(message), frame)
        return True

    def _passes(self, place: tuple[CodeType, int], severity: int, options: dict[str, Any]) -> bool:
        for option in options:
            if option not in _FILTERS:
                raise TypeError(
                    f'parameter "{option}" is not one of the recognized logging '
                    f'options "{_FILTERS}"'
                )
        call = self._calls.setdefault(
            place, {'severity': severity, 'options': options, 'seen': 0, 'last': 0}
        )
        if (call['severity'], call['options']) != (severity, options):
            raise ValueError('Logger severity and filters cannot be changed between calls.')
        if options.get('throttle_duration_sec'):
            source = options.get('throttle_time_source_type')
            # A `Time` before 1970 cannot be made, and a log must not raise.
            now = time.time_ns() if source is None else source.now().nanoseconds
            if now < call['last'] + options['throttle_duration_sec'] * 1e9:
                return False
            call['last'] = now
        call['seen'] += 1
        if options.get('skip_first') and call['seen'] == 1:
            return False
        return not options.get('once') or call['seen'] == 1 + bool(options.get('skip_first'))

    debug = partialmethod(log, severity=LoggingSeverity.DEBUG)
    info = partialmethod(log, severity=LoggingSeverity.INFO)
    warn = warning = partialmethod(log, severity=LoggingSeverity.WARN)
    error = partialmethod(log, severity=LoggingSeverity.ERROR)
    fatal = partialmethod(log, severity=LoggingSeverity.FATAL)


def _emit(severity: LoggingSeverity, name: str, message: str, frame: FrameType) -> None:
    now = time.time_ns()
    # Halves of surrogate pairs come from file names and arguments; no message can hold them.
    message = message.encode(errors='backslashreplace').decode()
    if _output['stdout']:
        seconds, nanoseconds = divmod(now, 1_000_000_000)
        text = message.translate(_ESCAPES)
        line = f'[{severity.name}] [{seconds}.{nanoseconds:09d}] [{name}]: {text}\n'
        with _stream_lock:
            try:
                sys.stderr.write(line)
                sys.stderr.flush()
            except (OSError, ValueError, AttributeError):
                pass  # nobody reads it, or its disk is full; a vehicle goes on without this line
    sink = next((sinks[parent] for parent in _parents(name) if parent in sinks), None)
    if sink is not None:
        sink(now, severity, name, message, frame)

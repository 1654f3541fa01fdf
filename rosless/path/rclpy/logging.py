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

"""Loggers: text on stderr, and messages on `/rosout` for the loggers of nodes."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from rclpy.clock import Clock
from rclpy.exceptions import RCLError


class LoggingSeverity(IntEnum):
    """Severities, as in rcutils/logging.h."""

    UNSET = 0
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


_levels: dict[str, LoggingSeverity] = {'': LoggingSeverity.INFO}
_sinks: dict[str, Callable[..., None]] = {}
"""What publishes the messages of a node's logger and its children on /rosout."""
_output = {'stdout': True}
_stream_lock = threading.Lock()
_FILTERS = ('throttle_duration_sec', 'throttle_time_source_type', 'skip_first', 'once')


def _configure(arguments: Any) -> None:
    for name, level in arguments.log_levels:
        _levels[name] = get_logging_severity_from_string(level)
    _output['stdout'] = arguments.flags['stdout']


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    """Return the severity of this name, in whatever case."""
    try:
        return LoggingSeverity[log_severity.upper()]
    except KeyError:
        raise RCLError(f'unknown log level {log_severity!r}; use one of '
                       f'{", ".join(s.name.lower() for s in LoggingSeverity)}') from None


def _parents(name: str) -> list[str]:
    parts = name.split('.') if name else []
    return ['.'.join(parts[:n]) for n in range(len(parts), -1, -1)]


class RcutilsLogger:
    """A logger of one name; `a.b` is a child of `a`."""

    def __init__(self, name: str = '') -> None:
        self.name = name
        self._calls: dict[tuple[Any, int], dict[str, Any]] = {}

    def get_child(self, name: str) -> RcutilsLogger:
        """Return the logger `name` below this one."""
        if not name:
            raise ValueError('Child logger name must not be empty.')
        return RcutilsLogger(f'{self.name}.{name}' if self.name else name)

    def set_level(self, level: int) -> None:
        """Set the least severity of this logger and its children."""
        _levels[self.name] = LoggingSeverity(level)

    def get_effective_level(self) -> LoggingSeverity:
        """Return the least severity that is logged."""
        return next(level for name in _parents(self.name)
                    if (level := _levels.get(name, LoggingSeverity.UNSET)))

    def is_enabled_for(self, severity: int) -> bool:
        """Return whether a message of this severity is logged."""
        return severity >= self.get_effective_level()

    def log(self, message: str, severity: int, **kwargs: Any) -> bool:
        """
        Log a message.

        Args:
            message: the text.
            severity: its LoggingSeverity.
            kwargs: `throttle_duration_sec` (with `throttle_time_source_type`, a Clock),
                `skip_first`, `once`: each holds for the line of code that logs.

        Returns:
            False if the level or a filter kept it back.

        Raises:
            ValueError: one line of code logs now with this severity or filter, now with another.

        """
        if not self.is_enabled_for(severity):
            return False
        name = kwargs.pop('name', self.name)
        frame = sys._getframe(1)
        while frame.f_code.co_filename == __file__ and frame.f_back:
            frame = frame.f_back
        if not self._passes((frame.f_code, frame.f_lasti), severity, kwargs):
            return False
        _emit(LoggingSeverity(severity), name, str(message), frame)
        return True

    def _passes(self, place: tuple[Any, int], severity: int, options: dict[str, Any]) -> bool:
        unknown = [option for option in options if option not in _FILTERS]
        if unknown:
            raise TypeError(f'parameter "{unknown[0]}" is not one of the recognized logging '
                            f'options "{list(_FILTERS)}"')
        call = self._calls.setdefault(place, {'severity': severity, 'options': options})
        if call['severity'] != severity:
            raise ValueError('Logger severity cannot be changed between calls.')
        if call['options'] != options:
            raise ValueError('Logging filter parameters cannot be changed between calls.')
        if options.get('throttle_duration_sec'):
            clock = options.get('throttle_time_source_type') or Clock()
            now = clock.now().nanoseconds
            if now < call.get('last', 0) + options['throttle_duration_sec'] * 1e9:
                return False
            call['last'] = now
        if options.get('skip_first') and not call.get('skipped'):
            call['skipped'] = True
            return False
        if options.get('once'):
            first = not call.get('logged')
            call['logged'] = True
            return first
        return True

    def debug(self, message: str, **kwargs: Any) -> bool:
        """Log a message with `DEBUG` severity."""
        return self.log(message, LoggingSeverity.DEBUG, **kwargs)

    def info(self, message: str, **kwargs: Any) -> bool:
        """Log a message with `INFO` severity."""
        return self.log(message, LoggingSeverity.INFO, **kwargs)

    def warning(self, message: str, **kwargs: Any) -> bool:
        """Log a message with `WARN` severity."""
        return self.log(message, LoggingSeverity.WARN, **kwargs)

    warn = warning

    def error(self, message: str, **kwargs: Any) -> bool:
        """Log a message with `ERROR` severity."""
        return self.log(message, LoggingSeverity.ERROR, **kwargs)

    def fatal(self, message: str, **kwargs: Any) -> bool:
        """Log a message with `FATAL` severity."""
        return self.log(message, LoggingSeverity.FATAL, **kwargs)


def _emit(severity: LoggingSeverity, name: str, message: str, frame: Any) -> None:
    stamp = time.time_ns()
    seconds, nanoseconds = divmod(stamp, 1_000_000_000)
    if _output['stdout']:
        line = f'[{severity.name}] [{seconds}.{nanoseconds:09d}] [{name}]: {message}\n'
        with _stream_lock:
            try:
                sys.stderr.write(line)
                sys.stderr.flush()
            except (OSError, ValueError):
                # Whoever read our stderr is gone; a vehicle runs on without its log.
                _output['stdout'] = False
    for parent in _parents(name):
        sink = _sinks.get(parent)
        if sink is not None:
            sink(seconds, nanoseconds, severity, name, message, frame.f_code.co_filename,
                 frame.f_code.co_name, frame.f_lineno)
            break


_root_logger = RcutilsLogger()


def get_logger(name: str) -> RcutilsLogger:
    """Return the logger of this name."""
    if not name:
        raise ValueError('Logger name must not be empty.')
    return RcutilsLogger(name)


def set_logger_level(name: str, level: int, detailed_error: bool = False) -> None:
    """Set the least severity of a logger and its children."""
    _levels[name] = LoggingSeverity(level)


def get_logger_effective_level(name: str) -> LoggingSeverity:
    """Return the least severity that a logger logs."""
    return RcutilsLogger(name).get_effective_level()


def get_logger_level(name: str) -> LoggingSeverity:
    """Return the severity set for this very logger, UNSET if none is."""
    return _levels.get(name, LoggingSeverity.UNSET)

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
"""The standard streams of a process: always open, and never a reason to end it.

Who starts a process decides where its output goes: to a reader that ends, to a full disk, or
nowhere. What cannot be written is lost; the process goes on.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

_DESCRIPTORS = range(3)


def open_standard_streams() -> None:
    """Open each standard stream that is closed, on /dev/null.

    Otherwise the next file or serial port that is opened would get its number, and what is printed
    would be written there. Call it before anything is opened.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) in _DESCRIPTORS:
        os.set_inheritable(opened, True)
    os.close(opened)
    # Python has no stream for a descriptor that was closed when it started.
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, 'w', closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, 'w', closefd=False)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)


def forgive_output(*streams: TextIO) -> None:
    """Let streams write `?` for what their encoding cannot hold, instead of an exception."""
    for stream in streams:
        reconfigure = getattr(stream, 'reconfigure', None)
        if reconfigure is not None:
            reconfigure(errors='replace')


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, if it can be; otherwise it is lost.

    Args:
        text: the line.
        stream: where to; None: the standard error.

    """
    stream = stream or sys.stderr
    try:
        print(text, file=stream, flush=True)
    except (OSError, ValueError):
        _forget(stream)


def _forget(stream: TextIO) -> None:
    """Drop what a stream could not write, which it would try again, at the latest at the end."""
    with contextlib.suppress(OSError, ValueError):
        descriptor = stream.fileno()
        kept = os.dup(descriptor)
        try:
            _drop(descriptor)
            stream.flush()
        finally:
            os.dup2(kept, descriptor)
            os.close(kept)


def flush_output() -> str:
    """Write what is left of the standard output; return why it cannot be, empty if it was.

    What cannot be written is dropped: at the end of the interpreter it would fail again.
    """
    fault = ''
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:  # its reader, such as `head`, has seen enough
            _drop(stream.fileno())
        except (OSError, ValueError) as error:
            _drop(stream.fileno())
            if stream is sys.stdout:
                fault = getattr(error, 'strerror', None) or str(error)
    return fault


def _drop(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)

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

"""The default context."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

from rclpy import _arguments
from rclpy.context import Context

_default_context: Context | None = None
_lock = threading.Lock()


def get_default_context(*, shutting_down: bool = False) -> Context:
    """Return the global default context singleton."""
    global _default_context
    with _lock:
        context = _default_context or Context()
        _default_context = None if shutting_down else context
        return context


def remove_ros_args(args: Sequence[str] | None = None) -> list[str]:
    """Return a list of only the non-ROS command line arguments."""
    return _arguments.split(list(sys.argv if args is None else args))[1]


def ok(*, context: Context | None = None) -> bool:
    """Return ``True`` if the given ``Context`` is initialized and not shut down."""
    return (context or get_default_context()).ok()


def shutdown(*, context: Context | None = None) -> None:
    """Shutdown the given ``Context``, the default one if None."""
    (context or get_default_context(shutting_down=True)).shutdown()


def try_shutdown(*, context: Context | None = None) -> None:
    """Shutdown the given ``Context``, the default one if None, if it is not shut down yet."""
    (context or get_default_context(shutting_down=True)).try_shutdown()

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

"""A small subset of rclpy on Cyclone DDS, for machines without a ROS 2 installation.

Names, signatures and exceptions are rclpy's (Jazzy). What is missing raises NotImplementedError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from rclpy import _outside as _outside
from rclpy.context import Context
from rclpy.signals import SignalHandlerOptions
from rclpy.signals import install_signal_handlers
from rclpy.signals import uninstall_signal_handlers
from rclpy.task import Future
from rclpy.utilities import get_default_context
from rclpy.utilities import ok
from rclpy.utilities import shutdown as _shutdown
from rclpy.utilities import try_shutdown

if TYPE_CHECKING:
    from rclpy.executors import Executor
    from rclpy.node import Node

__all__ = [
    'create_node',
    'get_default_context',
    'get_global_executor',
    'init',
    'ok',
    'shutdown',
    'spin',
    'spin_once',
    'spin_until_future_complete',
    'try_shutdown',
]

_executor: Executor | None = None


def init(
    *,
    args: list[str] | None = None,
    context: Context | None = None,
    domain_id: int | None = None,
    signal_handler_options: SignalHandlerOptions | None = None,
) -> None:
    """Initialize ROS communications for a given context.

    Args:
        args: command line, sys.argv if None.
        context: the default one if None.
        domain_id: ROS domain, by default that of ROS_DOMAIN_ID.
        signal_handler_options: SIGINT and SIGTERM for the default context if None.

    """
    default = get_default_context()
    context = context or default
    if signal_handler_options is None:
        signal_handler_options = (
            SignalHandlerOptions.ALL if context is default else SignalHandlerOptions.NO
        )
    context.init(args, domain_id=domain_id)
    if signal_handler_options:
        install_signal_handlers(signal_handler_options)


def get_global_executor() -> Executor:
    """Return the executor of the global spin functions."""
    global _executor
    if _executor is None or not _executor.context.ok():
        from rclpy.executors import SingleThreadedExecutor

        _executor = SingleThreadedExecutor()
        _executor.context.on_shutdown(_executor.shutdown)
    return _executor


def shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """Shutdown a previously initialized context, and the global executor with it."""
    default = context is None or context is get_default_context()
    _shutdown(context=context)
    if uninstall_handlers or (uninstall_handlers is None and default):
        uninstall_signal_handlers()


def create_node(node_name: str, **kwargs: Any) -> Node:
    """Create an instance of `rclpy.node.Node`."""
    from rclpy.node import Node

    return Node(node_name, **kwargs)


def spin_once(
    node: Node, *, executor: Executor | None = None, timeout_sec: float | None = None
) -> None:
    """Execute one item of work or wait until a timeout expires."""
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        executor.spin_once(timeout_sec=timeout_sec)
    finally:
        executor.remove_node(node)


def spin(node: Node, executor: Executor | None = None) -> None:
    """Execute work and block until the context associated with the executor is shutdown."""
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        executor.spin()
    finally:
        executor.remove_node(node)


def spin_until_future_complete(
    node: Node, future: Future, executor: Executor | None = None, timeout_sec: float | None = None
) -> None:
    """Execute work until the future is complete."""
    executor = executor or get_global_executor()
    added = False
    try:
        added = executor.add_node(node)
        executor.spin_until_future_complete(future, timeout_sec)
    finally:
        if added:
            executor.remove_node(node)

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
"""The process of a node: start, spin, orderly end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any
from typing import NoReturn

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.signals import install_signal_handlers

from oht50_bridge.heap import end_without_memory
from oht50_bridge.nodes.errors import StartError as StartError
from oht50_bridge.nodes.presence import announce
from oht50_bridge.nodes.ros_log import log_to
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.priority import RealtimePriority
from oht50_bridge.priority import request_priority
from oht50_bridge.signals import ignore_signals
from oht50_bridge.signals import stop_requested
from oht50_bridge.standard_streams import say
from oht50_bridge.text import escape_logs
from oht50_bridge.text import shown_lines


def spin(node: Node) -> None:
    """Spin a node, and look every second whether ROS is still up.

    On a signal rclpy wakes the executor before it shuts the context down. One that is back at its
    wait before the context is down would wait for the next message, and none may come.
    """
    steady_timer(node, 1.0, lambda: None)
    rclpy.spin(node)


def run(
    make_node: Callable[[], Any],
    work: Callable[[Any], None] = spin,
    priority: RealtimePriority | None = None,
) -> None:
    """Run one node until it is asked to end by SIGINT, SIGTERM or a shutdown of its context.

    Exits with 0 when asked to end, with EX_CONFIG when the node cannot start.

    Args:
        make_node: makes it, once ROS is initialised.
        work: what it does; ends by an exception of rclpy or by itself.
        priority: what the process requests where it must run on time.

    """
    asked_to_end = stop_requested()
    escape_logs()
    # Before the threads of the middleware start, which inherit it.
    scheduling = None if priority is None else request_priority(priority)
    node = None
    try:
        initialise()
        if not asked_to_end():
            node = make_node()
            log_to(node.get_logger())
            announce(node)
            if scheduling is not None:
                node.get_logger().info(f'{scheduling}')
        install_signal_handlers(SignalHandlerOptions.ALL)
        if not asked_to_end():
            work(node)
    except ExternalShutdownException:
        pass
    except StartError as error:
        fail(error)
    except Exception as error:
        end_without_memory(error)
        # rclpy wakes the executor before it shuts the context down, which may then fail anyhow.
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        ignore_signals()


def initialise() -> None:
    """Initialise ROS; until the node is whole, and can be destroyed, no signal ends it.

    Raises:
        StartError: an argument or a parameter file is wrong, which is final, or the domain cannot
            be joined, which can be a matter of the moment.

    """
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # rclpy raises several types of its C extension
        said = ' '.join(str(error).split())
        if 'cannot join DDS' in said:  # of rosless, after the arguments
            raise StartError(said, final=False) from error
        raise StartError(
            f'ROS does not start: {said}; `oht50 params check` checks a file'
        ) from error


def fail(error: StartError) -> NoReturn:
    """Tell why the node cannot start and end the process: by EX_CONFIG, a new start is no use."""
    say(shown_lines(str(error)))
    sys.exit(os.EX_CONFIG if error.final else 1)

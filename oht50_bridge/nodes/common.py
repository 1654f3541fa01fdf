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
"""What every node does alike: start and stop, parameters, time stamps."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from typing import NoReturn

import rclpy
from builtin_interfaces.msg import Time
from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.signals import install_signal_handlers
from std_msgs.msg import Header

from oht50_bridge.paths import default_state_dir

NS = 1_000_000_000
# Parameter by which config_node knows what a node has: a node that was started again has nothing.
CONFIG_VERSION = 'config_version'


class StartError(Exception):
    """A node cannot start; the message names the parameter and the remedy."""


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


def spin(node: Node) -> None:
    """Spin a node, and look every second whether ROS is still up.

    On a signal rclpy wakes the executor before it shuts the context down. One that is back at its
    wait before the context is down would wait for the next message, and none may come.
    """
    node.create_timer(1.0, lambda: None, clock=Clock(clock_type=ClockType.STEADY_TIME))
    rclpy.spin(node)


def run(make_node: Callable[[], Any], work: Callable[[Any], None] = spin) -> None:
    """Run one node until it is told to end by SIGINT, SIGTERM or a shutdown of its context.

    Exits with 0 when told to end, with EX_CONFIG when the node cannot start.

    Args:
        make_node: makes it, once ROS is initialised.
        work: what it does; ends by an exception of rclpy or by itself.

    """
    told = stop_requested()
    # Until the node is whole, and can be destroyed, ROS stays up.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = None
    try:
        if not told():
            node = make_node()
        install_signal_handlers(SignalHandlerOptions.ALL)
        if not told():
            work(node)
    except ExternalShutdownException:
        pass
    except StartError as error:
        fail(error)
    except Exception:
        # rclpy wakes the executor before it shuts the context down, which may then fail anyhow.
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        ignore_signals()


def fail(error: StartError) -> NoReturn:
    """Tell why the node cannot start and end the process, saying that a new start is no use."""
    print(error, file=sys.stderr)
    sys.exit(os.EX_CONFIG)


def declare(
    node: Node,
    name: str,
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    read_only: bool = True,
) -> Any:
    """Declare a parameter and return its value.

    Args:
        node: the node that owns it.
        name: its name.
        default: value without an override; its type is the parameter's type.
        description: meaning and unit.
        minimum: least value allowed, for numbers.
        maximum: greatest value allowed, for numbers.
        read_only: whether it can be set only at the start.

    """
    descriptor = ParameterDescriptor(description=description, read_only=read_only)
    if minimum is not None and maximum is not None:
        if isinstance(default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(minimum), to_value=float(maximum))
            ]
        else:
            descriptor.integer_range = [
                IntegerRange(from_value=int(minimum), to_value=int(maximum), step=1)
            ]
    return node.declare_parameter(name, default, descriptor).value


def configurable(node: Node, take: Callable[[dict[str, Any]], None]) -> None:
    """Let the parameters of a node that are not read-only be set while it runs.

    Call it after the declarations.

    Args:
        node: the node that owns them.
        take: is given the new values by name, all that are set together, types and ranges
            checked. It puts them in force, or changes nothing and raises ValueError with the
            parameter and the remedy, which refuses them all.

    """
    declare(
        node,
        CONFIG_VERSION,
        '',
        'Version of the configuration in force here; empty until '
        'config_node has confirmed it since the start',
        read_only=False,
    )

    def on_set(parameters: list[Parameter]) -> SetParametersResult:
        values = {
            parameter.name: parameter.value
            for parameter in parameters
            if parameter.name != CONFIG_VERSION
        }
        try:
            take(values)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(on_set)


class Newest:
    """The newest message of a topic, until it is too old to be true.

    Args:
        lifetime: s.

    """

    def __init__(self, lifetime: float):
        self._lifetime = lifetime
        self._message: Any = None
        self._at = -math.inf

    def put(self, message: Any) -> None:
        """Take a message."""
        self._message = message
        self._at = time.monotonic()

    def get(self) -> Any:
        """Return the newest message, None without one or when it is older than its lifetime."""
        return self._message if time.monotonic() - self._at <= self._lifetime else None


def state_directory(node: Node) -> Path:
    """Declare the parameter state_dir and return the directory, made if it is not there.

    Raises:
        StartError: it cannot be made or written to.

    """
    path = Path(
        declare(
            node, 'state_dir', str(default_state_dir()), 'Directory of what must outlive a restart'
        )
    ).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f'state_dir {path}: {error.strerror}; give a directory that can be written to'
        ) from error
    if not os.access(path, os.W_OK):
        raise StartError(f'state_dir {path}: not writable; give another one or change its owner')
    return path


def header(node: Node, frame_id: str = '') -> Header:
    """Return a header stamped with the moment of the call."""
    return Header(stamp=node.get_clock().now().to_msg(), frame_id=frame_id)


def to_stamp(nanoseconds: int) -> Time:
    """Return a ROS time stamp of ns since 1970-01-01 UTC."""
    return Time(sec=nanoseconds // NS, nanosec=nanoseconds % NS)


def from_stamp(stamp: Time) -> int:
    """Return ns since 1970-01-01 UTC of a ROS time stamp."""
    return stamp.sec * NS + stamp.nanosec

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
"""Nodes."""

from __future__ import annotations

from contextlib import suppress
from types import FrameType
from typing import Any

from rcl_interfaces.msg import Log
from rcl_interfaces.msg import SetParametersResult

from rclpy import _arguments
from rclpy._graph import NamesAndTypes
from rclpy._node_parameters import NodeParameters
from rclpy._outside import refuse_options
from rclpy.context import Context
from rclpy.exceptions import NotInitializedException
from rclpy.exceptions import RCLError
from rclpy.impl import rcutils_logger
from rclpy.impl.logging_severity import LoggingSeverity
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.logging import get_logger
from rclpy.parameter import Parameter
from rclpy.parameter_service import ParameterService
from rclpy.qos import qos_profile_rosout_default
from rclpy.time import message_of
from rclpy.utilities import get_default_context

USE_SIM_TIME = 'use_sim_time'
NO_SIM_TIME = (
    'rosless: use_sim_time is not supported, nodes run on the clock of the machine; '
    'leave it false, or install ROS 2'
)


class Node(NodeParameters):
    """A node in the ROS graph: it makes publishers, subscriptions, services, clients, timers.

    The parts of it are its base classes: names, entities, parameters. All attributes of its own
    have mangled names, so that subclasses may use any other.
    """

    def __init__(
        self,
        node_name: str,
        *,
        context: Context | None = None,
        cli_args: list[str] | None = None,
        namespace: str | None = None,
        use_global_arguments: bool = True,
        enable_rosout: bool = True,
        start_parameter_services: bool = True,
        parameter_overrides: list[Parameter] | None = None,
        **options: Any,
    ) -> None:
        """Create a node.

        Args:
            node_name: name, which `-r __node:=` replaces.
            context: the default one if None.
            cli_args: ROS arguments of this node alone.
            namespace: namespace, which `-r __ns:=` replaces.
            use_global_arguments: whether the arguments of rclpy.init() hold.
            enable_rosout: whether the log goes to /rosout too.
            start_parameter_services: whether `ros2 param` works on this node.
            parameter_overrides: values that win over those of the command line.
            options: rclpy's others, which are not supported.

        """
        refuse_options('Node', options)
        context = context or get_default_context()
        if not context.ok():
            raise NotInitializedException('cannot create node')
        arguments = [_arguments.parse(['--ros-args', *cli_args])] if cli_args else []
        if use_global_arguments:
            arguments.append(context.arguments)
        super().__init__(
            node_name, namespace or '/', context, arguments, parameter_overrides or ()
        )
        full_name = self.get_fully_qualified_name()
        self.__logger = get_logger(full_name.strip('/').replace('/', '.'))
        if enable_rosout and all(each.flags['rosout'] for each in arguments):
            self.__rosout = self.create_publisher(Log, '/rosout', qos_profile_rosout_default)
            rcutils_logger.sinks[self.__logger.name] = self.__publish_log
        if self.declare_parameter(USE_SIM_TIME, False).value:
            raise NotImplementedError(NO_SIM_TIME)
        self.add_on_set_parameters_callback(_refuse_sim_time)
        if start_parameter_services:
            ParameterService(self)
        context._nodes.append(self)
        context._announce()

    def get_logger(self) -> RcutilsLogger:
        """Get the nodes logger."""
        return self.__logger

    def __publish_log(
        self, time_ns: int, severity: LoggingSeverity, name: str, message: str, frame: FrameType
    ) -> None:
        code = frame.f_code
        log = Log(
            stamp=message_of(time_ns),
            level=int(severity),
            name=name,
            msg=message,
            file=code.co_filename,
            function=code.co_name,
            line=frame.f_lineno,
        )
        # After a shutdown, or without a reader that is fast enough, stderr has the text.
        with suppress(RCLError):
            self.__rosout.publish(log)

    def destroy_node(self) -> None:
        """Destroy the node and all that belongs to it. Twice, or after shutdown, is no error."""
        rcutils_logger.sinks.pop(self.__logger.name, None)
        super().destroy_node()

    # --- the graph ------------------------------------------------------------------------------

    def get_topic_names_and_types(self) -> NamesAndTypes:
        """Return (topic, types) of the graph."""
        return self.context._graph.topics()

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """Return (name, namespace) of all nodes."""
        return [(n.node_name, n.node_namespace) for n in self.context._graph.nodes()]

    def count_publishers(self, topic_name: str) -> int:
        """Return the number of publishers on a given topic."""
        return self.context._graph.count(
            self.resolve_topic_name(topic_name, only_expand=True), writers=True
        )

    def count_subscribers(self, topic_name: str) -> int:
        """Return the number of subscribers on a given topic."""
        return self.context._graph.count(
            self.resolve_topic_name(topic_name, only_expand=True), writers=False
        )


def _refuse_sim_time(parameters: list[Parameter]) -> SetParametersResult:
    asked = any(p.name == USE_SIM_TIME and p.value for p in parameters)
    return SetParametersResult(successful=not asked, reason=NO_SIM_TIME if asked else '')

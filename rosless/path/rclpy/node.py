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

import weakref
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from builtin_interfaces.msg import Time as TimeMessage
from rcl_interfaces.msg import Log
from rcl_interfaces.msg import SetParametersResult

from rclpy import _arguments
from rclpy import logging
from rclpy._graph import SERVICE
from rclpy._graph import TOPIC
from rclpy._graph import NamesAndTypes
from rclpy._names import expand_topic_name
from rclpy._names import validate_namespace
from rclpy._names import validate_node_name
from rclpy._outside import MissingAttributeError
from rclpy._outside import outside
from rclpy._outside import refuse_options
from rclpy._parameters import NodeParameters
from rclpy.callback_groups import CallbackGroup
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.clock import ROSClock
from rclpy.context import Context
from rclpy.exceptions import NotInitializedException
from rclpy.exceptions import RCLError
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos import qos_profile_rosout_default
from rclpy.qos import qos_profile_services_default
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from rclpy.utilities import get_default_context

USE_SIM_TIME = 'use_sim_time'
NO_SIM_TIME = (
    'rosless: use_sim_time is not supported, nodes run on the clock of the machine; '
    'leave it false, or install ROS 2'
)


class Node(NodeParameters):
    """A node in the ROS graph: it makes publishers, subscriptions, services, clients, timers.

    All its own attributes have mangled names, to keep clear of those of subclasses.
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
        self.__context = context or get_default_context()
        if not self.__context.ok():
            raise NotInitializedException('cannot create node')
        self.__entities: list[Any] = []
        self.__executor: Callable[[], Any] = lambda: None
        self.__group = MutuallyExclusiveCallbackGroup()
        self.__clock = ROSClock()
        self.__announced = False
        self.__arguments = [_arguments.parse(['--ros-args', *cli_args])] if cli_args else []
        if use_global_arguments:
            self.__arguments.append(self.__context.arguments)
        self.__set_names(node_name, namespace or '/')
        full_name = self.get_fully_qualified_name()
        self.__logger = logging.get_logger(full_name.strip('/').replace('/', '.'))
        if enable_rosout and all(a.flags['rosout'] for a in self.__arguments):
            self.__rosout = self.create_publisher(Log, '/rosout', qos_profile_rosout_default)
            logging._sinks[self.__logger.name] = self.__publish_log
        overrides: dict[str, Any] = {}
        for arguments in reversed(self.__arguments):
            overrides.update(arguments.overrides(full_name))
        overrides.update({p.name: p.value for p in parameter_overrides or ()})
        super().__init__(overrides, start_parameter_services)
        if self.declare_parameter(USE_SIM_TIME, False).value:
            raise NotImplementedError(NO_SIM_TIME)
        self.add_on_set_parameters_callback(_refuse_sim_time)
        self.__context._nodes.append(self)
        self.__announced = True
        self.__changed()

    def __set_names(self, name: str, namespace: str) -> None:
        validate_node_name(name)
        for arguments in reversed(self.__arguments):
            namespace = arguments.remapped(('__ns',), name) or namespace
            name = arguments.remapped(('__node', '__name'), name) or name
        self.__name = name
        self.__namespace = namespace if namespace.startswith('/') else '/' + namespace
        validate_node_name(self.__name)
        validate_namespace(self.__namespace)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('_'):
            raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
        outside(f'Node.{name} does not exist, or', MissingAttributeError)

    # --- what the node is -----------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Get the context associated with the node."""
        return self.__context

    @property
    def default_callback_group(self) -> CallbackGroup:
        """Get the callback group of entities that are created without one."""
        return self.__group

    @property
    def executor(self) -> Any:
        """Get the executor if the node has been added to one, else return ``None``."""
        return self.__executor()

    @executor.setter
    def executor(self, new_executor: Any) -> None:
        current = self.executor
        if current is new_executor:
            return
        if current is not None:
            current.remove_node(self)
        if new_executor is None:
            self.__executor = lambda: None
        else:
            self.__executor = weakref.ref(new_executor)
            new_executor.add_node(self)

    def __of_kind(self, kind: type) -> Iterator[Any]:
        # Of a copy: callbacks and other threads make and destroy entities.
        return (entity for entity in list(self.__entities) if isinstance(entity, kind))

    @property
    def publishers(self) -> Iterator[Publisher]:
        """Get publishers that have been created on this node."""
        return self.__of_kind(Publisher)

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """Get subscriptions that have been created on this node."""
        return self.__of_kind(Subscription)

    @property
    def clients(self) -> Iterator[Client]:
        """Get clients that have been created on this node."""
        return self.__of_kind(Client)

    @property
    def services(self) -> Iterator[Service]:
        """Get services that have been created on this node."""
        return self.__of_kind(Service)

    @property
    def timers(self) -> Iterator[Timer]:
        """Get timers that have been created on this node."""
        return self.__of_kind(Timer)

    def get_name(self) -> str:
        """Get the name of the node."""
        return self.__name

    def get_namespace(self) -> str:
        """Get the namespace of the node."""
        return self.__namespace

    def get_fully_qualified_name(self) -> str:
        """Get the node's fully qualified name."""
        return f'{self.__namespace.rstrip("/")}/{self.__name}'

    def get_clock(self) -> Clock:
        """Get the clock used by the node."""
        return self.__clock

    def get_logger(self) -> logging.RcutilsLogger:
        """Get the nodes logger."""
        return self.__logger

    def __changed(self) -> None:
        """Tell the executor and the graph that entities came or went."""
        executor = self.executor
        if executor is not None:
            executor._changed()
        if self.__announced:
            self.__context._announce()

    def __publish_log(
        self, seconds: int, nanoseconds: int, severity: int, name: str, message: str, frame: Any
    ) -> None:
        code = frame.f_code
        try:
            self.__rosout.publish(
                Log(
                    stamp=TimeMessage(sec=seconds, nanosec=nanoseconds),
                    level=int(severity),
                    name=name,
                    msg=message,
                    file=code.co_filename,
                    function=code.co_name,
                    line=frame.f_lineno,
                )
            )
        except RCLError:
            # Shut down, or nobody reads fast enough: the text went to stderr already.
            pass

    # --- making and destroying ------------------------------------------------------------------

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """Return a topic name expanded and remapped."""
        return self.__resolve(topic, only_expand, is_service=False)

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """Return a service name expanded and remapped."""
        return self.__resolve(service, only_expand, is_service=True)

    def __resolve(self, name: str, only_expand: bool, *, is_service: bool) -> str:
        where = self.__name, self.__namespace
        full = expand_topic_name(name, *where, is_service=is_service)
        targets = (
            []
            if only_expand
            else [
                arguments.resolve(name, *where, is_service=is_service)
                for arguments in self.__arguments
            ]
        )
        return next((target for target in targets if target != full), full)

    def __add(self, entity: Any) -> Any:
        self.__entities.append(entity)
        self.__changed()
        return entity

    def create_publisher(
        self, msg_type: Any, topic: str, qos_profile: QoSProfile | int, **options: Any
    ) -> Publisher:
        """Create a new publisher; an int as QoS is a depth."""
        options.pop('callback_group', None)
        refuse_options('create_publisher', options)
        return self.__add(
            Publisher(
                self.__context,
                _generated(msg_type, '_write'),
                self.resolve_topic_name(topic),
                _qos(qos_profile),
            )
        )

    def create_subscription(
        self,
        msg_type: Any,
        topic: str,
        callback: Callable[..., Any],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        raw: bool = False,
        **options: Any,
    ) -> Subscription:
        """Create a new subscription; with raw=True the callback gets encoded bytes."""
        refuse_options('create_subscription', options)
        return self.__add(
            Subscription(
                self.__context,
                _generated(msg_type, '_read'),
                self.resolve_topic_name(topic),
                callback,
                callback_group or self.__group,
                _qos(qos_profile),
                raw,
            )
        )

    def create_client(
        self,
        srv_type: Any,
        srv_name: str,
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Client:
        """Create a new service client."""
        return self.__add(
            Client(
                self.__context,
                _generated(srv_type, 'Request'),
                self.resolve_service_name(srv_name),
                qos_profile,
                callback_group or self.__group,
                lambda: self.executor,
            )
        )

    def create_service(
        self,
        srv_type: Any,
        srv_name: str,
        callback: Callable[..., Any],
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Service:
        """Create a new service server; its callback may be `async def`."""
        return self.__add(
            Service(
                self.__context,
                _generated(srv_type, 'Request'),
                self.resolve_service_name(srv_name),
                callback,
                callback_group or self.__group,
                qos_profile,
            )
        )

    def create_timer(
        self,
        timer_period_sec: float,
        callback: Callable[[], Any],
        callback_group: CallbackGroup | None = None,
        clock: Clock | None = None,
        autostart: bool = True,
    ) -> Timer:
        """Create a new timer; its callback may be `async def`."""
        timer = Timer(
            callback,
            callback_group or self.__group,
            int(timer_period_sec * 1e9),
            clock or self.__clock,
            autostart=autostart,
            wake=self.__wake,
        )
        self.__entities.append(timer)
        self.__wake()
        return timer

    def __wake(self) -> None:
        executor = self.executor
        if executor is not None:
            executor.wake()

    def __destroy(self, entity: Any) -> bool:
        """Destroy an entity; return whether it was this node's."""
        if entity not in self.__entities:
            return False
        self.__entities.remove(entity)
        entity.destroy()
        self.__changed()
        return True

    destroy_publisher = destroy_subscription = __destroy
    destroy_client = destroy_service = destroy_timer = __destroy

    def destroy_node(self) -> None:
        """Destroy the node and all that belongs to it. Twice, or after shutdown, is no error."""
        if self.executor is not None:
            self.executor.remove_node(self)
        logging._sinks.pop(self.__logger.name, None)
        self.__announced = False
        while self.__entities:
            self.__entities.pop().destroy()
        if self in self.__context._nodes:
            self.__context._nodes.remove(self)
            self.__context._announce()

    # --- the graph ------------------------------------------------------------------------------

    def get_topic_names_and_types(self) -> NamesAndTypes:
        """Return (topic, types) of the whole graph."""
        return self.__context._graph.topics()

    def get_service_names_and_types(self) -> NamesAndTypes:
        """Return (service, types) of the whole graph."""
        return self.__context._graph.services()

    def get_node_names(self) -> list[str]:
        """Return the names of all nodes."""
        return [name for name, _ in self.get_node_names_and_namespaces()]

    def get_fully_qualified_node_names(self) -> list[str]:
        """Return the full names of all nodes."""
        return [
            f'{namespace.rstrip("/")}/{name}'
            for name, namespace in self.get_node_names_and_namespaces()
        ]

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """Return (name, namespace) of all nodes."""
        return [(n.node_name, n.node_namespace) for n in self.__context._graph.nodes()]

    def get_publisher_names_and_types_by_node(
        self, node_name: str, node_namespace: str
    ) -> NamesAndTypes:
        """Return (topic, types) of what a node publishes."""
        return self.__context._graph.by_node(node_name, node_namespace, TOPIC, writers=True)

    def get_subscriber_names_and_types_by_node(
        self, node_name: str, node_namespace: str
    ) -> NamesAndTypes:
        """Return (topic, types) of what a node subscribes to."""
        return self.__context._graph.by_node(node_name, node_namespace, TOPIC, writers=False)

    def get_service_names_and_types_by_node(
        self, node_name: str, node_namespace: str
    ) -> NamesAndTypes:
        """Return (service, types) of a node's servers."""
        return self.__context._graph.by_node(node_name, node_namespace, SERVICE, writers=False)

    def get_client_names_and_types_by_node(
        self, node_name: str, node_namespace: str
    ) -> NamesAndTypes:
        """Return (service, types) of a node's clients."""
        return self.__context._graph.by_node(node_name, node_namespace, SERVICE, writers=True)

    def count_publishers(self, topic_name: str) -> int:
        """Return the number of publishers on a given topic."""
        return self.__context._graph.count(
            self.resolve_topic_name(topic_name, only_expand=True), TOPIC, writers=True
        )

    def count_subscribers(self, topic_name: str) -> int:
        """Return the number of subscribers on a given topic."""
        return self.__context._graph.count(
            self.resolve_topic_name(topic_name, only_expand=True), TOPIC, writers=False
        )

    def count_clients(self, service_name: str) -> int:
        """Return the number of clients on a given service."""
        return self.__context._graph.count(
            self.resolve_service_name(service_name, only_expand=True), SERVICE, writers=True
        )

    def count_services(self, service_name: str) -> int:
        """Return the number of servers on a given service."""
        return self.__context._graph.count(
            self.resolve_service_name(service_name, only_expand=True), SERVICE, writers=False
        )


def _refuse_sim_time(parameters: list[Parameter]) -> SetParametersResult:
    asked = any(p.name == USE_SIM_TIME and p.value for p in parameters)
    return SetParametersResult(successful=not asked, reason=NO_SIM_TIME if asked else '')


def _qos(profile: QoSProfile | int) -> QoSProfile:
    if isinstance(profile, QoSProfile):
        return profile
    if isinstance(profile, int):
        if profile < 0:
            raise ValueError('History depth must be greater than or equal to zero')
        return QoSProfile(depth=profile)
    raise TypeError(f'Expected QoSProfile or int, but received {type(profile)!r}')


def _generated(interface: Any, attribute: str) -> Any:
    if not hasattr(interface, attribute):
        raise TypeError(
            f'{interface!r} is not a generated message or service class of rosless; '
            'generate it with python -m rosless.idl.generate'
        )
    return interface

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
from rcl_interfaces.msg import ParameterEvent
from rcl_interfaces.msg import SetParametersResult

from rclpy import _arguments
from rclpy import logging
from rclpy._names import expand_topic_name
from rclpy._names import validate_namespace
from rclpy._names import validate_node_name
from rclpy._outside import outside
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
from rclpy.parameter_service import ParameterService
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos import qos_profile_parameter_events
from rclpy.qos import qos_profile_rosout_default
from rclpy.qos import qos_profile_services_default
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from rclpy.utilities import get_default_context

USE_SIM_TIME = 'use_sim_time'
NO_SIM_TIME = ('rosless: use_sim_time is not supported, nodes run on the clock of the machine; '
               'leave it false, or install ROS 2')
_OUTSIDE = frozenset((
    'add_waitable', 'remove_waitable', 'create_guard_condition', 'create_rate', 'destroy_rate',
    'destroy_guard_condition', 'add_pre_set_parameters_callback',
    'add_post_set_parameters_callback', 'remove_pre_set_parameters_callback',
    'remove_post_set_parameters_callback', 'set_descriptor', 'get_publishers_info_by_topic',
    'get_subscriptions_info_by_topic', 'get_node_names_and_namespaces_with_enclaves',
    'wait_for_node', 'handle', 'guards', 'waitables'))


class Node(NodeParameters):
    """A node in the ROS graph: it makes publishers, subscriptions, services, clients, timers."""

    def __init__(self, node_name: str, *, context: Context | None = None,
                 cli_args: list[str] | None = None, namespace: str | None = None,
                 use_global_arguments: bool = True, enable_rosout: bool = True,
                 start_parameter_services: bool = True,
                 parameter_overrides: list[Parameter] | None = None,
                 allow_undeclared_parameters: bool = False,
                 automatically_declare_parameters_from_overrides: bool = False,
                 enable_logger_service: bool = False) -> None:
        """
        Create a node.

        Args:
            node_name: name, which `-r __node:=` replaces.
            context: the default one if None.
            cli_args: ROS arguments of this node alone.
            namespace: namespace, which `-r __ns:=` replaces.
            use_global_arguments: whether the arguments of rclpy.init() hold.
            enable_rosout: whether the log goes to /rosout too.
            start_parameter_services: whether `ros2 param` works on this node.
            parameter_overrides: values that win over those of the command line.
            allow_undeclared_parameters: whether any parameter may be set.
            automatically_declare_parameters_from_overrides: declare what is given.
            enable_logger_service: not supported.

        """
        if enable_logger_service:
            outside('Node(enable_logger_service=True)')
        self._context = get_default_context() if context is None else context
        if not self._context.ok():
            raise NotInitializedException('cannot create node')
        self.__publishers: list[Publisher] = []
        self.__subscriptions: list[Subscription] = []
        self.__clients: list[Client] = []
        self.__services: list[Service] = []
        self.__timers: list[Timer] = []
        self.__executor: Callable[[], Any] = lambda: None
        self._default_callback_group = MutuallyExclusiveCallbackGroup()
        self._clock = ROSClock()
        self.__announced = False
        self._set_names(node_name, namespace or '/', cli_args, use_global_arguments)
        overrides: dict[str, Any] = {}
        for arguments in self.__arguments[::-1]:
            overrides.update(arguments.overrides(self.get_fully_qualified_name()))
        overrides.update({p.name: p.value for p in parameter_overrides or ()})
        self._init_parameters(overrides, allow_undeclared_parameters)
        self._logger = logging.get_logger(
            self.get_fully_qualified_name().strip('/').replace('/', '.'))
        if enable_rosout and all(a.flags['rosout'] for a in self.__arguments):
            self.__rosout = self.create_publisher(Log, '/rosout', qos_profile_rosout_default)
            logging._sinks[self._logger.name] = self._publish_log
        self._parameter_event_publisher = self.create_publisher(
            ParameterEvent, '/parameter_events', qos_profile_parameter_events)
        if automatically_declare_parameters_from_overrides:
            for name, value in overrides.items():
                self.declare_parameter(name, value, ignore_override=True)
        if not self.has_parameter(USE_SIM_TIME):
            self.declare_parameter(USE_SIM_TIME, False)
        if self.get_parameter(USE_SIM_TIME).value is not False:
            raise NotImplementedError(NO_SIM_TIME)
        self.add_on_set_parameters_callback(self._refuse_sim_time)
        if start_parameter_services:
            ParameterService(self)
        self._context._nodes.append(self)
        self.__announced = True
        self._changed()

    def _set_names(self, name: str, namespace: str, cli_args: list[str] | None,
                   use_global_arguments: bool) -> None:
        self.__arguments = []
        if cli_args:
            self.__arguments.append(_arguments.parse(['--ros-args', *cli_args]))
        if use_global_arguments:
            self.__arguments.append(self._context.arguments)
        validate_node_name(name)
        for arguments in self.__arguments[::-1]:
            new_name = arguments.remapped('__node', name)
            namespace = arguments.remapped('__ns', name) or namespace
            self.__name = name = new_name or name
        self.__name = name
        self.__namespace = namespace if namespace.startswith('/') else '/' + namespace
        validate_node_name(self.__name)
        validate_namespace(self.__namespace)

    @staticmethod
    def _refuse_sim_time(parameters: list[Parameter]) -> SetParametersResult:
        asked = any(p.name == USE_SIM_TIME and p.value is not False for p in parameters)
        return SetParametersResult(successful=not asked, reason=NO_SIM_TIME if asked else '')

    def __getattr__(self, name: str) -> Any:
        if name in _OUTSIDE:
            outside(f'Node.{name}')
        raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.destroy_node()

    # --- what the node is -----------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Get the context associated with the node."""
        return self._context

    @property
    def default_callback_group(self) -> CallbackGroup:
        """Get the callback group of entities that are created without one."""
        return self._default_callback_group

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

    @property
    def publishers(self) -> Iterator[Publisher]:
        """Get publishers that have been created on this node."""
        return iter(self.__publishers)

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """Get subscriptions that have been created on this node."""
        return iter(self.__subscriptions)

    @property
    def clients(self) -> Iterator[Client]:
        """Get clients that have been created on this node."""
        return iter(self.__clients)

    @property
    def services(self) -> Iterator[Service]:
        """Get services that have been created on this node."""
        return iter(self.__services)

    @property
    def timers(self) -> Iterator[Timer]:
        """Get timers that have been created on this node."""
        return iter(self.__timers)

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
        return self._clock

    def get_logger(self) -> logging.RcutilsLogger:
        """Get the nodes logger."""
        return self._logger

    def _waitables(self) -> list[Any]:
        return [*self.__subscriptions, *self.__services, *self.__clients]

    def _readers(self) -> list[int]:
        return [entity._reader for entity in self._waitables()]

    def _writers(self) -> list[int]:
        return [entity._writer
                for entity in (*self.__publishers, *self.__services, *self.__clients)]

    def _changed(self) -> None:
        """Tell the executor and the graph that entities came or went."""
        executor = self.executor
        if executor is not None:
            executor._changed()
        if self.__announced:
            self._context._announce()

    def _publish_log(self, seconds: int, nanoseconds: int, severity: int, name: str,
                     message: str, file: str, function: str, line: int) -> None:
        try:
            self.__rosout.publish(Log(
                stamp=TimeMessage(sec=seconds, nanosec=nanoseconds), level=int(severity),
                name=name, msg=message, file=file, function=function, line=line))
        except RCLError:
            # Shut down, or nobody reads fast enough: the text went to stderr already.
            pass

    # --- making and destroying ------------------------------------------------------------------

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """Return a topic name expanded and remapped."""
        return self._resolve(topic, only_expand, is_service=False)

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """Return a service name expanded and remapped."""
        return self._resolve(service, only_expand, is_service=True)

    def _resolve(self, name: str, only_expand: bool, *, is_service: bool) -> str:
        full = expand_topic_name(name, self.__name, self.__namespace, is_service=is_service)
        if only_expand:
            return full
        for arguments in self.__arguments:
            target = arguments.resolve(name, self.__name, self.__namespace, is_service=is_service)
            if target != full:
                return target
        return full

    def create_publisher(self, msg_type: Any, topic: str, qos_profile: QoSProfile | int, *,
                         callback_group: CallbackGroup | None = None, event_callbacks: Any = None,
                         qos_overriding_options: Any = None) -> Publisher:
        """Create a new publisher; an int as QoS is a depth."""
        _check_options(event_callbacks, qos_overriding_options)
        publisher = Publisher(self._context, _check_type(msg_type, '_write'),
                              self.resolve_topic_name(topic), _qos(qos_profile))
        self.__publishers.append(publisher)
        self._changed()
        return publisher

    def create_subscription(self, msg_type: Any, topic: str, callback: Callable[..., Any],
                            qos_profile: QoSProfile | int, *,
                            callback_group: CallbackGroup | None = None,
                            event_callbacks: Any = None, qos_overriding_options: Any = None,
                            raw: bool = False) -> Subscription:
        """Create a new subscription; with raw=True the callback gets encoded bytes."""
        _check_options(event_callbacks, qos_overriding_options)
        subscription = Subscription(
            self._context, _check_type(msg_type, '_read'), self.resolve_topic_name(topic),
            callback, callback_group or self._default_callback_group, _qos(qos_profile), raw)
        self.__subscriptions.append(subscription)
        self._changed()
        return subscription

    def create_client(self, srv_type: Any, srv_name: str, *,
                      qos_profile: QoSProfile = qos_profile_services_default,
                      callback_group: CallbackGroup | None = None) -> Client:
        """Create a new service client."""
        client = Client(self._context, _check_type(srv_type, 'Request'),
                        self.resolve_service_name(srv_name), qos_profile,
                        callback_group or self._default_callback_group, lambda: self.executor)
        self.__clients.append(client)
        self._changed()
        return client

    def create_service(self, srv_type: Any, srv_name: str, callback: Callable[..., Any], *,
                       qos_profile: QoSProfile = qos_profile_services_default,
                       callback_group: CallbackGroup | None = None) -> Service:
        """Create a new service server; its callback may be `async def`."""
        service = Service(self._context, _check_type(srv_type, 'Request'),
                          self.resolve_service_name(srv_name), callback,
                          callback_group or self._default_callback_group, qos_profile)
        self.__services.append(service)
        self._changed()
        return service

    def create_timer(self, timer_period_sec: float, callback: Callable[[], Any],
                     callback_group: CallbackGroup | None = None, clock: Clock | None = None,
                     autostart: bool = True) -> Timer:
        """Create a new timer; its callback may be `async def`."""
        timer = Timer(callback, callback_group or self._default_callback_group,
                      int(float(timer_period_sec) * 1e9), clock or self._clock,
                      context=self._context, autostart=autostart)
        timer._wake = self._wake
        self.__timers.append(timer)
        self._wake()
        return timer

    def _wake(self) -> None:
        executor = self.executor
        if executor is not None:
            executor.wake()

    def _destroy(self, entities: list[Any], entity: Any) -> bool:
        if entity not in entities:
            return False
        entities.remove(entity)
        entity.destroy()
        self._changed()
        return True

    def destroy_publisher(self, publisher: Publisher) -> bool:
        """Destroy a publisher; return whether it was this node's."""
        return self._destroy(self.__publishers, publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        """Destroy a subscription; return whether it was this node's."""
        return self._destroy(self.__subscriptions, subscription)

    def destroy_client(self, client: Client) -> bool:
        """Destroy a service client; return whether it was this node's."""
        return self._destroy(self.__clients, client)

    def destroy_service(self, service: Service) -> bool:
        """Destroy a service server; return whether it was this node's."""
        return self._destroy(self.__services, service)

    def destroy_timer(self, timer: Timer) -> bool:
        """Destroy a timer; return whether it was this node's."""
        return self._destroy(self.__timers, timer)

    def destroy_node(self) -> None:
        """Destroy the node and all that belongs to it. Twice, or after shutdown, is no error."""
        if self.executor is not None:
            self.executor.remove_node(self)
        if logging._sinks.get(self._logger.name) == self._publish_log:
            del logging._sinks[self._logger.name]
        self.__announced = False
        for entities in (self.__publishers, self.__subscriptions, self.__clients, self.__services,
                         self.__timers):
            while entities:
                entities.pop().destroy()
        if self in self._context._nodes:
            self._context._nodes.remove(self)
            self._context._announce()

    # --- the graph ------------------------------------------------------------------------------

    def get_topic_names_and_types(self, no_demangle: bool = False) -> list[tuple[str, list[str]]]:
        """Return (topic, types) of the whole graph."""
        if no_demangle:
            outside('get_topic_names_and_types(no_demangle=True)')
        return self._context._graph.topics()

    def get_service_names_and_types(self) -> list[tuple[str, list[str]]]:
        """Return (service, types) of the whole graph."""
        return self._context._graph.services()

    def get_node_names(self) -> list[str]:
        """Return the names of all nodes."""
        return [name for name, _ in self.get_node_names_and_namespaces()]

    def get_fully_qualified_node_names(self) -> list[str]:
        """Return the full names of all nodes."""
        return [f'{namespace.rstrip("/")}/{name}'
                for name, namespace in self.get_node_names_and_namespaces()]

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """Return (name, namespace) of all nodes."""
        return [(n.node_name, n.node_namespace) for n in self._context._graph.nodes()]

    def _by_node(self, node_name: str, namespace: str, writers: bool, prefix: str,
                 suffix: str) -> list[tuple[str, list[str]]]:
        return self._context._graph.by_node(node_name, namespace, writers=writers, prefix=prefix,
                                            suffix=suffix)

    def get_publisher_names_and_types_by_node(
            self, node_name: str, node_namespace: str) -> list[tuple[str, list[str]]]:
        """Return (topic, types) of what a node publishes."""
        return self._by_node(node_name, node_namespace, True, 'rt', '')

    def get_subscriber_names_and_types_by_node(
            self, node_name: str, node_namespace: str) -> list[tuple[str, list[str]]]:
        """Return (topic, types) of what a node subscribes to."""
        return self._by_node(node_name, node_namespace, False, 'rt', '')

    def get_service_names_and_types_by_node(
            self, node_name: str, node_namespace: str) -> list[tuple[str, list[str]]]:
        """Return (service, types) of a node's servers."""
        return self._by_node(node_name, node_namespace, False, 'rq', 'Request')

    def get_client_names_and_types_by_node(
            self, node_name: str, node_namespace: str) -> list[tuple[str, list[str]]]:
        """Return (service, types) of a node's clients."""
        return self._by_node(node_name, node_namespace, True, 'rq', 'Request')

    def _count(self, name: str, *, writers: bool, service: bool = False) -> int:
        full = self._resolve(name, True, is_service=service)
        prefix, suffix = ('rq', 'Request') if service else ('rt', '')
        return self._context._graph.count(full, writers=writers, prefix=prefix, suffix=suffix)

    def count_publishers(self, topic_name: str) -> int:
        """Return the number of publishers on a given topic."""
        return self._count(topic_name, writers=True)

    def count_subscribers(self, topic_name: str) -> int:
        """Return the number of subscribers on a given topic."""
        return self._count(topic_name, writers=False)

    def count_clients(self, service_name: str) -> int:
        """Return the number of clients on a given service."""
        return self._count(service_name, writers=True, service=True)

    def count_services(self, service_name: str) -> int:
        """Return the number of servers on a given service."""
        return self._count(service_name, writers=False, service=True)


def _qos(profile: QoSProfile | int) -> QoSProfile:
    if isinstance(profile, QoSProfile):
        return profile
    if isinstance(profile, int):
        if profile < 0:
            raise ValueError('History depth must be greater than or equal to zero')
        return QoSProfile(depth=profile)
    raise TypeError(f'Expected QoSProfile or int, but received {type(profile)!r}')


def _check_type(interface: Any, attribute: str) -> Any:
    if not hasattr(interface, attribute):
        raise TypeError(f'{interface!r} is not a generated message or service class of rosless; '
                        'generate it with python -m rosless.generator')
    return interface


def _check_options(event_callbacks: Any, qos_overriding_options: Any) -> None:
    if event_callbacks is not None:
        outside('event_callbacks')
    if qos_overriding_options is not None:
        outside('qos_overriding_options')

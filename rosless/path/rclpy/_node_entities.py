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
"""What a node consists of: publishers, subscriptions, services, clients, timers."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from typing import Literal
from typing import TypeVar
from typing import overload

from rosidl_rosless import Message
from rosidl_rosless import Service as ServiceType

from rclpy._arguments import Arguments
from rclpy._node_names import NodeNames
from rclpy._outside import refuse_options
from rclpy.callback_groups import CallbackGroup
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.clock import ROSClock
from rclpy.context import Context
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos import qos_profile_services_default
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

if TYPE_CHECKING:
    from rclpy.executors import Executor

EntityT = TypeVar('EntityT', Publisher, Subscription, Client, Service, Timer)
MessageT = TypeVar('MessageT', bound=Message)
RequestT = TypeVar('RequestT', bound=Message)
ResponseT = TypeVar('ResponseT', bound=Message)
GeneratedT = TypeVar('GeneratedT')
Entity = Publisher | Subscription | Client | Service | Timer


def _no_executor() -> None:
    return None


class NodeEntities(NodeNames):
    """The entities part of `Node`."""

    def __init__(
        self, name: str, namespace: str, context: Context, arguments: list[Arguments]
    ) -> None:
        super().__init__(name, namespace, context, arguments)
        self.__entities: list[Entity] = []
        self.__executor: Callable[[], Executor | None] = _no_executor
        self.__group = MutuallyExclusiveCallbackGroup()
        self.__clock = ROSClock()

    @property
    def executor(self) -> Executor | None:
        """Get the executor if the node has been added to one, else return ``None``."""
        return self.__executor()

    @executor.setter
    def executor(self, new_executor: Executor | None) -> None:
        current = self.executor
        if current is new_executor:
            return
        if current is not None:
            current.remove_node(self)
        if new_executor is None:
            self.__executor = _no_executor
        else:
            self.__executor = weakref.ref(new_executor)
            new_executor.add_node(self)

    def __of_kind(self, kind: type[EntityT]) -> Iterator[EntityT]:
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

    def get_clock(self) -> Clock:
        """Get the clock used by the node."""
        return self.__clock

    def __changed(self) -> None:
        """Inform the executor and the graph that entities were made or destroyed."""
        executor = self.executor
        if executor is not None:
            executor._changed()
        # A node enters the graph when it is complete.
        if self in self.context._nodes:
            self.context._announce()

    def __add(self, entity: EntityT) -> EntityT:
        self.__entities.append(entity)
        self.__changed()
        return entity

    def create_publisher(
        self, msg_type: type[Message], topic: str, qos_profile: QoSProfile | int, **options: Any
    ) -> Publisher:
        """Create a new publisher; an int as QoS is a depth."""
        options.pop('callback_group', None)
        refuse_options('create_publisher', options)
        return self.__add(
            Publisher(
                self.context,
                _generated(msg_type, '_write'),
                self.resolve_topic_name(topic),
                _qos(qos_profile),
            )
        )

    @overload
    def create_subscription(
        self,
        msg_type: type[MessageT],
        topic: str,
        callback: Callable[[MessageT], Any],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        raw: Literal[False] = False,
        **options: Any,
    ) -> Subscription: ...

    @overload
    def create_subscription(
        self,
        msg_type: type[Message],
        topic: str,
        callback: Callable[[Any], Any],
        qos_profile: QoSProfile | int,
        *,
        callback_group: CallbackGroup | None = None,
        raw: bool,
        **options: Any,
    ) -> Subscription: ...

    def create_subscription(
        self,
        msg_type: type[Message],
        topic: str,
        callback: Callable[[Any], Any],
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
                self.context,
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
        srv_type: type[ServiceType[Any, Any]],
        srv_name: str,
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Client:
        """Create a new service client."""
        return self.__add(
            Client(
                self.context,
                _generated(srv_type, 'Request'),
                self.resolve_service_name(srv_name),
                qos_profile,
                callback_group or self.__group,
                lambda: self.executor,
            )
        )

    def create_service(
        self,
        srv_type: type[ServiceType[RequestT, ResponseT]],
        srv_name: str,
        callback: Callable[[RequestT, ResponseT], ResponseT | Awaitable[ResponseT]],
        *,
        qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Service:
        """Create a new service server; its callback may be `async def`."""
        return self.__add(
            Service(
                self.context,
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
        executor = self.executor
        if executor is not None:
            executor._changed()
        return timer

    def __wake(self) -> None:
        executor = self.executor
        if executor is not None:
            executor.wake()

    def __destroy(self, entity: Entity) -> bool:
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
        in_graph = self in self.context._nodes
        if in_graph:
            self.context._nodes.remove(self)
        while self.__entities:
            self.__entities.pop().destroy()
        if in_graph:
            self.context._announce()


def _qos(profile: QoSProfile | int) -> QoSProfile:
    if isinstance(profile, QoSProfile):
        return profile
    if isinstance(profile, int):
        if profile < 0:
            raise ValueError('History depth must be greater than or equal to zero')
        return QoSProfile(depth=profile)
    raise TypeError(f'Expected QoSProfile or int, but received {type(profile)!r}')


def _generated(interface: GeneratedT, attribute: str) -> GeneratedT:
    if not hasattr(interface, attribute):
        raise TypeError(
            f'{interface!r} is not a generated message or service class of rosless; '
            'generate it with python -m rosless.idl.generate'
        )
    return interface

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
"""The life between init and shutdown: one DDS participant."""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

from rosidl_rosless import Message

from rclpy import _arguments
from rclpy import _dds
from rclpy import _discovery
from rclpy._graph import Graph
from rclpy._outside import Subset
from rclpy.exceptions import NotInitializedException
from rclpy.exceptions import RCLError
from rclpy.impl import rcutils_logger

if TYPE_CHECKING:
    from rclpy._node_entities import NodeEntities

contexts: weakref.WeakSet[Context] = weakref.WeakSet()
"""All contexts between init and shutdown."""
_domains: dict[int, tuple[int, int]] = {}
"""Domain id to (entity, number of contexts): a process configures a domain only once."""
_domains_lock = threading.Lock()


class Context(Subset):
    """Encapsulates the lifecycle of init and shutdown."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._callbacks: list[Callable[[], Any]] = []
        self._initialized = False
        self._ok = False
        self._participant = 0
        self._graph: Graph
        self._domain_id = 0
        self._nodes: list[NodeEntities] = []
        self._topics: dict[str, tuple[int, type[Message]]] = {}
        self._guards: weakref.WeakSet[_dds.GuardCondition] = weakref.WeakSet()
        """Guard conditions that a shutdown wakes."""
        self.arguments = _arguments.Arguments()

    def init(self, args: list[str] | None = None, *, domain_id: int | None = None) -> None:
        """Join the domain.

        Args:
            args: command line, sys.argv if None.
            domain_id: the domain; by default that of ROS_DOMAIN_ID, or 0.

        """
        with self._lock:
            if self._initialized:
                raise RuntimeError('Context.init() must only be called once')
            self.arguments = _arguments.parse(sys.argv if args is None else list(args))
            rcutils_logger.configure(self.arguments)
            if domain_id is None:
                domain_id = _discovery.domain_from_environment()
            self._domain_id = domain_id
            self._join()
            self._initialized = self._ok = True
            contexts.add(self)

    def _join(self) -> None:
        with _domains_lock:
            entity, users = _domains.get(self._domain_id, (0, 0))
            before = _discovery.open_sockets()
            try:
                entity = entity or _dds.create_domain(self._domain_id, _discovery.configuration())
                _domains[self._domain_id] = entity, users + 1
                self._participant = _dds.create_participant(
                    self._domain_id, f'enclave={self.arguments.enclave};'.encode()
                )
            except _dds.Error as error:
                if entity:
                    self._leave_domain()
                raise RCLError(
                    f'cannot join DDS domain {self._domain_id}: {error}; check the network '
                    'interface and CYCLONEDDS_URI, whose MaxAutoParticipantIndex limits the '
                    'processes of a domain'
                ) from error
            if _discovery.is_local():
                _discovery.bind_to_loopback(_discovery.open_sockets() - before)
        self._graph = Graph(self._participant)

    def _leave_domain(self) -> None:
        entity, users = _domains.pop(self._domain_id)
        if users > 1:
            _domains[self._domain_id] = entity, users - 1
        else:
            _dds.delete(entity)

    def ok(self) -> bool:
        """Check if context hasn't been shut down."""
        return self._ok

    def on_shutdown(self, callback: Callable[[], Any]) -> None:
        """Add a callback to be called on shutdown."""
        with self._lock:
            if self._initialized and not self._ok:
                callback()
            else:
                self._callbacks.append(callback)

    def _stop(self) -> None:
        """End every spin, without leaving the domain.

        A signal handler calls it. It acquires no lock, since its thread may hold any of them.
        """
        self._ok = False
        for guard in list(self._guards):
            guard.trigger()

    def shutdown(self) -> None:
        """Shutdown this context; a second time is an error."""
        if not self._ok:
            raise RCLError(
                'failed to shutdown: the context is shut down already, or was never initialized'
            )
        self.try_shutdown()

    def try_shutdown(self) -> None:
        """Shutdown this context, if not already shutdown; leave the domain in any case."""
        with self._lock:
            if self not in contexts:
                return
            self._stop()
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()
            contexts.discard(self)
            with _domains_lock:
                _dds.delete(self._participant)
                self._leave_domain()

    def _topic(self, name: str, message: type[Message]) -> int:
        """Return the DDS topic of this name, made at its first use."""
        with self._lock:
            if not self._ok:
                raise NotInitializedException(f'the context was shut down before {name} was made')
            if name not in self._topics:
                self._topics[name] = _dds.create_topic(self._participant, name, message), message
            topic, known = self._topics[name]
            if known is not message:
                raise RCLError(
                    f'topic {name} has the type {known._type_name} in this process; '
                    f'it cannot have {message._type_name} too'
                )
            return topic

    def _announce(self) -> None:
        """Publish to the domain which nodes and endpoints there are."""
        with self._lock:
            if self in contexts:
                self._graph.announce(self._nodes)


@atexit.register
def _leave_all() -> None:
    # Peers learn of it at once, not when a lease expires.
    for context in list(contexts):
        context.try_shutdown()

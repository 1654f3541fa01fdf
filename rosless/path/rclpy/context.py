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
import os
import sys
import threading
import weakref
from collections.abc import Callable
from inspect import ismethod
from typing import Any

from rclpy import _arguments
from rclpy import _dds
from rclpy._graph import Graph
from rclpy.exceptions import NotInitializedException
from rclpy.exceptions import RCLError
from rosless import LOCALHOST_URI

_contexts: weakref.WeakSet[Context] = weakref.WeakSet()
_domains: dict[int, tuple[int, int]] = {}
"""Domain id to (entity, number of contexts): a process configures a domain only once."""
_domains_lock = threading.Lock()


def _configuration() -> str:
    """Return Cyclone's configuration for the range of discovery, as rmw_cyclonedds_cpp has it."""
    scope = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET').upper()
    discovery = ('<Discovery><ParticipantIndex>auto</ParticipantIndex>'
                 '<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>{}</Discovery>')
    peers = [p for p in os.environ.get('ROS_STATIC_PEERS', '').split(';') if p]
    if scope == 'LOCALHOST':
        # Stricter than rmw_cyclonedds_cpp, which listens on every interface.
        given = os.environ.get('CYCLONEDDS_URI', '')
        # Who names interfaces knows better; Cyclone refuses one that is named twice.
        return given if 'NetworkInterface' in given else f'{LOCALHOST_URI},{given}'
    if scope not in ('SUBNET', 'SYSTEM_DEFAULT'):
        raise NotImplementedError(
            f'rosless: ROS_AUTOMATIC_DISCOVERY_RANGE={scope} is not supported; use SUBNET, '
            'LOCALHOST or SYSTEM_DEFAULT')
    listed = ''.join(f'<Peer address="{peer}"/>' for peer in peers)
    discovery = discovery.format(f'<Peers>{listed}</Peers>' if listed else '')
    ours = f'<CycloneDDS><Domain>{discovery}</Domain></CycloneDDS>,'
    return ('' if scope == 'SYSTEM_DEFAULT' else ours) + os.environ.get('CYCLONEDDS_URI', '')


class Context:
    """Encapsulates the lifecycle of init and shutdown."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._callbacks: list[Callable[[], Any]] = []
        self._initialized = False
        self._ok = False
        self._domain_id = 0
        self._nodes: list[Any] = []
        self._topics: dict[str, tuple[int, Any]] = {}
        self._guards: weakref.WeakSet[Any] = weakref.WeakSet()
        """Guard conditions that a shutdown wakes."""
        self.arguments = _arguments.Arguments()

    def init(self, args: list[str] | None = None, *, initialize_logging: bool = True,
             domain_id: int | None = None) -> None:
        """
        Join the domain.

        Args:
            args: command line, sys.argv if None.
            initialize_logging: whether `--log-level` takes effect.
            domain_id: the domain; by default that of ROS_DOMAIN_ID, or 0.

        """
        if domain_id is not None and domain_id < 0:
            raise RuntimeError(f'Domain id ({domain_id}) should not be lower than zero.')
        with self._lock:
            if self._initialized:
                raise RuntimeError('Context.init() must only be called once')
            self.arguments = _arguments.parse(sys.argv if args is None else list(args))
            self._domain_id = _domain_from_environment() if domain_id is None else domain_id
            self._join()
            self._initialized = self._ok = True
            _contexts.add(self)
        if initialize_logging:
            from rclpy import logging
            logging._configure(self.arguments)

    def _join(self) -> None:
        with _domains_lock:
            entity, users = _domains.get(self._domain_id, (0, 0))
            try:
                entity = entity or _dds.create_domain(self._domain_id, _configuration())
                _domains[self._domain_id] = entity, users + 1
                self._participant = _dds.create_participant(
                    self._domain_id, f'enclave={self.arguments.enclave};'.encode())
            except _dds.Error as error:
                if entity:
                    self._leave_domain()
                raise RCLError(f'cannot join DDS domain {self._domain_id}: {error}; check '
                               'CYCLONEDDS_URI and the network interface') from error
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

    def get_domain_id(self) -> int:
        """Get domain id of context."""
        self._require('have a domain id')
        return self._domain_id

    def _require(self, purpose: str) -> None:
        if not self._initialized:
            raise RuntimeError(f'Context must be initialized before it can {purpose}')

    def on_shutdown(self, callback: Callable[[], Any]) -> None:
        """Add a callback to be called on shutdown."""
        if not callable(callback):
            raise TypeError(f'callback should be a callable, got {type(callback)}')
        with self._lock:
            if self._initialized and not self._ok:
                callback()
            elif ismethod(callback):
                self._callbacks.append(weakref.WeakMethod(callback))
            else:
                self._callbacks.append(lambda: callback)

    def _stop(self) -> None:
        """
        End every spin, without leaving the domain.

        This is what a signal does. It takes no lock, since the thread that runs it may hold any.
        """
        self._ok = False
        for guard in list(self._guards):
            guard.trigger()

    def shutdown(self) -> None:
        """Shutdown this context; a second time is an error."""
        self._require('be shutdown')
        if not self._ok:
            raise RCLError('failed to shutdown: rcl_shutdown already called on the given context')
        self.try_shutdown()

    def try_shutdown(self) -> None:
        """Shutdown this context, if not already shutdown; leave the domain in any case."""
        with self._lock:
            if self not in _contexts:
                return
            was_ok = self._ok
            self._stop()
            callbacks, self._callbacks = self._callbacks, []
            if was_ok:
                for reference in callbacks:
                    callback = reference()
                    if callback is not None:
                        callback()
            _contexts.discard(self)
            with _domains_lock:
                _dds.delete(self._participant)
                self._leave_domain()

    def _topic(self, name: str, message: Any) -> int:
        """Return the DDS topic of this name, made at its first use."""
        with self._lock:
            if not self._ok:
                raise NotInitializedException(f'the context was shut down before {name} was made')
            if name not in self._topics:
                self._topics[name] = _dds.create_topic(self._participant, name, message), message
            topic, known = self._topics[name]
            if known is not message:
                raise RCLError(f'topic {name} has the type {known._type_name} in this process; '
                               f'it cannot have {message._type_name} too')
            return topic

    def _announce(self) -> None:
        """Tell the domain that a node or endpoint has come or gone."""
        with self._lock:
            if self in _contexts:
                self._graph.announce(self._nodes)

    def __enter__(self) -> Context:
        self.init()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.try_shutdown()


def _domain_from_environment() -> int:
    text = os.environ.get('ROS_DOMAIN_ID', '')
    if not text:
        return 0
    if not text.isdigit():
        raise RCLError(f'ROS_DOMAIN_ID must be a number from 0 to 232; got {text!r}')
    return int(text)


@atexit.register
def _leave_all() -> None:
    # Peers are told that we go, instead of finding out by a lease that runs out.
    for context in list(_contexts):
        context.try_shutdown()

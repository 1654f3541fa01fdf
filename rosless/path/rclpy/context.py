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
from typing import Any

from rclpy import _arguments
from rclpy import _dds
from rclpy import logging
from rclpy._graph import Graph
from rclpy._outside import outside
from rclpy.exceptions import NotInitializedException
from rclpy.exceptions import RCLError
from rosless import LOCALHOST_URI

_contexts: weakref.WeakSet[Context] = weakref.WeakSet()
_domains: dict[int, tuple[int, int]] = {}
"""Domain id to (entity, number of contexts): a process configures a domain only once."""
_domains_lock = threading.Lock()


def _discovery_range() -> str:
    return os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET').upper()


def _configuration() -> str:
    """Return Cyclone's configuration for the range of discovery, as rmw_cyclonedds_cpp has it."""
    given = os.environ.get('CYCLONEDDS_URI', '')
    scope = _discovery_range()
    if scope == 'SYSTEM_DEFAULT':
        return given
    if scope == 'LOCALHOST':
        # Who names interfaces knows better; Cyclone refuses one that is named twice.
        return given if 'NetworkInterface' in given else f'{LOCALHOST_URI},{given}'
    if scope != 'SUBNET':
        outside(
            f'ROS_AUTOMATIC_DISCOVERY_RANGE={scope} (inside are SUBNET, LOCALHOST and '
            'SYSTEM_DEFAULT)'
        )
    peers = ''.join(
        f'<Peer address="{peer}"/>'
        for peer in os.environ.get('ROS_STATIC_PEERS', '').split(';')
        if peer
    )
    return (
        '<CycloneDDS><Domain><Discovery><ParticipantIndex>auto</ParticipantIndex>'
        '<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>'
        f'{peers and f"<Peers>{peers}</Peers>"}</Discovery></Domain></CycloneDDS>,{given}'
    )


def _sockets() -> set[tuple[int, str]]:
    """Return (file descriptor, identity) of all open sockets of this process."""
    found = set()
    for name in os.listdir('/proc/self/fd'):
        try:
            target = os.readlink(f'/proc/self/fd/{name}')
        except FileNotFoundError:
            continue
        if target.startswith('socket:'):
            found.add((int(name), target))
    return found


def _keep_to_loopback(sockets: set[tuple[int, str]]) -> None:
    """Let the UDP sockets among these receive from the loopback interface only.

    Whatever its configuration, Cyclone receives on all addresses of the machine, as
    rmw_cyclonedds_cpp does: anybody in the network could send to a vehicle that is to be alone.
    """
    import socket

    for descriptor, _ in sockets:
        with socket.socket(fileno=os.dup(descriptor)) as udp:
            if udp.type != socket.SOCK_DGRAM:
                continue
            try:
                udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo')
            except OSError as error:
                logging.get_logger('rosless').warning(
                    f'ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST: DDS receives from the network '
                    f'too ({error}); let a firewall drop UDP ports from 7400 on'
                )


def _domain_from_environment() -> int:
    text = os.environ.get('ROS_DOMAIN_ID') or '0'
    if not text.isdigit():
        raise RCLError(f'ROS_DOMAIN_ID must be a number from 0 to 232; got {text!r}')
    return int(text)


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
            logging._configure(self.arguments)
            self._domain_id = _domain_from_environment() if domain_id is None else domain_id
            self._join()
            self._initialized = self._ok = True
            _contexts.add(self)

    def _join(self) -> None:
        with _domains_lock:
            entity, users = _domains.get(self._domain_id, (0, 0))
            before = _sockets()
            try:
                entity = entity or _dds.create_domain(self._domain_id, _configuration())
                _domains[self._domain_id] = entity, users + 1
                self._participant = _dds.create_participant(
                    self._domain_id, f'enclave={self.arguments.enclave};'.encode()
                )
            except _dds.Error as error:
                if entity:
                    self._leave_domain()
                raise RCLError(
                    f'cannot join DDS domain {self._domain_id}: {error}; check '
                    'CYCLONEDDS_URI and the network interface'
                ) from error
            if _discovery_range() == 'LOCALHOST':
                _keep_to_loopback(_sockets() - before)
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
        return self._domain_id

    def on_shutdown(self, callback: Callable[[], Any]) -> None:
        """Add a callback to be called on shutdown."""
        with self._lock:
            if self._initialized and not self._ok:
                callback()
            else:
                self._callbacks.append(callback)

    def _stop(self) -> None:
        """End every spin, without leaving the domain.

        This is what a signal does. It takes no lock, since the thread that runs it may hold any.
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
            if self not in _contexts:
                return
            self._stop()
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
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
                raise RCLError(
                    f'topic {name} has the type {known._type_name} in this process; '
                    f'it cannot have {message._type_name} too'
                )
            return topic

    def _announce(self) -> None:
        """Tell the domain that a node or endpoint has come or gone."""
        with self._lock:
            if self in _contexts:
                self._graph.announce(self._nodes)


@atexit.register
def _leave_all() -> None:
    # Peers are told that we go, instead of finding out by a lease that runs out.
    for context in list(_contexts):
        context.try_shutdown()

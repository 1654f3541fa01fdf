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
"""The addresses of a host name, and sockets bound to them."""

from __future__ import annotations

import errno
import socket
from typing import Any

Found = tuple[Any, Any, int, str, tuple[Any, ...]]  # of socket.getaddrinfo


def host_addresses(host: str, port: int | None = None) -> list[Found]:
    """Return the addresses to listen on for a name, as `socket.getaddrinfo` does.

    Args:
        host: name or address; empty: all interfaces.
        port: TCP port.

    Raises:
        OSError: the name has no address, or cannot be one.

    """
    try:
        if '\0' in host:  # what is before it would be looked up
            raise ValueError('it holds a NUL')
        return socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except ValueError as error:  # or of the encoding of names: a label is too long
        raise OSError(errno.EINVAL, f'no name of a host: {error.__cause__ or error}') from None


def bound_sockets(host: str, port: int) -> list[socket.socket]:
    """Return sockets that are bound to the addresses of a name, one each, and do not listen yet.

    Args:
        host: name or address; empty: all interfaces.
        port: TCP port; 0: one that is free, the same for all.

    Raises:
        OSError: the name has no address of this machine, or cannot be one, or the port is in use.

    """
    found = host_addresses(host, port)
    bound: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
            try:
                bound.append(_bound(family, (address[0], port, *address[2:])))
            except OSError as error:
                # A name may have an address of a family that this machine does not have.
                if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and len(found) > 1:
                    continue
                raise
            port = bound[-1].getsockname()[1]
        if not bound:
            raise OSError(errno.EADDRNOTAVAIL, f'no address of {host} belongs to this machine')
    except OSError:
        for each in bound:
            each.close()
        raise
    return bound


def _bound(family: int, address: tuple[Any, ...]) -> socket.socket:
    """Return a socket that is bound to one address, and to no other of another family."""
    created = socket.socket(family)
    try:
        created.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            created.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        created.bind(address)
    except OSError:
        created.close()
        raise
    return created

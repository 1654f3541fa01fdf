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
"""The addresses of a host name."""

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
        return socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except ValueError as error:  # of the encoding of names: a label is too long or empty
        raise OSError(errno.EINVAL, f'no name of a host: {error}') from None

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
"""The head of an HTTP request: checked, and written anew for the WebSocket library.

The library is given nothing that a peer wrote but the path and the values of the headers that the
gateway uses, all of them printable ASCII. So every version of the library behaves alike, and no
byte of an unauthenticated peer reaches a parser that might raise.
"""

from __future__ import annotations

import re
from collections import Counter
from http import HTTPStatus
from typing import NamedTuple

from oht50_bridge.protocol.endpoint import PATH

MAX_HEADERS = 64
MAX_URL = 4096  # characters
#: Bytes of a header line: the usual limit, and enough for a token.
MAX_LINE = 8190
#: Bytes of a request with all its headers.
MAX_REQUEST = 16 * 1024
#: Host of a request of HTTP/1.0 that has none. No name ends so (RFC 2606).
NO_HOST = 'http-1-0.invalid'

GET, HEAD = 'GET', 'HEAD'
#: Methods of a WebSocket (RFC 6455, section 4.1), and of what is read.
WEBSOCKET_METHODS = GET
PAGE_METHODS = f'{GET}, {HEAD}'

#: Headers that must be unique: a repeated one may mean one thing to a proxy and another here.
SINGLE_HEADERS = (
    'Host',
    'Origin',
    'Authorization',
    'Upgrade',
    'Content-Length',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Version',
)
# The headers that are passed on; all others are dropped.
_USED = {
    name.lower(): name
    for name in (
        'Host',
        'Origin',
        'Authorization',
        'Connection',
        'Upgrade',
        'Sec-WebSocket-Key',
        'Sec-WebSocket-Version',
        'Sec-WebSocket-Extensions',
        'Sec-WebSocket-Protocol',
        'X-Forwarded-For',
        'Accept-Encoding',
        'If-None-Match',
    )
}
# Of no meaning where they are not ASCII: no value of ours is like that.
_IGNORABLE = ('accept-encoding', 'if-none-match')
_SINGLE = {name.lower(): name for name in SINGLE_HEADERS}

_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_TARGET = re.compile(rb'(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(/[\x21-\x7e]*)')
_VERSION = re.compile(rb'HTTP/[0-9]\.[0-9]')
# Printable characters, space and tab; bytes above 127 are nobody's in the headers that are used.
_VALUE = re.compile(rb'[\x09\x20-\x7e]*')
_ANY_VALUE = re.compile(rb'[\x09\x20-\x7e\x80-\xff]*')


class RequestRefusedError(Exception):
    """A request is refused; the message goes to the peer.

    Attributes:
        status: of the HTTP response.
        reason: for the audit log and the metrics.
        headers: more of the response, by name.

    """

    def __init__(self, status: HTTPStatus, reason: str, description: str, **headers: str) -> None:
        super().__init__(description)
        self.status = status
        self.reason = reason
        self.headers = headers


class Head(NamedTuple):
    """A request as it is passed on.

    Attributes:
        method: GET or HEAD. The library reads each as GET: before version 17 it knows no other.
        request: the bytes for the library.

    """

    method: str
    request: bytes


def wrong_method(allowed: str) -> RequestRefusedError:
    """Return the refusal of a method.

    Args:
        allowed: the methods that the path has.

    """
    return RequestRefusedError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        'request',
        f'the path allows {allowed.replace(",", " and")} only',
        Allow=allowed,
    )


def method_of(head: bytes | bytearray) -> str:
    """Return the method of a request that may be refused: HEAD, or GET for all else."""
    return HEAD if head.lstrip(b'\r\n').startswith(b'HEAD ') else GET


def is_complete(head: bytes | bytearray) -> bool:
    """Return whether bytes end with the empty line that ends a request."""
    return head.endswith((b'\n\r\n', b'\n\n')) and bool(head.strip())


def rewritten(head: bytes) -> Head:
    """Return the request of a peer as a request of HTTP/1.1 that the library understands.

    Args:
        head: the request line and the headers, up to and with the empty line.

    Raises:
        RequestRefusedError: it is no request, or one that has no answer here.

    """
    lines = head.lstrip(b'\r\n').split(b'\n')[:-2]  # without the empty line
    if not lines or not all(line.endswith(b'\r') for line in lines):
        raise _bad('each line must end with CR LF')
    first, *rest = (line[:-1] for line in lines)
    method, target, is_old = _request_line(first)
    if any(len(line) > MAX_LINE for line in rest):
        raise RequestRefusedError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            'request',
            f'a header is longer than {MAX_LINE} bytes',
        )
    if len(rest) > MAX_HEADERS:
        raise RequestRefusedError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            'request',
            f'more than {MAX_HEADERS} headers',
        )
    fields = [field for field in map(_field, rest) if field is not None]
    _check(fields)
    if is_old:
        # A WebSocket needs HTTP/1.1; without an upgrade the library answers so.
        fields = [(name, value) for name, value in fields if name != 'upgrade']
        if not any(name == 'host' for name, _ in fields):
            fields.append(('host', NO_HOST.encode()))
    used = b''.join(
        b'%b: %b\r\n' % (_USED[name].encode(), value) for name, value in fields if name in _USED
    )
    return Head(method, b'GET %b HTTP/1.1\r\n%b\r\n' % (target, used))


def _request_line(line: bytes) -> tuple[str, bytes, bool]:
    """Return the method, the path with its query, and whether the request is of HTTP/1.0."""
    parts = line.split(b' ')
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]) or not _VERSION.fullmatch(parts[2]):
        raise _bad('not a request line of HTTP')
    method, target, version = parts
    if version not in (b'HTTP/1.0', b'HTTP/1.1'):
        raise RequestRefusedError(
            HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, 'request', 'use HTTP/1.1 or HTTP/1.0'
        )
    path = _TARGET.fullmatch(target)
    if method not in (b'GET', b'HEAD'):
        is_websocket = path is not None and path[1].partition(b'?')[0] == PATH.encode()
        raise wrong_method(WEBSOCKET_METHODS if is_websocket else PAGE_METHODS)
    if len(target) > MAX_URL:
        raise RequestRefusedError(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            'request',
            f'the URL is longer than {MAX_URL} characters',
        )
    if path is None:
        raise _bad('the URL is not a path of printable ASCII')
    return method.decode(), path[1].partition(b'#')[0], version == b'HTTP/1.0'


def _field(line: bytes) -> tuple[str, bytes] | None:
    """Return the name in lower case and the value of a header; None: it has no meaning here."""
    raw_name, colon, raw_value = line.partition(b':')
    value = raw_value.strip(b' \t')
    if not colon or not _TOKEN.fullmatch(raw_name) or not _ANY_VALUE.fullmatch(value):
        raise _bad('not a header line of HTTP')
    name = raw_name.decode().lower()
    if name == 'transfer-encoding':
        raise _bad('a request has no body')
    if name not in _USED and name not in _SINGLE:
        return None
    if not _VALUE.fullmatch(value):
        if name in _IGNORABLE:
            return None
        raise _bad(f'the header {_SINGLE.get(name) or _USED[name]} is not ASCII')
    return name, value


def _check(fields: list[tuple[str, bytes]]) -> None:
    counts = Counter(name for name, _ in fields)
    for name, spelling in _SINGLE.items():
        if counts[name] > 1:
            raise _bad(f'the header {spelling} occurs twice')
    if any(name == 'content-length' and value != b'0' for name, value in fields):
        raise _bad('a request has no body')


def _bad(description: str) -> RequestRefusedError:
    return RequestRefusedError(HTTPStatus.BAD_REQUEST, 'request', description)

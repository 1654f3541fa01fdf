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
"""HTTP answers, and the security headers that are on every one of them.

Answers are made in several places: by the listener, by the check of a request, and by the
WebSocket library. All of them get their security headers here.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Response

from oht50_bridge.gateway.admission.request_head import GET
from oht50_bridge.gateway.admission.request_head import HEAD
from oht50_bridge.gateway.admission.request_head import RequestRefusedError
from oht50_bridge.gateway.page_files import NOT_STORED
from oht50_bridge.gateway.page_files import TEXT

#: Nothing of a page is inline or comes from elsewhere, and it talks to this bridge alone.
CONTENT_SECURITY_POLICY = '; '.join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
SECURITY_HEADERS = (
    ('Content-Security-Policy', CONTENT_SECURITY_POLICY),
    ('X-Content-Type-Options', 'nosniff'),
    ('Referrer-Policy', 'no-referrer'),
    ('Cross-Origin-Opener-Policy', 'same-origin'),
    ('Cross-Origin-Resource-Policy', 'same-origin'),
    ('Permissions-Policy', 'camera=(), microphone=(), geolocation=()'),
)
#: Only over TLS (RFC 6797, section 7.2).
TRANSPORT_SECURITY = ('Strict-Transport-Security', 'max-age=31536000')

# A cache may keep a 404 of its own accord, and the path may exist after the next start.
_NOT_STORED = ('Cache-Control', NOT_STORED)


class Prepared(Response):
    """An answer whose bytes, security headers included, were made before anybody asked.

    They are sent as they are, so answers to many share them.
    """

    def __init__(self, status: HTTPStatus, answer: bytes) -> None:
        super().__init__(status.value, status.phrase, Headers())
        self._answer = answer

    def serialize(self) -> bytes:
        """Return the bytes."""
        return self._answer


class Answers:
    """Makes answers, and completes those of others.

    Args:
        encrypted: whether peers use TLS.

    """

    def __init__(self, encrypted: bool) -> None:
        self.encrypted = encrypted
        self._security = (*SECURITY_HEADERS, *([TRANSPORT_SECURITY] if encrypted else []))
        self._security_lines = _lines(self._security)

    def serialized(
        self,
        status: HTTPStatus,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes | None = b'',
        method: str = GET,
    ) -> bytes:
        """Return an answer as it is sent; the connection ends with it.

        Args:
            status: of the answer.
            headers: those that not every answer has.
            body: what GET is answered with; None: such an answer never has one.
            method: of the request.

        """
        length = '' if body is None else f'Content-Length: {len(body)}\r\n'
        head = (
            f'HTTP/1.1 {status.value} {status.phrase}\r\n{_lines(headers)}{length}'
            f'Connection: close\r\n{self._security_lines}\r\n'
        )
        return head.encode() + (b'' if body is None or method == HEAD else body)

    def refusal(self, error: RequestRefusedError, method: str = GET) -> bytes:
        """Return the answer to a request that is refused."""
        headers = [*error.headers.items(), ('Content-Type', TEXT), _NOT_STORED]
        return self.serialized(error.status, headers, f'{error}\n'.encode(), method)

    def complete(self, response: Response, method: str) -> None:
        """Give an answer of the library what it lacks; take the body of one to HEAD.

        An answer that opens a WebSocket is no content, and a prepared one is complete.
        """
        if isinstance(response, Prepared) or response.status_code == 101:
            return
        for name, value in (_NOT_STORED, *self._security):
            response.headers[name] = value
        if method == HEAD:
            response.body = b''


def _lines(headers: Iterable[tuple[str, str]]) -> str:
    return ''.join(f'{name}: {value}\r\n' for name, value in headers)

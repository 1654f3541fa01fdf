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
"""The HTTP request of a connection: it becomes a WebSocket, gets a page, or is refused."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from pydantic import ValidationError
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.http11 import Response

from oht50_bridge.gateway.admission import origins
from oht50_bridge.gateway.admission.limits import Addresses
from oht50_bridge.gateway.admission.limits import address_of
from oht50_bridge.gateway.admission.limits import forwarded
from oht50_bridge.gateway.admission.limits import within
from oht50_bridge.gateway.admission.listener import Listener
from oht50_bridge.gateway.admission.listener import PendingConnection
from oht50_bridge.gateway.admission.request_head import GET
from oht50_bridge.gateway.admission.request_head import MAX_HEADERS
from oht50_bridge.gateway.admission.request_head import MAX_URL
from oht50_bridge.gateway.admission.request_head import SINGLE_HEADERS
from oht50_bridge.gateway.admission.request_head import WEBSOCKET_METHODS
from oht50_bridge.gateway.admission.request_head import RequestRefusedError
from oht50_bridge.gateway.admission.request_head import wrong_method
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.pages import Pages
from oht50_bridge.gateway.redact import redact
from oht50_bridge.protocol import commands
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.protocol.rates import TokenBucket
from oht50_bridge.text import shown

#: Log lines on defects that a request reveals: at once, and then per second.
LINES, LINES_PER_SECOND = 3, 0.01

_log = logging.getLogger(__name__)


class Handshake:
    """Checks requests, and answers those that become no WebSocket.

    Args:
        config: origins, proxies, limits.
        listener: counts connections per address.
        addresses: limits per address.
        refused: called with the address, the reason and a description.
        pages: answers of the other paths.

    """

    def __init__(
        self,
        config: GatewayConfig,
        listener: Listener,
        addresses: Addresses,
        refused: Callable[[str, str, str], None],
        pages: Pages,
    ) -> None:
        self._config = config
        self._listener = listener
        self._addresses = addresses
        self._refused = refused
        self._pages = pages
        self._lines = TokenBucket(LINES_PER_SECOND, LINES)

    def respond(
        self,
        pending: PendingConnection | None,
        request: Request,
        method: str,
        respond: Callable[[HTTPStatus, str], Response],
        now: float,
    ) -> Response | None:
        """Return the response to a request; None: it becomes a WebSocket.

        Args:
            pending: the connection; None: it was refused meanwhile.
            request: the request.
            method: of the request, GET or HEAD.
            respond: makes a response of a status and a text.
            now: s, monotonic.

        """
        if pending is None:
            return respond(HTTPStatus.SERVICE_UNAVAILABLE, 'Refused\n')
        try:
            self._check_headers(request)
            self._check_address(pending, request.headers, now)
            return self._answer(request, method)
        except RequestRefusedError as refused:
            error = refused
        except Exception:
            # A defect that anybody can reach must not fill the log.
            if self._lines.take(time.monotonic()):
                _log.exception('defect in the check of a request')
            error = RequestRefusedError(HTTPStatus.BAD_REQUEST, 'request', 'not understood')
        self._refused(pending.address, error.reason, str(error))
        response = respond(error.status, f'{error}\n')
        response.headers.update(error.headers)
        return response

    def _check_headers(self, request: Request) -> None:
        headers = request.headers
        if len(request.path) > MAX_URL:
            raise RequestRefusedError(
                HTTPStatus.REQUEST_URI_TOO_LONG,
                'request',
                f'the URL is longer than {MAX_URL} characters',
            )
        if len(list(headers.raw_items())) > MAX_HEADERS:
            raise RequestRefusedError(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                'request',
                f'more than {MAX_HEADERS} headers',
            )
        if not headers.get_all('Host'):
            raise RequestRefusedError(
                HTTPStatus.BAD_REQUEST, 'request', 'the header Host is missing'
            )
        for name in SINGLE_HEADERS:
            if len(headers.get_all(name)) > 1:
                raise RequestRefusedError(
                    HTTPStatus.BAD_REQUEST, 'request', f'the header {name} occurs twice'
                )

    def _check_address(self, pending: PendingConnection, headers: Headers, now: float) -> None:
        """Count a connection from a proxy by the address that the proxy reports."""
        proxies = self._config.proxies
        if not within(pending.host, proxies):
            return
        try:
            host = forwarded(pending.host, headers.get_all('X-Forwarded-For'), proxies)
        except ValueError as error:
            raise RequestRefusedError(
                HTTPStatus.BAD_REQUEST, 'request', 'the header X-Forwarded-For contains no address'
            ) from error
        self._listener.move(pending, host)
        if not self._addresses.handshake(address_of(host), now):
            raise RequestRefusedError(
                HTTPStatus.TOO_MANY_REQUESTS, 'handshakes', 'too many handshakes from this address'
            )

    def _answer(self, request: Request, method: str) -> Response | None:
        """Return the answer of a path; None on the path of the events."""
        path = request.path.partition('?')[0]
        if path == PATH:
            if method != GET:
                raise wrong_method(WEBSOCKET_METHODS)
            if request.headers.get_all('Sec-WebSocket-Protocol'):
                # A browser would end the connection without a reason.
                raise RequestRefusedError(
                    HTTPStatus.BAD_REQUEST,
                    'request',
                    'there is no subprotocol: connect without one, and send the token in auth',
                )
            origin = request.headers.get('Origin')
            if origin is not None and not self._may_connect(origin, request.headers['Host']):
                raise RequestRefusedError(
                    HTTPStatus.FORBIDDEN,
                    'origin',
                    f'pages of {shown(redact(origin), 200)} may not connect; the parameter '
                    'origins of the bridge lists the origins that may',
                )
            return None  # without an upgrade the library answers 426
        answer = self._pages.answer(path, method, request.headers)
        if answer is None:
            raise RequestRefusedError(
                HTTPStatus.NOT_FOUND, 'request', f'No such path; events are on {PATH}'
            )
        return answer

    def _may_connect(self, origin: str, host: str) -> bool:
        """Return whether a page of an origin may connect to the host of its request."""
        if '*' in self._config.origins or origin in self._config.origins:
            return True
        page = origins.parts(origin)
        if page is None:
            return False
        scheme, name, _ = page
        return scheme in origins.DEFAULT_PORTS and name != '' and name == origins.host_of(host)

    def early_auth(self, request: Request) -> commands.Auth | None:
        """Return the `auth` in the header or URL of a request, None without one.

        A malformed token is returned as well: the session refuses it as any wrong token.
        """
        fields: dict[str, Any] = {'type': 'auth'}
        scheme, _, token = (request.headers.get('Authorization') or '').partition(' ')
        query = parse_qs(request.path.partition('?')[2])
        if scheme.lower() == 'bearer':
            fields['token'] = token.strip()
        elif self._config.query_token and 'token' in query:
            fields['token'] = query['token'][0]
            if 'client_id' in query:
                fields['client_id'] = query['client_id'][0]
            if 'subscription' in query:
                fields['subscription'] = query['subscription'][0].split(',')
        else:
            return None
        try:
            return commands.Auth.model_validate(fields)
        except ValidationError:
            return commands.Auth(type='auth', token='-')  # noqa: S106 - no valid token

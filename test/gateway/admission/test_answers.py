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
"""HTTP answers: each, by any part of the gateway, has the security headers."""

import asyncio
import ssl
from http import HTTPStatus

import pytest
from gateway.certificates import Authority
from gateway.certificates import install
from gateway.certificates import pem
from websockets.datastructures import Headers
from websockets.http11 import Response

from oht50_bridge.gateway.admission.answers import SECURITY_HEADERS
from oht50_bridge.gateway.admission.answers import TRANSPORT_SECURITY
from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.admission.answers import Prepared
from oht50_bridge.gateway.admission.request_head import MAX_LINE
from oht50_bridge.gateway.admission.request_head import MAX_REQUEST
from oht50_bridge.gateway.admission.request_head import MAX_URL
from oht50_bridge.gateway.admission.request_head import RequestRefusedError
from oht50_bridge.gateway.admission.request_head import wrong_method

#: As browsers know them; what is not spelled so protects nothing.
EXPECTED = {
    'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
}
STRICT = dict([TRANSPORT_SECURITY])
#: Enough to be handed to the library, which then refuses it.
WEBSOCKET = 'Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
KEY = 'Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==\r\n'


def parsed(answer):
    """The status, the headers, which may not occur twice, and the body of an answer."""
    head, _, body = answer.partition(b'\r\n\r\n')
    first, *lines = head.decode().split('\r\n')
    headers = dict(line.split(': ', 1) for line in lines)
    assert len(headers) == len(lines), head
    return int(first.split()[1]), headers, body


def secured(headers, more=None):
    """Whether an answer has the security headers, exactly."""
    return {**EXPECTED, **(more or {})}.items() <= headers.items()


def test_the_headers_are_those_of_the_documentation():
    assert dict(SECURITY_HEADERS) == EXPECTED
    assert STRICT == {'Strict-Transport-Security': 'max-age=31536000'}


def test_a_refusal_says_why_and_ends_the_connection():
    error = RequestRefusedError(HTTPStatus.BAD_REQUEST, 'request', 'no host')
    status, headers, body = parsed(Answers(False).refusal(error))
    assert (status, body) == (400, b'no host\n')
    assert secured(headers)
    del headers['Content-Security-Policy']
    assert headers['Connection'] == 'close'
    assert headers['Content-Type'] == 'text/plain; charset=utf-8'
    assert headers['Content-Length'] == '8'


def test_a_refusal_of_head_has_the_headers_alone():
    error = wrong_method('GET, HEAD')
    answers = Answers(False)
    full, short = answers.refusal(error), answers.refusal(error, 'HEAD')
    assert full == short + f'{error}\n'.encode()
    assert parsed(short)[1]['Allow'] == 'GET, HEAD'


def test_an_answer_that_never_has_a_body_states_no_length():
    assert (
        'Content-Length'
        not in parsed(Answers(False).serialized(HTTPStatus.NOT_MODIFIED, body=None))[1]
    )


def test_an_answer_of_the_library_is_completed():
    response = Response(426, 'Upgrade Required', Headers([('Upgrade', 'websocket')]), b'text')
    Answers(True).complete(response, 'GET')
    status, headers, body = parsed(response.serialize())
    assert (status, headers['Upgrade'], body) == (426, 'websocket', b'text')
    assert secured(headers, STRICT)
    Answers(False).complete(response, 'HEAD')
    assert response.body == b''


def test_an_open_websocket_and_a_prepared_answer_stay_as_they_are():
    opening = Response(101, 'Switching Protocols', Headers([('Upgrade', 'websocket')]))
    answer = Answers(False).serialized(HTTPStatus.OK, body=b'text')
    prepared = Prepared(HTTPStatus.OK, answer)
    for response in (opening, prepared):
        before = response.serialize()
        Answers(False).complete(response, 'GET')
        assert response.serialize() == before
    assert prepared.serialize() is answer
    assert not prepared.headers  # no work is done for what is ready


REQUESTS = {
    200: f'GET /healthz HTTP/1.1\r\n{WEBSOCKET}\r\n',
    400: 'nonsense\r\n\r\n',
    403: f'GET /ws/telemetry HTTP/1.1\r\n{WEBSOCKET}{KEY}Origin: http://y\r\n\r\n',
    404: 'GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n',
    405: 'POST / HTTP/1.1\r\nHost: x\r\n\r\n',
    414: f'GET /{"x" * MAX_URL} HTTP/1.1\r\n\r\n',
    426: 'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\n\r\n',
    431: f'GET / HTTP/1.1\r\nX: {"y" * MAX_LINE}\r\n\r\n',
    505: 'GET / HTTP/3.0\r\n\r\n',
}
#: By the library, and by the part of the gateway that reads bytes.
ALSO = {
    'a key of the wrong length': (400, f'GET /ws/telemetry HTTP/1.1\r\n{WEBSOCKET}\r\n'),
    'no host': (400, 'GET /healthz HTTP/1.1\r\n\r\n'),
    'too large as a whole': (
        431,
        'GET / HTTP/1.1\r\n' + f'X: {"y" * 4000}\r\n' * (MAX_REQUEST // 4000 + 1),
    ),
}
CASES = [(str(status), status, text) for status, text in REQUESTS.items()]
CASES += [(name, status, text) for name, (status, text) in ALSO.items()]


async def asked(server, request, **options):
    """The answer to a request."""
    reader, writer = await asyncio.open_connection(
        server.gateway.config.host, server.gateway.port, **options
    )
    writer.write(request.encode())
    answer = parsed(await asyncio.wait_for(reader.read(), 10))
    writer.close()
    return answer


async def test_each_answer_has_the_security_headers(serving):
    async with serving() as server:
        for name, status, request in CASES:
            found, headers, _ = await asked(server, request)
            assert found == status, name
            assert secured(headers), name
            assert headers['Cache-Control'] == 'no-store', name
            assert not STRICT.keys() & headers.keys(), name


async def test_over_tls_each_answer_also_keeps_browsers_from_plain_text(serving, tmp_path):
    issuer = Authority('test')
    tls, _ = install(tmp_path, issuer)
    trust = ssl.create_default_context(cadata=pem(issuer.certificate).decode())
    async with serving(host='localhost', tls=tls) as server:
        for name, status, request in CASES:
            found, headers, _ = await asked(server, request, ssl=trust)
            assert found == status, name
            assert secured(headers, STRICT), name


async def test_an_address_with_too_many_handshakes_gets_them_too(serving):
    async with serving(address_handshakes=0.01, address_handshake_burst=1) as server:
        connections = [
            await asyncio.open_connection('127.0.0.1', server.gateway.port) for _ in range(2)
        ]
        for _, writer in connections:
            writer.write(REQUESTS[200].encode())
        answers = [parsed(await asyncio.wait_for(reader.read(), 10)) for reader, _ in connections]
        for _, writer in connections:
            writer.close()
    assert sorted(status for status, _, _ in answers) == [200, 429]
    for status, headers, _ in answers:
        assert secured(headers)
        assert headers.get('Retry-After') == ('1' if status == 429 else None)


async def test_the_library_refuses_with_them_while_it_closes(serving):
    async with serving() as server:
        gateway = server.gateway

        def closing(*_):
            gateway._server.close(close_connections=False)

        gateway._context.handshake.respond = closing
        request = f'GET /ws/telemetry HTTP/1.1\r\n{WEBSOCKET}{KEY}\r\n'
        status, headers, _ = await asked(server, request)
    assert status == 503
    assert secured(headers)


async def test_the_library_reports_a_defect_with_them(serving):
    async with serving() as server:
        server.gateway._context.handshake.respond = lambda *_: 1 / 0
        status, headers, _ = await asked(server, REQUESTS[200])
    assert status == 500
    assert secured(headers)


@pytest.mark.parametrize('encrypted', [False, True])
def test_what_is_sent_is_ascii_lines(encrypted):
    head = Answers(encrypted).serialized(HTTPStatus.OK).decode('ascii')
    assert head.isascii() and '\n' not in head.replace('\r\n', '')

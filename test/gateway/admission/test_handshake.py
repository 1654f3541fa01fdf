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
"""HTTP requests: WebSocket, page or refusal."""

import asyncio
import ipaddress
from http import HTTPStatus
from types import SimpleNamespace

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.http11 import Response

from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.admission.handshake import MAX_HEADERS
from oht50_bridge.gateway.admission.handshake import MAX_URL
from oht50_bridge.gateway.admission.handshake import Handshake
from oht50_bridge.gateway.admission.limits import Addresses
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.page_files import Document
from oht50_bridge.gateway.pages import Pages


async def test_clients_behind_a_trusted_proxy_have_separate_limits(serving):
    settings = {'address_handshakes': 0.01, 'address_handshake_burst': 2}

    async def statuses(server, clients):
        found = []
        for client in clients:
            reader, writer = await asyncio.open_connection('127.0.0.1', server.gateway.port)
            writer.write(
                f'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {client}\r\n\r\n'.encode()
            )
            found.append((await asyncio.wait_for(reader.read(), 10))[9:12])
            writer.close()
        return found

    clients = ['192.0.2.1'] * 3 + ['192.0.2.2']
    trusted = (ipaddress.ip_network('127.0.0.1'),)
    async with serving(proxies=trusted, **settings) as server:
        assert await statuses(server, clients) == [b'200', b'200', b'429', b'200']
    async with serving(**settings) as server:
        assert (await statuses(server, clients))[2:] == [b'', b'']


async def asked(server, request):
    """The whole answer to some bytes."""
    reader, writer = await asyncio.open_connection('127.0.0.1', server.gateway.port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


@pytest.mark.parametrize(
    'request_',
    [
        b'GET /healthz HTTP/1.0\r\nHost: vehicle\r\nConnection: close\r\n\r\n',  # of nginx
        b'GET /healthz HTTP/1.0\r\n\r\n',
        b'GET /healthz?x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nCookie: \xe4\r\n\r\n',
        b'\r\nGET http://x/healthz HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\r\n\r\n',
    ],
)
async def test_health_checks_of_all_kinds_are_answered(serving, request_):
    async with serving() as server:
        answer = await asked(server, request_)
        assert answer.startswith(b'HTTP/1.1 200 OK\r\n') and b'"status": "ok"' in answer
        assert server.gateway.stats().refused == {}


@pytest.mark.parametrize(
    ('request_', 'status'),
    [
        (b'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\n\r\n', 426),
        (b'GET /ws/telemetry HTTP/1.0\r\nUpgrade: websocket\r\n\r\n', 426),
        (
            b'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'
            b'Connection: Upgrade\r\n\r\n',
            400,
        ),
        (b'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\nOrigin: http://[\r\n\r\n', 403),
        (b'nonsense\r\n\r\n', 400),
        (b'HEAD /ws/telemetry HTTP/1.1\r\nHost: x\r\n\r\n', 405),
        (b'HEAD /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n', 404),
        (b'HEAD /healthz HTTP/2.0\r\n\r\n', 505),
        (b'POST /healthz HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}', 405),
    ],
)
async def test_each_refusal_is_counted_once_and_recorded(serving, tmp_path, request_, status):
    audit = AuditWriter(tmp_path / 'audit.jsonl')
    async with serving(audit=audit) as server:
        answer = await asked(server, request_)
        assert answer.startswith(f'HTTP/1.1 {status} '.encode())
        assert answer.endswith(b'\r\n\r\n') is request_.startswith(b'HEAD ')
        assert (b'\r\nAllow: GET' in answer) is (status == 405)
        await server.until(lambda: sum(server.gateway.stats().refused.values()) == 1)
    assert audit.path.read_text().count('"what":"refused"') == 1


@pytest.mark.parametrize('path', ['/healthz', '/metrics'])
async def test_head_is_answered_as_get_is_without_the_body(serving, path):
    async with serving() as server:
        full, short = [
            await asked(server, f'{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
            for method in ('GET', 'HEAD')
        ]
        assert server.gateway.stats().refused == {}
    head, _, body = full.partition(b'\r\n\r\n')
    assert f'\r\nContent-Length: {len(body)}\r\n'.encode() in head + b'\r\n'
    assert short.startswith(b'HTTP/1.1 200 OK\r\n') and short.endswith(b'\r\n\r\n')
    names = [
        [line.partition(b':')[0] for line in each.split(b'\r\n')] for each in (head, short[:-4])
    ]
    assert names[0] == names[1]


async def test_a_token_in_the_header_authenticates_and_in_the_url_only_if_allowed(serving):
    async with serving() as server:
        peer = await server.connect(
            additional_headers={'Authorization': f'Bearer {server.token()}'}
        )
        assert (await peer.receive())['type'] == 'connection.established'
        bad = await server.connect(additional_headers={'Authorization': 'Bearer x'})
        assert (await bad.ended())[0] == 4401
        peer = await server.connect(f'{server.url}?token={server.token()}')
        await peer.send('ping')
        assert (await peer.receive())['error_code'] == 'WS-008'
    async with serving(query_token=True) as server:
        peer = await server.connect(
            f'{server.url}?token={server.token()}&client_id=c1&subscription=mission.*,bad.one'
        )
        assert (await peer.receive())['data']['client_id'] == 'c1'
        assert 'bad.one' in (await peer.receive('error'))['description']
        assert (await peer.receive())['data']['events'] == ['mission.*']


PATH = '/ws/telemetry'


class Requests:
    """Requests of one peer to a handshake without sockets."""

    def __init__(self, host='192.0.2.1', **settings):
        config = GatewayConfig(**settings)
        self.refused = []
        self.pending = SimpleNamespace(host=host, address=host)
        self.handshake = Handshake(
            config,
            self,
            Addresses(config),
            self._refuse,
            Pages(Answers(False), {}, {'/page': lambda: Document(b'text', 'text/x')}),
        )

    def _refuse(self, *what):
        self.refused.append(what)

    def move(self, pending, host):
        """Be the listener that counts a connection by another address."""
        pending.address = host

    def __call__(self, path=PATH, *headers, host='vehicle:8000', method='GET'):
        fields = [*([('Host', host)] if host else []), *headers]
        return self.handshake.respond(
            self.pending,
            Request(path, Headers(fields)),
            method,
            lambda status, text: Response(status, status.phrase, Headers(), text.encode()),
            100.0,
        )


def test_the_path_of_the_events_becomes_a_websocket():
    requests = Requests()
    assert requests() is None
    assert requests.refused == []


def test_only_get_becomes_a_websocket():
    response = Requests()(method='HEAD')
    assert (response.status_code, response.headers['Allow']) == (405, 'GET')


def test_another_path_is_answered_by_its_page():
    response = Requests()('/page?x=1')
    assert response.status_code == 200
    assert response.serialize().endswith(b'\r\n\r\ntext')


@pytest.mark.parametrize(
    ('path', 'headers', 'status', 'description'),
    [
        ('/elsewhere', [], HTTPStatus.NOT_FOUND, 'No such path'),
        ('/' + 'x' * MAX_URL, [], HTTPStatus.REQUEST_URI_TOO_LONG, f'{MAX_URL} characters'),
        (
            PATH,
            [(f'X-{n}', '') for n in range(MAX_HEADERS)],
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f'more than {MAX_HEADERS}',
        ),
        (PATH, [('Host', 'b')], HTTPStatus.BAD_REQUEST, 'the header Host occurs twice'),
        (
            PATH,
            [('authorization', 'a'), ('Authorization', 'b')],
            HTTPStatus.BAD_REQUEST,
            'the header Authorization occurs twice',
        ),
    ],
)
def test_a_request_that_is_refused_is_recorded(path, headers, status, description):
    requests = Requests()
    response = requests(path, *headers)
    assert response.status_code == status
    ((address, reason, text),) = requests.refused
    assert (address, reason) == ('192.0.2.1', 'request')
    assert description in text and text.encode() in response.body


def test_a_request_without_host_is_refused():
    assert Requests()(host=None).status_code == HTTPStatus.BAD_REQUEST


def test_a_connection_refused_meanwhile_gets_no_page():
    requests = Requests()
    requests.pending = None
    assert requests('/page').status_code == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ('origin', 'origins', 'allowed'),
    [
        ('http://vehicle:3000', (), True),
        ('https://vehicle', (), True),
        ('http://evil.example', (), False),
        ('http://vehicle.evil.example', (), False),
        ('file://vehicle', (), False),
        ('null', (), False),
        ('null', ('null',), True),
        ('http://[', (), False),
        ('HTTP://Vehicle', (), True),
        ('http://VEHICLE:80', (), True),
        ('https://panel.example', ('https://panel.example',), True),
        ('https://panel.example:8443', ('https://panel.example',), False),
        ('http://evil.example', ('*',), True),
    ],
)
def test_pages_of_the_same_host_and_of_listed_origins_may_connect(origin, origins, allowed):
    requests = Requests(origins=origins)
    response = requests(PATH, ('Origin', origin))
    assert (response is None) is allowed
    assert [reason for _, reason, _ in requests.refused] == ([] if allowed else ['origin'])


def test_a_subprotocol_is_refused_with_the_remedy():
    requests = Requests()
    response = requests(PATH, ('Sec-WebSocket-Protocol', 'jwt'))
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert b'connect without one' in response.body


@pytest.mark.parametrize('path', ['//[', 'http://[/', '/?x=%ff', '/%zz', '?', ''])
def test_no_path_raises(path):
    requests = Requests(query_token=True)
    assert requests(path).status_code == HTTPStatus.NOT_FOUND
    requests.handshake.early_auth(Request(path, Headers([('Authorization', 'Bearer \xff')])))


def test_a_defect_is_a_refusal_and_few_lines_in_the_log(monkeypatch, caplog):
    requests = Requests()

    def defect(request, method):
        raise ZeroDivisionError

    monkeypatch.setattr(requests.handshake, '_answer', defect)
    for _ in range(50):
        assert requests('/page').status_code == HTTPStatus.BAD_REQUEST
    assert len(requests.refused) == 50
    assert len(caplog.records) == 3


def test_a_proxy_must_report_an_address():
    requests = Requests('10.0.0.1', proxies=(ipaddress.ip_network('10.0.0.0/24'),))
    assert requests(PATH, ('X-Forwarded-For', 'nonsense')).status_code == HTTPStatus.BAD_REQUEST
    assert requests(PATH, ('X-Forwarded-For', '192.0.2.7')) is None
    assert requests.pending.address == '192.0.2.7'


def early_auth(path=PATH, *headers, **settings):
    return Requests(**settings).handshake.early_auth(Request(path, Headers(headers)))


def test_a_request_without_a_token_brings_no_auth():
    assert early_auth() is None
    assert early_auth(PATH, ('Authorization', 'Basic YTpi')) is None
    assert early_auth(f'{PATH}?token=abc') is None  # not enabled


def test_the_url_brings_client_and_subscription_if_enabled():
    auth = early_auth(f'{PATH}?token=abc&client_id=c1&subscription=a.*,b.c', query_token=True)
    assert (auth.token, auth.client_id, auth.subscription) == ('abc', 'c1', ['a.*', 'b.c'])


def test_malformed_early_auth_is_passed_on_as_an_invalid_token():
    assert early_auth(PATH, ('Authorization', 'Bearer ')).token == '-'
    assert early_auth(f'{PATH}?token=abc&client_id=%00', query_token=True).token == '-'

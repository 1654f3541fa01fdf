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
"""Arbitrary heads of requests against a bridge in a process of its own."""

import asyncio
import json
import random
import re
import time
import urllib.request

import pytest
from fuzz.processes import check_audit
from fuzz.processes import check_log
from fuzz.processes import nodes
from fuzz.processes import text
from fuzz.seconds import SECONDS
from fuzz.seconds import new_seed
from support import wait_for

PARALLEL = 4
#: s within which a request must be answered or closed.
PATIENCE = 20.0
#: Log lines at once, and per second, of a bridge that is attacked.
LINES, LINES_PER_SECOND = 10, 0.1

TARGETS = [
    '/ws/telemetry',
    '/healthz',
    '/metrics',
    '/',
    '//[',
    'http://[',
    'http://[::1/ws/telemetry',
    '*',
    '/%zz',
    '/ws/telemetry?token=x&token=y&client_id=%00',
    '/ws/telemetry?%ff=%ff#x',
    '',
    '/?x',
    '/assets/index-12345678.js',
    '/assets/../index.html',
    '/%2e%2e/index.html',
    '//assets/index-12345678.js',
    '/asyncapi.yaml',
    '/favicon.ico',
    '/third-party.txt%00',
]
HEADERS = [
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
    'Content-Length',
    'Transfer-Encoding',
    'Cookie',
    'User-Agent',
    'Expect',
    'Accept-Encoding',
    'If-None-Match',
]
VALUES = [
    'x',
    'http://[',
    'http://[::1',
    'http://x:99999999999',
    '[::1',
    ':',
    'unknown',
    '1.2.3.4:5',
    ', ,',
    '[2001:db8::1]:443',
    'Bearer ',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    'permessage-deflate; client_max_window_bits=99',
    'permessage-deflate; =;,',
    'Upgrade',
    'websocket',
    'MDAwMDAwMDAwMDAwMDAwMA==',
    '13',
    '0',
    '-1',
    'chunked',
    '100-continue',
    'gzip, br;q=0.9',
    'gzip;q=0.0000, *;q=',
    '*',
    'W/"x", "", "',
    '\u00e4',
]


def head(pick):
    """The head of a request, more or less."""
    method = pick.choice(['GET'] * 6 + ['HEAD', 'HEAD', 'POST', 'get', text(pick, 4)])
    target = pick.choice(TARGETS) if pick.random() < 0.8 else f'/{text(pick)}'
    version = pick.choice(['HTTP/1.1'] * 6 + ['HTTP/1.0', 'HTTP/2.0', 'HTTP/9', text(pick, 4)])
    lines = [f'{method} {target} {version}']
    if pick.random() < 0.7:
        lines += [
            'Host: x',
            'Upgrade: websocket',
            'Connection: Upgrade',
            'Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMA==',
            'Sec-WebSocket-Version: 13',
        ]
    for _ in range(pick.choice([0, 1, 1, 2, 3, 80])):
        name = pick.choice(HEADERS) if pick.random() < 0.9 else text(pick, 4)
        value = pick.choice(VALUES) if pick.random() < 0.6 else text(pick)
        lines.append(f'{name}{pick.choice([": ", ":", " : ", ""])}{value}')
    if pick.random() < 0.2:
        pick.shuffle(lines)
    end = pick.choice(['\r\n'] * 8 + ['\n', '\r'])
    encoding = pick.choice(['utf-8', 'latin-1'])
    errors = 'surrogatepass' if encoding == 'utf-8' else 'replace'
    data = f'{end.join(lines)}{end}{end}'.encode(encoding, errors)
    if pick.random() < 0.3:
        at = pick.randrange(len(data) + 1)
        data = data[:at] + pick.randbytes(pick.randrange(20)) + data[at + pick.randrange(3) :]
    if pick.random() < 0.1:
        data = data[: pick.randrange(len(data) + 1)]
    return data


async def ask(port, data):
    """Send bytes; return the answer up to the end of the connection."""
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    try:
        writer.write(data)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), PATIENCE)
    except (ConnectionError, BrokenPipeError):
        return b''
    finally:
        writer.close()


async def attack(port, pick, until):
    """Send heads until a time; return how many, and how many were refused with a status."""
    sent = refused = 0
    while time.monotonic() < until:
        data = head(pick)
        answer = await ask(port, data)
        sent += 1
        if answer:
            status = re.match(rb'HTTP/1\.1 (\d{3}) ', answer)
            assert status is not None, (data, answer)
            assert int(status[1]) != 500, (data, answer)
            assert b'\r\nContent-Security-Policy: ' in answer or status[1] == b'101', answer
            if data.lstrip(b'\r\n').startswith(b'HEAD '):
                assert answer.endswith(b'\r\n\r\n'), (data, answer)
            refused += int(status[1]) >= 400
    return sent, refused


def page(port, path):
    with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}', timeout=PATIENCE) as response:
        return response.read().decode()


@pytest.mark.processes
def test_no_request_harms_the_bridge(tmp_path):
    pick = random.Random(new_seed())

    async def attacks(port):
        until = time.monotonic() + SECONDS
        return await asyncio.gather(*(attack(port, pick, until) for _ in range(PARALLEL)))

    site = tmp_path / 'page'
    (site / 'assets').mkdir(parents=True)
    (site / 'index.html').write_text('<!doctype html>')
    (site / 'assets' / 'index-12345678.js').write_text('export const x = 1;\n' * 1000)
    parameters = {'address_handshakes': 0.0, 'trusted_proxies': "['127.0.0.1']", 'page': str(site)}
    with nodes(tmp_path, ['bridge_node'], **parameters) as (started, port):
        bridge = started['bridge_node']

        def serves():
            assert bridge.process.poll() is None, bridge.log.read_text()
            try:
                return page(port, '/healthz')
            except OSError:
                return None

        wait_for(serves, 120.0, what='the bridge serves')
        before = len(bridge.log.read_bytes().splitlines())
        begun = time.monotonic()
        results = asyncio.run(attacks(port))
        took = time.monotonic() - begun
        sent, refused = (sum(column) for column in zip(*results, strict=True))
        assert json.loads(page(port, '/healthz'))['status'] == 'ok'
        assert page(port, '/') == '<!doctype html>'
        metrics = page(port, '/metrics')
        counted = sum(
            float(value)
            for value in re.findall(
                r'^oht50_gateway_refused_total\S* (\S+)', metrics, re.MULTILINE
            )
        )
        assert counted >= refused
        lines = check_log(bridge).splitlines()[before:]
        assert len(lines) <= LINES + 1 + LINES_PER_SECOND * took
        assert all(len(line) < 600 for line in lines)
        assert bridge.stop() == 0
        check_audit(tmp_path / 'audit.jsonl')
    print(f'{sent} requests in {took:.0f} s, {refused} refused, {len(lines)} log lines')
    assert sent > 0

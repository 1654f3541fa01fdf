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
"""Attacks on a running bridge: each is refused as documented, and the audit log says what and why.

An attack is a coroutine that is given an `Attacked`; it returns when it was refused. What the
audit log must then hold, and that no operator noticed anything, is checked for all of them alike.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import ipaddress
import json
import logging
import re
import socket
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from gateway.serving import ROOT
from gateway.serving import SECRET
from gateway.serving import Serving
from gateway.serving import make_event
from websockets.exceptions import ConnectionClosed

from oht50_bridge.gateway.audit.reader import verify
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.examples import EXAMPLES

ROLES = load_roles(ROOT / 'config' / 'roles.yaml')
PRIVATE = rsa.generate_private_key(65537, 2048)
PUBLIC = PRIVATE.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
ISSUER, AUDIENCE = 'issuer.example', 'oht50'
ATTACKS = {}
# So begins every token, and a random id of 16 characters by chance.
TOKEN = re.compile(r'\beyJ[\w-]{14,}')


def _b64(value):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b'=').decode()


class Attacked(Serving):
    """A gateway with an operator on it, keys of two kinds, and an audit log that is read back."""

    def __init__(self, path, **settings):
        self.log = AuditWriter(path / 'audit.jsonl')
        self.tokens = []
        super().__init__(
            audit=self.log,
            authority=TokenAuthority(
                [Key('HS256', SECRET), Key('RS256', PUBLIC, 'rsa')],
                issuer=ISSUER,
                audience=AUDIENCE,
            ),
            **settings,
        )

    def token(self, role='operator', subject='ann'):
        token = super().token(role, subject)
        self.tokens.append(token)
        return token

    def records(self):
        """Whatever the audit log holds by now."""
        return [json.loads(line) for line in self.log.path.read_text().splitlines()]

    def claims(self):
        """What a good token of an administrator says."""
        now = time.time()
        return {
            'sub': 'mallory',
            'role': 'admin',
            'typ': 'access',
            'iat': now,
            'exp': now + 600,
            'iss': ISSUER,
            'aud': AUDIENCE,
        }

    def sign_bytes(self, payload, key=SECRET, **header):
        """A token with a good signature over whatever bytes. By hand: PyJWT refuses to."""
        signed = f'{_b64({"alg": "HS256", "typ": "JWT", **header})}.{_b64(payload)}'
        token = f'{signed}.{_b64(hmac.new(key, signed.encode(), hashlib.sha256).digest())}'
        self.tokens.append(token)
        return token

    def sign_raw(self, **claims):
        """A token of which a claim may be what PyJWT does not write."""
        return self.sign_bytes(json.dumps({**self.claims(), **claims}).encode())

    def sign(self, key=SECRET, algorithm='HS256', header=None, without=(), **claims):
        """A token that is good but for what is given."""
        payload = {**self.claims(), **claims}
        for name in without:
            del payload[name]
        token = jwt.encode(payload, key, algorithm, headers={'typ': 'JWT', **(header or {})})
        self.tokens.append(token)
        return token

    async def refused_token(self, token):
        """A token in the first message is WS-001 and close 4401, and no other message follows."""
        peer = await self.connect()
        await peer.send('auth', token=token)
        code, _, seen = await peer.ended()
        assert [message.get('error_code') for message in seen] == ['WS-001']
        assert code == 4401
        assert token not in json.dumps(seen)

    async def refused_message(self, message, error, role='viewer', close=None):
        """A message of somebody authenticated is refused."""
        peer = await self.enter(role=role, subject='mallory')
        await peer.websocket.send(message)
        answer = await peer.receive()
        assert answer.get('error_code') == error, answer
        if close is not None:
            assert (await peer.ended())[0] == close

    async def raw(self, data, patience=10.0):
        """Send bytes; what comes until the other side closes."""
        reader, writer = await asyncio.open_connection('127.0.0.1', self.gateway.port)
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(), patience)
        except ConnectionError:
            return b''
        finally:
            writer.close()

    async def request(self, *lines, path='/ws/telemetry', start=None):
        """Send a handshake with some lines more; its status, 0 for none."""
        key = base64.b64encode(b'0' * 16).decode()
        head = [
            start or f'GET {path} HTTP/1.1',
            'Host: x',
            'Upgrade: websocket',
            'Connection: Upgrade',
            f'Sec-WebSocket-Key: {key}',
            'Sec-WebSocket-Version: 13',
            *lines,
            '',
            '',
        ]
        answer = await self.raw('\r\n'.join(head).encode('latin-1'))
        return int(answer.split()[1]) if answer.startswith(b'HTTP/1.1 ') else 0


def attack(name, **expected):
    """Enter a coroutine into the table, with what the audit log must hold of it."""
    settings = expected.pop('settings', {})

    def enter(function):
        assert name not in ATTACKS
        ATTACKS[name] = (function, expected, settings)
        return function

    return enter


# Tokens

FAILED = {'what': 'failure', 'error': 'WS-001'}


def bad_token(name, make):
    @attack(name, **FAILED)
    async def _(bridge):
        await bridge.refused_token(make(bridge))


def _unsigned(bridge, algorithm, **header):
    good = bridge.sign()
    payload = good.split('.')[1]
    token = f'{_b64({"alg": algorithm, "typ": "JWT", **header})}.{payload}.'
    bridge.tokens.append(token)
    return token


def _hmac_with_public_key(bridge, **header):
    """The classic confusion: what is public is used as the secret."""
    return bridge.sign_bytes(json.dumps(bridge.claims()).encode(), PUBLIC, **header)


for _algorithm in ('none', 'None', 'NONE', 'nOnE', ''):
    bad_token(f'alg {_algorithm or "empty"}', lambda bridge, a=_algorithm: _unsigned(bridge, a))
bad_token('alg none with the kid of a key', lambda bridge: _unsigned(bridge, 'none', kid='rsa'))
bad_token('public key as HMAC secret', _hmac_with_public_key)
bad_token(
    'public key as HMAC secret, by kid', lambda bridge: _hmac_with_public_key(bridge, kid='rsa')
)
bad_token(
    'RS256 with the kid of no key', lambda bridge: bridge.sign(PRIVATE, 'RS256', {'kid': 'other'})
)
bad_token('RS256 for the HMAC key', lambda bridge: bridge.sign(PRIVATE, 'RS256'))
bad_token('HS512 in place of HS256', lambda bridge: bridge.sign(SECRET * 2, 'HS512'))
for _kid in ('../../../../dev/null', '/dev/null', "' OR '1'='1", 'rsa\x00', '$(id)', 'x' * 5000):
    bad_token(
        f'kid {_kid[:24]!a}',
        lambda bridge, kid=_kid: bridge.sign_bytes(
            json.dumps(bridge.claims()).encode(), b'', kid=kid
        ),
    )
for _name in ('jku', 'x5u', 'jwk', 'x5c'):
    bad_token(
        f'header {_name} brings a key of its own',
        lambda bridge, name=_name: bridge.sign(
            rsa_of_mallory(), 'RS256', {name: 'http://127.0.0.1:1/keys', 'kid': 'rsa'}
        ),
    )
bad_token('forged signature', lambda bridge: bridge.sign(b'y' * 32))
bad_token(
    'payload of one token, signature of another',
    lambda bridge: '.'.join(
        [*bridge.sign(role='admin').split('.')[:2], bridge.sign(role='viewer').split('.')[2]]
    ),
)
for _claim in ('exp', 'iat', 'sub', 'role', 'typ', 'iss', 'aud'):
    bad_token(f'without {_claim}', lambda bridge, c=_claim: bridge.sign(without=[c]))
bad_token('wrong aud', lambda bridge: bridge.sign(aud='another-vehicle'))
bad_token('wrong iss', lambda bridge: bridge.sign(iss='mallory.example'))
bad_token(
    'refresh token as access token',
    lambda bridge: bridge.authority.issue('mallory', 'admin').refresh,
)
bad_token('typ of no kind', lambda bridge: bridge.sign(typ='admin'))
bad_token('expired', lambda bridge: bridge.sign(iat=time.time() - 900, exp=time.time() - 300))
bad_token(
    'from the future', lambda bridge: bridge.sign(iat=time.time() + 300, exp=time.time() + 900)
)
bad_token('not valid yet', lambda bridge: bridge.sign(nbf=time.time() + 300))
bad_token('lives for a day', lambda bridge: bridge.sign(exp=time.time() + 86400))
bad_token('lives for ever', lambda bridge: bridge.sign(exp=float(10**15)))
bad_token('exp as a text', lambda bridge: bridge.sign_raw(exp='9999999999'))
bad_token('exp of 400 digits', lambda bridge: bridge.sign_raw(exp=int('9' * 400)))
bad_token('exp true', lambda bridge: bridge.sign_raw(exp=True))
bad_token('role a list', lambda bridge: bridge.sign(role=['admin']))
bad_token('sub empty', lambda bridge: bridge.sign(sub=''))
bad_token('sub a number', lambda bridge: bridge.sign_raw(sub=1))
bad_token('no token at all', lambda bridge: 'nonsense')
bad_token('token of dots', lambda bridge: '..')
bad_token('payload of deep nesting', lambda bridge: bridge.sign_bytes(b'[' * 2500 + b']' * 2500))
bad_token('payload that is no object', lambda bridge: bridge.sign_bytes(b'[1]'))
bad_token('payload that is not UTF-8', lambda bridge: bridge.sign_bytes(b'\xff\xfe'))


def rsa_of_mallory():
    return rsa.generate_private_key(65537, 2048)


@attack('token in the URL', what='failure', error='WS-008')
async def _(bridge):
    peer = await bridge.connect(f'{bridge.url}?token={bridge.token("admin")}')
    await peer.send('ping')
    assert (await peer.receive())['error_code'] == 'WS-008'


@attack('bad token in the header', **FAILED)
async def _(bridge):
    peer = await bridge.connect(
        additional_headers={'Authorization': f'Bearer {bridge.sign(b"y" * 32)}'}
    )
    code, _, seen = await peer.ended()
    assert (code, seen[0]['error_code']) == (4401, 'WS-001')


@attack('replayed refresh token', **FAILED)
async def _(bridge):
    pair = bridge.authority.issue('mallory', 'operator')
    bridge.tokens += [pair.access, pair.refresh]
    peer = await bridge.enter(subject='mallory')
    await peer.send('refresh_token', refresh_token=pair.refresh)
    fresh = await peer.receive('auth.refreshed')
    bridge.tokens += [fresh['data']['token'], fresh['data']['refresh_token']]
    # Who used the new one has received the answer, which ends the grace of the old one.
    await peer.send('refresh_token', refresh_token=fresh['data']['refresh_token'])
    newest = await peer.receive('auth.refreshed')
    bridge.tokens += [newest['data']['token'], newest['data']['refresh_token']]
    other = await bridge.enter(subject='mallory')
    await other.send('refresh_token', refresh_token=pair.refresh)
    assert (await other.ended())[0] == 4401


@attack('access token used to refresh', **FAILED)
async def _(bridge):
    peer = await bridge.enter(subject='mallory')
    await peer.send('refresh_token', refresh_token=bridge.token(subject='mallory'))
    assert (await peer.ended())[0] == 4401


@attack("somebody else's token in the session", **FAILED)
async def _(bridge):
    peer = await bridge.enter(role='viewer', subject='mallory')
    await peer.send('auth', token=bridge.token('admin', 'ann'))
    assert (await peer.ended())[0] == 4401


@attack("somebody else's refresh token beside one's own", **FAILED)
async def _(bridge):
    peer = await bridge.connect()
    await peer.send(
        'auth',
        token=bridge.token('viewer', 'mallory'),
        refresh_token=bridge.authority.issue('ann', 'admin').refresh,
    )
    assert (await peer.ended())[0] == 4401


@attack('a session beyond its token', settings={'expiry_notice': 0.1}, **FAILED)
async def _(bridge):
    now = time.time()
    token = bridge.sign(role='operator', iat=now - 600, exp=now - 4)  # within the leeway
    peer = await bridge.connect()
    await peer.send('auth', token=token)
    await peer.receive('connection.established')
    code, _, seen = await peer.ended()
    assert code == 4401
    assert seen[-1]['error_code'] == 'WS-001'


@attack('orders after the role was lowered', what='failure', error='WS-006')
async def _(bridge):
    peer = await bridge.enter('*', role='admin', subject='mallory')
    await peer.send('auth', token=bridge.token('viewer', 'mallory'))
    assert (await peer.receive('auth.refreshed'))['data']['role'] == 'viewer'
    bridge.gateway.publish(make_event('config.updated'))
    bridge.gateway.publish(make_event('module.discovered'))
    await peer.send('clear_estop')
    assert (await peer.receive())['error_code'] == 'WS-006'
    assert await peer.barrier() == []


# Rights

for _role in ROLES.names:
    for _command in COMMANDS.values():
        if _command.level is not None and _command.name not in ROLES[_role].commands:

            @attack(f'{_role}: {_command.name}', what='failure', error='WS-006')
            async def _(bridge, role=_role, name=_command.name):
                await bridge.refused_message(json.dumps(EXAMPLES[name]), 'WS-006', role)
                assert bridge.commands == []


@attack('a role that does not exist', what='failure', error='WS-006')
async def _(bridge):
    await bridge.refused_message(json.dumps(EXAMPLES['emergency_stop']), 'WS-006', 'root')


@attack('Admin is not admin', what='failure', error='WS-006')
async def _(bridge):
    await bridge.refused_message(json.dumps(EXAMPLES['clear_estop']), 'WS-006', 'Admin')


for _role in ROLES.names:
    _hidden = sorted(set(EVENTS) - ROLES[_role].events)
    for _pattern in dict.fromkeys(['*', *(f'{k.partition(".")[0]}.*' for k in _hidden), *_hidden]):
        if not _hidden:
            continue

        @attack(f'{_role} reads {_pattern}', what='subscribe')
        async def _(bridge, role=_role, pattern=_pattern, hidden=_hidden):
            peer = await bridge.enter(pattern, role=role, subject='mallory')
            assert not set(hidden) & set(peer.confirmed['data']['rates'])
            assert peer.confirmed['data']['denied'] == ([] if pattern == '*' else [pattern])
            for kind in hidden:
                bridge.gateway.publish(make_event(kind))
            assert await peer.barrier() == []


@attack('resume to read what the role may not', what='resume')
async def _(bridge):
    for kind in ('config.updated', 'module.discovered'):
        bridge.gateway.publish(make_event(kind))
    peer = await bridge.enter('*', role='viewer', subject='mallory')
    await peer.send('resume', epoch=bridge.gateway.history.epoch, after=0)
    seen = await peer.barrier()
    assert [message['type'] for message in seen] == ['resume.result']
    assert seen[0]['data']['replayed'] == 0


for _command in ('emergency_stop', 'subscribe', 'refresh_token', 'resume', 'ping'):

    @attack(f'{_command} before auth', what='failure', error='WS-008')
    async def _(bridge, name=_command):
        peer = await bridge.connect()
        await peer.websocket.send(json.dumps(EXAMPLES[name]))
        assert (await peer.receive())['error_code'] == 'WS-008'
        assert bridge.commands == []


# Messages

MESSAGES = {
    'NaN': ('{"type":"set_telemetry_rate","rate":NaN}', 'WS-004'),
    'Infinity': ('{"type":"set_telemetry_rate","rate":-Infinity}', 'WS-004'),
    '10^400': ('{"type":"set_telemetry_rate","rate":1e400}', 'WS-004'),
    '10^400 as an integer': (f'{{"type":"set_telemetry_rate","rate":1{"0" * 400}}}', 'WS-004'),
    'integer of 10,000 digits': (f'{{"type":"ping","x":{"9" * 10_000}}}', 'WS-004'),
    'deep nesting': (f'{{"type":"ping","x":{"[" * 5000}{"]" * 5000}}}', 'WS-004'),
    'objects in objects': ('{"x":' * 2000 + '1' + '}' * 2000, 'WS-004'),
    'duplicate key': ('{"type":"ping","type":"emergency_stop"}', 'WS-004'),
    'duplicate key, escaped': ('{"type":"ping","\\u0074ype":"emergency_stop"}', 'WS-004'),
    'homoglyph type': ('{"type":"em\u0435rgency_stop"}', 'WS-002'),
    'full-width type': ('{"type":"\uff50ing"}', 'WS-002'),
    'type in capitals': ('{"type":"PING"}', 'WS-002'),
    'invisible character in the type': ('{"type":"ping\u200b"}', 'WS-002'),
    'null character in the type': ('{"type":"ping\\u0000"}', 'WS-002'),
    'type of the class of the server': ('{"type":"__class__"}', 'WS-002'),
    'an event as if we were the server': (json.dumps(EXAMPLES['safety.clear']), 'WS-002'),
    'type a list': ('{"type":["ping"]}', 'WS-004'),
    'type a number': ('{"type":1}', 'WS-004'),
    'no type': ('{}', 'WS-004'),
    'an array': ('[{"type":"ping"}]', 'WS-004'),
    'a text': ('"ping"', 'WS-004'),
    'half a surrogate pair': ('{"type":"ping","request_id":"\\ud800"}', 'WS-004'),
    'surplus field': ('{"type":"get_config","role":"admin"}', 'WS-004'),
    'prototype pollution': ('{"type":"ping","__proto__":{"role":"admin"}}', 'WS-004'),
    'two messages in one': ('{"type":"ping"}{"type":"emergency_stop"}', 'WS-004'),
    'a byte order mark': ('\ufeff{"type":"ping"}', 'WS-004'),
    'a comment': ('{"type":"ping"}//', 'WS-004'),
    'binary frame': (b'{"type":"ping"}', 'WS-004'),
    'null character in a request id': ('{"type":"ping","request_id":"a\\u0000b","x":1}', 'WS-004'),
    'request id of 10,000 characters': (
        f'{{"type":"ping","request_id":"{"x" * 10_000}"}}',
        'WS-004',
    ),
    'client id that is a path': (
        '{"type":"auth","token":"x","client_id":"../../etc/passwd"}',
        'WS-004',
    ),
    'client id with a line break for the log': (
        '{"type":"auth","token":"x","client_id":"a\\nERROR forged"}',
        'WS-004',
    ),
    'rate 0': ('{"type":"subscribe","events":["*"],"rate":0}', 'WS-004'),
    'rate true': ('{"type":"subscribe","events":["*"],"rate":true}', 'WS-004'),
    'a million patterns': (json.dumps({'type': 'subscribe', 'events': ['*'] * 3000}), 'WS-004'),
    'pattern of regular expressions': ('{"type":"subscribe","events":["(a+)+$"]}', 'WS-002'),
    'pattern beyond families': ('{"type":"subscribe","events":["**"]}', 'WS-002'),
}
for _name, (_message, _error) in MESSAGES.items():

    @attack(f'message: {_name}', what='failure', error=_error)
    async def _(bridge, message=_message, error=_error):
        await bridge.refused_message(message, error)


@attack('message above 16 KiB', what='failure', error='WS-005')
async def _(bridge):
    await bridge.refused_message('x' * (16 * 1024 + 1), 'WS-005', close=1009)


@attack('a token where a command should be', what='failure', error='WS-002')
async def _(bridge):
    await bridge.refused_message(json.dumps({'type': bridge.token('admin')}), 'WS-002')


@attack('a token where a pattern should be', what='failure', error='WS-002')
async def _(bridge):
    pattern = bridge.token('admin')[:64]
    await bridge.refused_message(json.dumps({'type': 'subscribe', 'events': [pattern]}), 'WS-002')


# Handshakes


def bad_request(name, status, *lines, reason='request', settings=None, **more):
    @attack(name, what='refused', reason=reason, settings=settings or {})
    async def _(bridge):
        # Of a request that goes on, the kernel may discard the answer.
        allowed = (status, 0) if reason == 'request' and status == 431 else (status,)
        assert await bridge.request(*lines, **more) in allowed


bad_request('two hosts', 400, 'Host: y')
bad_request('two keys', 400, 'Sec-WebSocket-Key: MDAwMDAwMDAwMDAwMDAwMQ==')
bad_request('two tokens', 400, 'Authorization: Bearer a', 'Authorization: Bearer b')
bad_request('two origins', 400, 'Origin: http://x', 'Origin: http://evil.example')
bad_request('a body', 400, 'Content-Length: 5')
bad_request('two lengths', 400, 'Content-Length: 0', 'Content-Length: 5')
bad_request('chunks', 400, 'Transfer-Encoding: chunked')
bad_request('chunks and a length', 400, 'Content-Length: 4', 'Transfer-Encoding: chunked')
bad_request('a space before the colon', 400, 'X-Secret : y')
bad_request('a folded line', 400, 'X-Long: a', ' b')
bad_request('a null character in a header', 400, 'X-Null: \x00')
bad_request('a line without a colon', 400, 'nonsense')
bad_request('HTTP/2 by hand', 505, start='PRI * HTTP/2.0')
bad_request('an absolute URL', 404, path='http://evil.example/')
bad_request('another path', 404, path='/ws/telemetry/../../etc/passwd')
bad_request('an escaped path', 404, path='/ws%2ftelemetry')
bad_request('a long URL', 414, path='/ws/telemetry?' + 'x' * 5000)
bad_request('a URL beyond all measure', 414, path='/ws/telemetry?' + 'x' * 12_000)
bad_request('a hundred headers', 431, *(f'X-{n}: y' for n in range(100)))
bad_request('a header of 10,000 characters', 431, 'X-Long: ' + 'y' * 10_000)
bad_request('headers of 60,000 characters', 431, *(f'X-{n}: ' + 'y' * 3000 for n in range(20)))
bad_request('cross-origin page', 403, 'Origin: http://evil.example', reason='origin')
bad_request('page of a file', 403, 'Origin: null', reason='origin')
bad_request(
    'origin with our host before an at', 403, 'Origin: http://x@evil.example', reason='origin'
)
bad_request(
    'origin with our host as a beginning', 403, 'Origin: http://x.evil.example', reason='origin'
)
for _origin in ('http://[', 'http://[::1', 'http://x:99999999', '//', ':', 'http://a\tb'):
    bad_request(f'malformed origin {_origin!a}', 403, f'Origin: {_origin}', reason='origin')
bad_request('an origin that is not ASCII', 400, 'Origin: http://\xe4')
bad_request('a malformed URL', 404, path='//[')
bad_request('a malformed host of a URL', 404, path='http://[/x')
bad_request('a body by another name', 400, 'Content-Length: +0')
bad_request('another method', 405, start='POST /ws/telemetry HTTP/1.1')
bad_request('a WebSocket by HEAD', 405, start='HEAD /ws/telemetry HTTP/1.1')
bad_request('a method of WebDAV', 405, start='PROPFIND / HTTP/1.1')
bad_request('a way out of the page', 404, path='/assets/../../../etc/passwd')
bad_request('an escaped way out of the page', 404, path='/%2e%2e/%2e%2e/etc/passwd')
bad_request('an escaped null character', 404, path='/third-party.txt%00.js')
bad_request('a control sequence in the URL', 400, path='/\x1b]52;c;eA==\x07')
bad_request('a control sequence in a header', 400, 'X-Evil: \x1b]52;c;eA==\x07')
bad_request('no version of HTTP', 400, start='GET /ws/telemetry')
bad_request('a subprotocol', 400, 'Sec-WebSocket-Protocol: jwt')
bad_request('origin of another scheme', 403, 'Origin: chrome-extension://x', reason='origin')
bad_request(
    'a forwarded address that is none',
    400,
    'X-Forwarded-For: <script>',
    settings={'proxies': (ipaddress.ip_network('127.0.0.1'),)},
)


@attack('no host', what='refused', reason='request')
async def _(bridge):
    assert (await bridge.raw(b'GET /ws/telemetry HTTP/1.1\r\n\r\n')).startswith(b'HTTP/1.1 400')


@attack(
    'a request that never ends', what='refused', reason='slow', settings={'handshake_timeout': 0.5}
)
async def _(bridge):
    assert await bridge.raw(b'GET /ws/telemetry HTTP/1.1\r\nHost: x\r\nX-') == b''


@attack(
    'a request of one byte at a time',
    what='refused',
    reason='slow',
    settings={'handshake_timeout': 0.5},
)
async def _(bridge):
    reader, writer = await asyncio.open_connection('127.0.0.1', bridge.gateway.port)

    async def drip():
        with contextlib.suppress(ConnectionError):
            for byte in b'GET /ws/telemetry HTTP/1.1\r\nX-Slow: ' + b'y' * 1000:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 10) == b''
    dripping.cancel()
    writer.close()


@attack('silence after the handshake', settings={'auth_timeout': 0.3}, **FAILED)
async def _(bridge):
    code, _, (error,) = await (await bridge.connect()).ended()
    assert (code, error['error_code']) == (4401, 'WS-001')


# Floods


@attack('1,000 half-open connections', what='refused', reason='unauthenticated')
async def _(bridge):
    with contextlib.ExitStack() as stack:
        for number in range(1000):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.connect(('127.0.0.1', bridge.gateway.port))
            if number % 50 == 0:
                await asyncio.sleep(0.01)
        await bridge.until(lambda: bridge.gateway.stats().refused.get('unauthenticated', 0) >= 900)
        assert bridge.gateway.stats().unauthenticated <= 100
        newcomer = await bridge.enter(subject='bea')
        await newcomer.send('emergency_stop')
        assert (await newcomer.receive())['data']['accepted']


@attack(
    '1,000 half-open WebSockets',
    what='refused',
    reason='unauthenticated',
    settings={'max_unauthenticated': 20},
)
async def _(bridge):
    peers = [await bridge.connect() for _ in range(30)]
    code, _, (error,) = await peers[0].ended()
    assert (code, error['error_code']) == (1013, 'WS-007')
    await bridge.enter(subject='bea')
    assert bridge.gateway.stats().unauthenticated <= 20


@attack(
    'handshake after handshake',
    what='refused',
    reason='handshakes',
    settings={'address_handshakes': 0.1, 'address_handshake_burst': 5},
)
async def _(bridge):
    for _ in range(10):
        status = await bridge.request(path='/healthz')
        if status != 200:
            break
    assert status in (429, 0)  # reported once, then closed without a message


@attack('guessing token after token', **FAILED)
async def _(bridge):
    begin = time.monotonic()
    for number in range(6):
        await bridge.refused_token(f'guess-{number}')
    assert time.monotonic() - begin > 0.1 + 0.2 + 0.3
    good = time.monotonic()
    await bridge.enter(subject='bea')  # a good token never waits
    assert time.monotonic() - good < 5


@attack(
    'more commands than one may give',
    what='failure',
    error='WS-003',
    settings={'commands_per_second': 0.01, 'command_burst': 5},
)
async def _(bridge):
    peer = await bridge.enter(subject='mallory')
    with contextlib.suppress(ConnectionClosed):
        for _ in range(30):
            await peer.send('ping')
    code, _, seen = await peer.ended()
    assert code == 4429
    assert seen[-1]['error_code'] == 'WS-003'


@attack(
    'more commands than an address may give',
    what='failure',
    error='WS-003',
    settings={'address_commands': 5},
)
async def _(bridge):
    peers = [await bridge.enter(role='viewer', subject='mallory') for _ in range(3)]
    reported = []
    for peer in peers:
        for _ in range(15):
            await peer.send('ping')
        for _ in range(15):
            reported.append((await peer.receive()).get('error_code'))
    assert 'WS-003' in reported
    assert (await bridge.operator.barrier()) == []  # what is assured to others is not used up


@attack('pings without end', what='failure', error='WS-003')
async def _(bridge):
    peer = await bridge.enter(subject='mallory')
    with contextlib.suppress(ConnectionClosed):
        for _ in range(2000):
            await peer.websocket.ping()
    code, _, seen = await peer.ended()
    assert (code, seen[-1]['error_code']) == (4429, 'WS-003')


@attack('a message in a thousand fragments', what='failure', error='WS-003')
async def _(bridge):
    peer = await bridge.enter(subject='mallory')
    with contextlib.suppress(ConnectionClosed):
        await peer.websocket.send(['{'] + [' '] * 1000 + ['"type":"ping"}'])
    code, _, seen = await peer.ended()
    assert (code, seen[-1]['error_code']) == (4429, 'WS-003')


@attack(
    'a hundred and one connections',
    what='failure',
    error='WS-007',
    settings={'max_connections': 4},
)
async def _(bridge):
    for _ in range(3):
        await bridge.enter(role='viewer', subject='mallory')
    peer = await bridge.connect()
    await peer.send('auth', token=bridge.token('viewer', 'mallory'))
    code, _, (error,) = await peer.ended()
    assert (code, error['error_code']) == (1013, 'WS-007')


@attack(
    'every connection from one address',
    what='failure',
    error='WS-007',
    settings={'address_connections': 3},
)
async def _(bridge):
    for _ in range(2):
        await bridge.enter(role='viewer', subject='mallory')
    peer = await bridge.connect()
    await peer.send('auth', token=bridge.token('viewer', 'mallory'))
    code, _, (error,) = await peer.ended()
    assert (code, error['error_code']) == (1013, 'WS-007')


def test_there_are_enough_of_them():
    assert len(ATTACKS) >= 60


@pytest.mark.parametrize('name', ATTACKS)
async def test_an_attack_is_refused_audited_and_not_noticed(name, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    act, expected, settings = ATTACKS[name]
    async with Attacked(tmp_path, **settings) as bridge:
        bridge.operator = await bridge.enter('safety.*')
        await act(bridge)
        await bridge.until(
            lambda: any(expected.items() <= record.items() for record in bridge.records())
        )
        await bridge.operator.send('emergency_stop', request_id='still here')
        assert (await bridge.operator.receive('command.result'))['request_id'] == 'still here'
        metrics = await bridge.raw(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n')
    assert verify(bridge.log.path) == []
    ours = [record for record in caplog.records if record.name != 'websockets.client']
    reported = (
        bridge.log.path.read_text()
        + metrics.decode()
        + '\n'.join(logging.Formatter().format(record) for record in ours)
    )
    assert not TOKEN.search(reported)
    for token in bridge.tokens:
        for part in token.split('.')[1:]:
            assert len(part) < 20 or part not in reported
    assert not [record for record in ours if record.levelno >= logging.ERROR]

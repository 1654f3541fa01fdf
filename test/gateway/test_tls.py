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
"""TLS on real sockets, with OpenSSL's own client and with a browser."""

import asyncio
import base64
import contextlib
import functools
import hashlib
import http.server
import json
import shutil
import ssl
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from gateway.certificates import Authority
from gateway.certificates import install
from gateway.certificates import pem
from gateway.certificates import pem_key
from gateway.certificates import write
from gateway.serving import Serving
from gateway.serving import make_event
from websockets.exceptions import InvalidMessage

from oht50_bridge.gateway import server as gateway_server
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.tls import InsecureError
from oht50_bridge.gateway.tls import TlsError
from oht50_bridge.gateway.tls import check_listening
from oht50_bridge.gateway.tls import load


@pytest.fixture(scope='module')
def authority():
    return Authority('authority')


class Encrypted(Serving):
    """A gateway with TLS, clients that trust its issuer, and an audit log."""

    def __init__(self, directory, authority, client_ca=None, **settings):
        self.directory, self.issuer = directory, authority
        self.files, self.certificate = install(directory, authority, client_ca=client_ca)
        self.log = AuditWriter(directory / 'audit.jsonl')
        super().__init__(audit=self.log, tls=self.files, **settings)
        self.trust = ssl.create_default_context(cadata=pem(authority.certificate).decode())

    @property
    def url(self):
        return f'wss://localhost:{self.gateway.port}/ws/telemetry'

    async def connect(self, url=None, **options):
        return await super().connect(url, **{'ssl': self.trust, **options})

    def renew(self):
        _, self.certificate = install(self.directory, self.issuer)

    async def shown(self):
        """The certificate that a new client sees."""
        peer = await self.enter(subject='new')
        found = peer.websocket.transport.get_extra_info('ssl_object').getpeercert(True)
        await peer.websocket.close()
        return x509.load_der_x509_certificate(found)

    def audited(self, **expected):
        return any(
            expected.items() <= json.loads(line).items()
            for line in self.log.path.read_text().splitlines()
        )

    async def s_client(self, *options):
        """What OpenSSL's client says, and whether it got through."""
        process = await asyncio.create_subprocess_exec(
            'openssl',
            's_client',
            '-connect',
            f'127.0.0.1:{self.gateway.port}',
            '-CAfile',
            str(self.directory / 'issuer.pem'),
            '-verify_return_error',
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        request = b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
        process.stdin.write(request)
        with contextlib.suppress(ConnectionError):
            await process.stdin.drain()
        with contextlib.suppress(asyncio.TimeoutError):
            # Its input stays open: at the end of that it would leave before the answer.
            output = b''
            while b'"status"' not in output:
                data = await asyncio.wait_for(process.stdout.read(4096), 10)
                if not data:
                    break
                output += data
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        return output.decode(errors='replace'), b'"status": "ok"' in output


@pytest.fixture(autouse=True)
def look_often(monkeypatch):
    monkeypatch.setattr(gateway_server, 'CERTIFICATE_PERIOD', 0.05)


async def test_a_client_that_trusts_the_issuer_gets_in_and_another_does_not(tmp_path, authority):
    async with Encrypted(tmp_path, authority) as bridge:
        peer = await bridge.enter('safety.*')
        bridge.gateway.publish(make_event('safety.estop'))
        assert (await peer.receive())['type'] == 'safety.estop'
        assert await peer.barrier() == []
        with pytest.raises(ssl.SSLCertVerificationError):
            await bridge.connect(ssl=ssl.create_default_context())
        await bridge.until(lambda: bridge.audited(what='refused', reason='tls'))


@pytest.mark.parametrize(
    ('options', 'through'),
    [
        (['-tls1_3'], True),
        (['-tls1_2'], True),
        (['-tls1_2', '-noservername'], True),
        (['-tls1_1', '-cipher', 'ALL@SECLEVEL=0'], False),
        (['-tls1', '-cipher', 'ALL@SECLEVEL=0'], False),
        (['-tls1_2', '-cipher', 'AES128-SHA256'], False),
        (['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA256'], False),
    ],
    ids=str,
)
@pytest.mark.skipif(not shutil.which('openssl'), reason='openssl is not installed')
@pytest.mark.processes
async def test_openssl_gets_through_with_tls_1_2_or_later_and_strong_ciphers_only(
    tmp_path, authority, options, through
):
    (tmp_path / 'issuer.pem').write_bytes(pem(authority.certificate))
    async with Encrypted(tmp_path, authority) as bridge:
        output, answered = await bridge.s_client(*options)
        assert answered is through, output
        if not through:
            assert 'Cipher is (NONE)' in output, output
        assert await (await bridge.enter()).barrier() == []


async def test_plain_http_at_a_port_of_tls_is_turned_away(tmp_path, authority):
    async with Encrypted(tmp_path, authority) as bridge:
        reader, writer = await asyncio.open_connection('127.0.0.1', bridge.gateway.port)
        writer.write(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b''
        writer.close()
        await bridge.until(
            lambda: bridge.audited(what='refused', reason='tls', description='not TLS')
        )


@pytest.mark.parametrize('begin', [b'\x16', b'\x16\x03\x01\x00\x20\x01\x00\x00\x1c\x03\x03'])
async def test_half_a_client_hello_is_waited_for_and_then_turned_away(tmp_path, authority, begin):
    async with Encrypted(tmp_path, authority, handshake_timeout=0.5) as bridge:
        reader, writer = await asyncio.open_connection('127.0.0.1', bridge.gateway.port)
        writer.write(begin)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b''
        writer.close()
        await bridge.until(lambda: bridge.audited(what='refused', reason='slow'))


async def test_a_client_hello_in_pieces_is_a_client_hello(tmp_path, authority):
    async with Encrypted(tmp_path, authority) as bridge:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = bridge.trust.wrap_bio(incoming, outgoing, server_hostname='localhost')
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        hello = outgoing.read()
        reader, writer = await asyncio.open_connection('127.0.0.1', bridge.gateway.port)
        for at in range(0, len(hello), 100):
            writer.write(hello[at : at + 100])
            await asyncio.sleep(0.01)
        assert (await asyncio.wait_for(reader.read(5), 10))[:1] == b'\x16'
        writer.close()


async def test_a_certificate_is_renewed_under_load_and_no_session_notices(tmp_path, authority):
    async with Encrypted(tmp_path, authority, max_deliveries=0) as bridge:
        peers = [await bridge.enter('module.*', 'safety.*') for _ in range(5)]
        old, number = bridge.certificate, 0
        assert await bridge.shown() == old
        for _ in range(3):
            bridge.renew()
            for _ in range(1000):
                bridge.gateway.publish(make_event('safety.estop', estop_id=str(number)))
                number += 1
                if await bridge.shown() == bridge.certificate:
                    break
            else:
                raise AssertionError('the new certificate is not shown')
        await bridge.until(lambda: bridge.audited(what='certificate.renewed'))
        for peer in peers:
            seen = [message['data']['estop_id'] for message in await peer.barrier()]
            assert seen == [str(each) for each in range(number)]


@pytest.mark.parametrize('wrong', ['nonsense', 'missing', 'key of another', 'encrypted', 'open'])
async def test_a_wrong_new_file_keeps_the_old_certificate_and_says_so(
    tmp_path, authority, wrong, caplog
):
    async with Encrypted(tmp_path, authority) as bridge:
        peer = await bridge.enter()
        key, _ = authority.issue('another')
        if wrong == 'nonsense':
            write(bridge.files.certificate, b'-----BEGIN CERTIFICATE-----\nx\n')
        elif wrong == 'missing':
            bridge.files.certificate.unlink()
        elif wrong == 'key of another':
            write(bridge.files.key, pem_key(key))
        elif wrong == 'encrypted':
            write(bridge.files.key, pem_key(key, b'passphrase'))
        else:
            write(bridge.files.key, bridge.files.key.read_bytes(), 0o604)
        await bridge.until(lambda: bridge.audited(what='certificate.kept'))
        assert await bridge.shown() == bridge.certificate
        (line,) = [record.getMessage() for record in caplog.records]
        assert str(tmp_path) in line and 'stays' in line
        bridge.renew()
        await bridge.until(lambda: bridge.audited(what='certificate.renewed'))
        assert await bridge.shown() == bridge.certificate
        assert await peer.barrier() == []


async def test_clients_need_a_certificate_where_an_issuer_is_named(tmp_path, authority):
    ours, theirs = Authority('ours'), Authority('theirs')
    async with Encrypted(tmp_path, authority, client_ca=ours) as bridge:

        def context(issuer):
            trust = ssl.create_default_context(cadata=pem(authority.certificate).decode())
            key, certificate = issuer.issue('panel')
            (tmp_path / 'panel.pem').write_bytes(pem(certificate) + pem_key(key))
            trust.load_cert_chain(tmp_path / 'panel.pem')
            return trust

        good = context(ours)
        peer = await bridge.connect(ssl=good)
        await peer.send('auth', token=bridge.token())
        assert (await peer.receive())['type'] == 'connection.established'
        for bad in (bridge.trust, context(theirs)):
            with pytest.raises((OSError, InvalidMessage)):  # TLS 1.3 tells only after the fact
                await bridge.connect(ssl=bad)
        await bridge.until(lambda: bridge.audited(what='refused', reason='tls'))
        write(bridge.files.client_ca, pem(theirs.certificate))
        await bridge.until(lambda: bridge.audited(what='certificate.renewed'))
        with pytest.raises((OSError, InvalidMessage)):
            await bridge.connect(ssl=good)
        await bridge.connect(ssl=context(theirs))


def test_files_that_cannot_be_used_are_named_with_the_remedy(tmp_path, authority):
    files, _ = install(tmp_path, authority)
    load(files)
    key, _ = authority.issue('another')
    for path, content, words in (
        (files.key, pem_key(key), 'KEY_VALUES_MISMATCH.*belongs to it'),
        (files.key, pem_key(key, b'x'), 'without a passphrase'),
        (files.certificate, b'', 'give a PEM certificate'),
    ):
        install(tmp_path, authority)
        write(path, content)
        with pytest.raises(TlsError, match=f'{path}.*{words}'):
            load(files)
    install(tmp_path, authority)
    files.key.chmod(0o644)
    with pytest.raises(TlsError, match=f'{files.key}.*chmod 640'):
        load(files)
    files.key.unlink()
    with pytest.raises(TlsError, match=f'{files.key}.*No such file'):
        load(files)


# Without TLS


@pytest.mark.parametrize(
    'host', ['127.0.0.1', '127.3.2.1', 'localhost', '::1', '::ffff:127.0.0.1']
)
def test_the_loopback_needs_no_tls(host):
    check_listening(host, encrypted=False, insecure=False)


@pytest.mark.parametrize(
    'host',
    [
        '0.0.0.0',
        '',
        '::',
        '192.0.2.1',
        '10.0.0.5',
        'fe80::1',
        '::ffff:10.0.0.5',
        '169.254.1.1',
        '0',
    ],
)
def test_nothing_listens_beyond_the_loopback_without_tls(host):
    with pytest.raises(InsecureError, match='other machines'):
        check_listening(host, encrypted=False, insecure=False)
    check_listening(host, encrypted=True, insecure=False)
    check_listening(host, encrypted=False, insecure=True)


async def test_a_gateway_does_not_start_in_the_clear_for_all(serving):
    for settings, starts in (({}, False), ({'insecure': True}, True)):
        server = serving(host='0.0.0.0', **settings)
        if starts:
            async with server:
                assert await (await server.enter()).barrier() == []
        else:
            with pytest.raises(InsecureError):
                await server.gateway.start()


# A browser

PAGE = """<!doctype html><script>
const seen = [];
const socket = new WebSocket('%s');
const report = (what) => fetch('/report', {method: 'POST', body: JSON.stringify([what, seen])});
socket.onopen = () => socket.send(JSON.stringify(
  {type: 'auth', token: '%s', subscription: ['safety.*']}));
socket.onmessage = (message) => {
  seen.push(JSON.parse(message.data).type);
  if (seen.at(-1) === 'safety.estop') report('stopped');
};
socket.onclose = (event) => report('closed ' + event.code);
</script>"""


class Pages(http.server.ThreadingHTTPServer):
    """Serves one page and collects its reports."""

    def __init__(self, page):
        self.page, self.reports = page, []
        super().__init__(('127.0.0.1', 0), functools.partial(Handler))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/html')
        self.end_headers()
        self.wfile.write(self.server.page.encode())

    def do_POST(self):
        self.server.reports.append(
            json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        )
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def browser(url, profile, certificate):
    """A page open in a browser that trusts one key."""
    digest = base64.b64encode(
        hashlib.sha256(
            certificate.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).digest()
    ).decode()
    process = subprocess.Popen(
        [
            'chromium',
            '--headless=new',
            '--no-sandbox',
            '--disable-gpu',
            '--no-first-run',
            '--disable-dev-shm-usage',
            '--disable-background-networking',
            f'--user-data-dir={profile}',
            f'--ignore-certificate-errors-spki-list={digest}',
            url,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which('chromium'), reason='chromium is not installed')
@pytest.mark.parametrize(('host', 'heard'), [('localhost', 'stopped'), ('127.0.0.1', 'closed')])
async def test_a_page_of_the_same_host_connects_and_one_of_another_does_not(
    tmp_path, authority, host, heard
):
    async with Encrypted(tmp_path, authority) as bridge:
        bridge.gateway.publish(make_event('safety.estop'))
        with Pages(PAGE % (bridge.url, bridge.token())) as pages:
            thread = threading.Thread(target=pages.serve_forever)
            thread.start()
            try:
                with browser(
                    f'http://{host}:{pages.server_port}/', tmp_path / 'profile', bridge.certificate
                ):
                    for _ in range(6000):
                        if pages.reports:
                            break
                        await asyncio.sleep(0.01)
            finally:
                pages.shutdown()
                thread.join()
        assert pages.reports and pages.reports[0][0].startswith(heard), pages.reports
        if heard == 'closed':
            assert pages.reports[0][1] == []
            await bridge.until(lambda: bridge.audited(what='refused', reason='origin'))


test_a_page_of_the_same_host_connects_and_one_of_another_does_not.deadline = 120

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
"""config/system: what it says about this package is true, and the programs it is for take it."""

import asyncio
import gzip
import ipaddress
import re
import shlex
import ssl
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from gateway.serving import Serving
from reverse_proxy import needs
from reverse_proxy import nginx
from support import OHT50
from support import ROOT
from websockets.asyncio.client import connect

from oht50_bridge import priority
from oht50_bridge.gateway.admission.answers import SECURITY_HEADERS
from oht50_bridge.gateway.admission.answers import TRANSPORT_SECURITY
from oht50_bridge.paths import config_dir

SYSTEM = ROOT / 'config' / 'system'


def unit():
    """Return what the unit says: lists of values by name."""
    said = {}
    for line in (SYSTEM / 'oht50.service').read_text().splitlines():
        name, equals, value = line.partition('=')
        if equals and not line.startswith('#'):
            said.setdefault(name, []).append(value)
    return said


def test_the_files_are_installed_with_the_rest_of_config():
    assert {path.name for path in (config_dir() / 'system').iterdir()} == {
        'oht50.service',
        '99-oht50.rules',
        'nginx.conf',
    }


@pytest.mark.processes
def test_the_service_starts_what_there_is():
    program, command, *options = shlex.split(unit()['ExecStart'][0])
    assert (Path(program).name, command) == ('oht50', 'up')
    options.remove('$OHT50_OPTIONS')
    text = (SYSTEM / 'oht50.service').read_text()
    options += shlex.split(re.search(r'OHT50_OPTIONS=(.+)', text)[1])
    token = shlex.split(re.search(r'bin/oht50 (token .+)', text)[1])
    for words in ([command, *options], token):
        done = subprocess.run([*OHT50, *words, '--help'], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        # The help is shown before an option that is none would be an error.
        named = {word for word in words if word.startswith('--')}
        assert named <= set(re.findall(r'(?<![\w-])--[\w-]+', done.stdout)), words


def test_the_service_is_not_root_and_keeps_its_state_to_itself():
    said = unit()
    assert said['User'] == ['oht50']
    assert said['SupplementaryGroups'] == ['dialout']
    assert said['CapabilityBoundingSet'] == ['']
    assert (said['StateDirectoryMode'], said['UMask']) == (['0700'], ['0077'])
    assert f'/var/lib/{said["StateDirectory"][0]}' in said['ExecStart'][0]


def test_the_service_grants_the_priorities_that_its_processes_request():
    said = unit()
    assert said['LimitRTPRIO'] == [f'{max(priority.RealtimePriority)}']
    assert said['LimitNICE'] == [str(priority.NICE)]
    assert said['RestrictRealtime'] == ['no']
    assert said['AmbientCapabilities'] == ['']


@pytest.mark.processes
def test_systemd_takes_the_service_and_finds_it_confined(tmp_path):
    analyze = needs('systemd-analyze')
    copy = tmp_path / 'oht50.service'
    # Any program that is there.
    copy.write_text(
        (SYSTEM / 'oht50.service').read_text().replace('/opt/oht50/bin/oht50', sys.executable)
    )
    done = subprocess.run(
        [analyze, 'verify', '--man=no', str(copy)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, '')
    done = subprocess.run(
        [analyze, 'security', '--offline=yes', '--threshold=20', '--no-pager', str(copy)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_udev_names_the_ports_as_the_parameters_do():
    rules = (SYSTEM / '99-oht50.rules').read_text()
    named = {f'/dev/{name}' for name in re.findall(r'SYMLINK\+="([^"]+)"', rules)}
    wanted = re.findall(r'device: ([^,]+),', (ROOT / 'config' / 'vehicle.yaml').read_text())
    assert named == set(wanted)
    ports = re.findall(r'(.+), SYMLINK', rules)
    ignored = ', ENV{ID_MM_DEVICE_IGNORE}="1", ENV{ID_MM_PORT_IGNORE}="1"'
    assert re.findall(r'(.+), ENV\{ID_MM_DEVICE', rules) == ports  # see ModemManager(8)
    for line in rules.splitlines():
        if line and not line.startswith('#') and not line.endswith(ignored):
            assert re.fullmatch(
                r'((SUBSYSTEM|KERNEL|ENV\{\w+\})=="[^"]+", )+(SYMLINK\+="\w+", )?'
                r'GROUP="dialout", MODE="0660"',
                line,
            ), line


@pytest.mark.processes
def test_nginx_carries_sessions_over_tls_and_logs_no_token(tmp_path):
    async def through(server):
        with nginx(tmp_path, server.gateway.port) as (port, certificate):
            context = ssl.create_default_context(cafile=certificate)
            url = f'wss://localhost:{port}/ws/telemetry?token={server.token()}'
            peer = await server.connect(url, ssl=context, proxy=None)
            await peer.send('auth', token=server.token())
            await peer.receive('connection.established')
            await peer.send('emergency_stop')
            await peer.receive('command.result')
            status, page = await get(port, context, '/healthz')
            assert (status, b'"clients": 1' in page) == (200, True)
            assert (await get(port, context, '/metrics'))[0] == 404
            with warnings.catch_warnings():
                warnings.simplefilter('ignore', DeprecationWarning)
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers('DEFAULT:@SECLEVEL=0')
            # The server's own refusal, not one of this side.
            with pytest.raises(ssl.SSLError, match='ALERT_PROTOCOL_VERSION'):
                async with connect(url, ssl=context, proxy=None):
                    pass
            await peer.websocket.close()

    async def main():
        async with Serving() as server:
            await through(server)

    needs('nginx')
    asyncio.run(asyncio.wait_for(main(), 60))
    log = (tmp_path / 'oht50.log').read_text()
    assert '/ws/telemetry' in log
    assert 'token' not in log and 'eyJ' not in log


async def get(port, context, path, *lines, method='GET'):
    """The status and the whole answer of nginx."""
    reader, writer = await asyncio.open_connection('localhost', port, ssl=context)
    head = [f'{method} {path} HTTP/1.1', 'Host: localhost', 'Connection: close', *lines, '', '']
    writer.write('\r\n'.join(head).encode())
    page = await reader.read()
    writer.close()
    return int(page.split()[1]), page


def added_headers():
    """Return the headers that nginx.conf adds to each answer."""
    text = (SYSTEM / 'nginx.conf').read_text()
    return dict(re.findall(r'^    add_header (\S+) "(.*)" always;$', text, re.MULTILINE))


def test_nginx_adds_what_the_bridge_adds_and_nowhere_less():
    assert added_headers() == dict([*SECURITY_HEADERS, TRANSPORT_SECURITY])
    text = (SYSTEM / 'nginx.conf').read_text()
    hidden = re.findall(r'^    proxy_hide_header (\S+);$', text, re.MULTILINE)
    assert sorted(hidden) == sorted(added_headers())
    # A location with one of its own would have none of the others.
    assert len(re.findall(r'^\s*add_header', text, re.MULTILINE)) == len(hidden)
    assert len(re.findall(r'^\s*proxy_hide_header', text, re.MULTILINE)) == len(hidden)


@pytest.mark.processes
def test_the_page_works_behind_nginx(tmp_path):
    script = b'export const x = 1;\n' * 5000
    page = tmp_path / 'page'
    (page / 'assets').mkdir(parents=True)
    (page / 'index.html').write_bytes(b'<!doctype html>')
    (page / 'assets' / 'index-12345678.js').write_bytes(script)
    path = '/assets/index-12345678.js'

    def secured(answer):
        lines = answer.partition(b'\r\n\r\n')[0].decode().split('\r\n')[1:]
        headers = dict(line.split(': ', 1) for line in lines)
        assert len(headers) == len(lines), lines
        return headers if added_headers().items() <= headers.items() else None

    async def asked(port, context, server):
        async def ask(status, *request, **options):
            found, answer = await get(port, context, *request, **options)
            assert found == status, request
            headers = secured(answer)
            assert headers is not None, answer
            return headers, answer.partition(b'\r\n\r\n')[2]

        headers, body = await ask(200, '/')
        assert (headers['Cache-Control'], body) == ('no-cache', b'<!doctype html>')
        assert (await ask(200, path))[1] == script
        headers, body = await ask(200, path, 'Accept-Encoding: gzip')
        assert (headers['Content-Encoding'], gzip.decompress(body)) == ('gzip', script)
        assert headers['Cache-Control'].endswith('immutable')
        tag = headers['ETag']
        again = await ask(304, path, 'Accept-Encoding: gzip', f'If-None-Match: {tag}')
        assert (again[0]['ETag'], again[1]) == (tag, b'')
        assert (await ask(200, path, method='HEAD'))[1] == b''
        assert (await ask(405, '/', method='POST'))[0]['Allow'] == 'GET, HEAD'
        assert (await ask(200, '/asyncapi.yaml'))[1].startswith(b'asyncapi: 3')
        await ask(404, '/assets/nothing-12345678.js')
        before = server.gateway.stats().refused['request']
        for other in (
            '/favicon.ico',
            '/metrics',
            '//metrics',
            '/./metrics',
            '/%6detrics',
            '/assets/../metrics',
            '/assets/%2e%2e/metrics',
            '/metrics/',
        ):
            await ask(404, other)
        # nginx answered all of these by itself.
        assert server.gateway.stats().refused['request'] == before
        # What a client says of itself counts for nothing.
        await ask(200, '/healthz', 'X-Forwarded-For: nonsense')
        await server.gateway.close()
        await ask(502, '/')

    async def main():
        trusted = (ipaddress.ip_network('127.0.0.1'),)
        async with Serving(page=page, proxies=trusted) as server:
            with nginx(tmp_path, server.gateway.port) as (port, certificate):
                context = ssl.create_default_context(cafile=certificate)
                await asked(port, context, server)

    needs('nginx')
    asyncio.run(asyncio.wait_for(main(), 60))

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
"""The page and the other files that the bridge serves over HTTP."""

import asyncio
import gzip
import os
import re
import shutil

import pytest
from gateway.serving import CSS
from gateway.serving import HTML
from gateway.serving import JS
from gateway.serving import NOTICES
from gateway.serving import ROOT
from gateway.serving import SCRIPT
from gateway.serving import STYLE
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers

from oht50_bridge.gateway import pages
from oht50_bridge.gateway.admission.answers import SECURITY_HEADERS
from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.connection import Connection
from oht50_bridge.gateway.page_files import DAY
from oht50_bridge.gateway.page_files import IMMUTABLE
from oht50_bridge.gateway.page_files import Document
from oht50_bridge.gateway.pages import Pages
from oht50_bridge.gateway.pages import accepts_gzip
from oht50_bridge.gateway.pages import documents
from oht50_bridge.gateway.pages import matches


class Answer:
    """An answer, taken apart; no header of it occurs twice."""

    def __init__(self, data):
        head, _, self.body = data.partition(b'\r\n\r\n')
        first, *lines = head.decode('ascii').split('\r\n')
        self.status = int(first.split()[1])
        self.headers = dict(line.split(': ', 1) for line in lines)
        assert len(self.headers) == len(lines)
        assert dict(SECURITY_HEADERS).items() <= self.headers.items()


async def ask(server, path, *lines, method='GET'):
    reader, writer = await asyncio.open_connection('127.0.0.1', server.gateway.port)
    head = [f'{method} {path} HTTP/1.1', 'Host: x', *lines, '', '']
    writer.write('\r\n'.join(head).encode('latin-1'))
    data = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return Answer(data)


async def test_a_browser_gets_the_page_and_what_belongs_to_it(serving, page):
    async with serving(page=page) as server:
        for path, body, media, caching in [
            ('/', HTML, 'text/html; charset=utf-8', 'no-cache'),
            ('/?from=x', HTML, 'text/html; charset=utf-8', 'no-cache'),
            (JS, SCRIPT, 'text/javascript; charset=utf-8', IMMUTABLE),
            (CSS, STYLE, 'text/css; charset=utf-8', IMMUTABLE),
            ('/third-party.txt', NOTICES, 'text/plain; charset=utf-8', 'no-cache'),
            (
                '/asyncapi.yaml',
                (ROOT / 'docs' / 'asyncapi.yaml').read_bytes(),
                'application/yaml',
                'no-cache',
            ),
        ]:
            answer = await ask(server, path)
            assert (answer.status, answer.body) == (200, body)
            assert answer.headers['Content-Length'] == str(len(body))
            assert answer.headers['Content-Type'] == media
            assert answer.headers['Cache-Control'] == caching
            assert answer.headers['Vary'] == 'Accept-Encoding'
            assert answer.headers['Connection'] == 'close'
            assert 'Content-Encoding' not in answer.headers
        assert server.gateway.stats().refused == {}


async def test_a_peer_that_reads_gzip_gets_the_same_in_fewer_bytes(serving, page):
    async with serving(page=page) as server:
        plain = await ask(server, JS)
        short = await ask(server, JS, 'Accept-Encoding: br, gzip;q=0.5')
        assert short.headers['Content-Encoding'] == 'gzip'
        assert gzip.decompress(short.body) == SCRIPT
        assert int(short.headers['Content-Length']) == len(short.body) < len(SCRIPT)
        assert short.headers['Cache-Control'] == plain.headers['Cache-Control']
        # Different bytes have different tags: a cache must not put them together.
        assert short.headers['ETag'] != plain.headers['ETag']
        assert (await ask(server, JS, 'Accept-Encoding: gzip;q=0, *')).body == SCRIPT
        small = await ask(server, '/third-party.txt', 'Accept-Encoding: gzip')
        assert 'Content-Encoding' not in small.headers  # it would be longer


@pytest.mark.parametrize('path', ['/', JS, '/asyncapi.yaml', '/healthz', '/favicon.ico'])
@pytest.mark.parametrize('coding', ['gzip', 'identity'])
async def test_head_is_answered_as_get_is_without_the_body(serving, page, path, coding):
    async with serving(page=page) as server:
        get = await ask(server, path, f'Accept-Encoding: {coding}')
        head = await ask(server, path, f'Accept-Encoding: {coding}', method='HEAD')
    assert (head.status, head.body) == (get.status, b'')
    if path == '/healthz':  # it says for how long the bridge has run
        del get.headers['Content-Length'], head.headers['Content-Length']
    assert head.headers == get.headers


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
@pytest.mark.parametrize('coding', ['gzip', 'identity'])
async def test_what_a_peer_has_already_is_not_sent_again(serving, page, method, coding):
    accept = f'Accept-Encoding: {coding}'
    async with serving(page=page) as server:
        first = await ask(server, '/', accept)
        tag = first.headers['ETag']
        assert tag.startswith('"')  # strong
        for known in (tag, f'"x", W/{tag}', '*'):
            again = await ask(server, '/', accept, f'If-None-Match: {known}', method=method)
            assert (again.status, again.body) == (304, b'')
            assert 'Content-Length' not in again.headers
            for name in ('ETag', 'Vary', 'Cache-Control'):
                assert again.headers[name] == first.headers[name]
        other = await ask(server, '/', accept, 'If-None-Match: "x"')
        assert other.status == 200
        # A tag of the other coding is of other bytes.
        coding = 'identity' if coding == 'gzip' else 'gzip'
        assert (
            await ask(server, '/', f'Accept-Encoding: {coding}', f'If-None-Match: {tag}')
        ).status == 200
        assert server.gateway.stats().refused == {}


async def test_a_tag_changes_with_the_content_alone(serving, page):
    tags = []
    for body in (HTML, HTML, HTML + b' '):
        (page / 'index.html').write_bytes(body)
        async with serving(page=page) as server:
            tags.append((await ask(server, '/')).headers['ETag'])
    assert tags[0] == tags[1] != tags[2]


@pytest.mark.parametrize(
    'path',
    [
        '/index.html',
        '/assets',
        '/assets/',
        '/assets/index-B3x_9-aQ.js/',
        '/assets/../index.html',
        '/../page/index.html',
        '/assets/%2e%2e/third-party.txt',
        '/%2e%2e/%2e%2e/etc/passwd',
        '/..%2f..%2fetc/passwd',
        '/assets//index-B3x_9-aQ.js',
        '//',
        '//third-party.txt',
        '//etc/passwd',
        '/./third-party.txt',
        '/third-party.txt%00',
        '/third-party.txt%00.js',
        '/%74hird-party.txt',
        '/third-party.txt;x',
        '/THIRD-PARTY.TXT',
        '/assets/index-B3x_9-aQ.js.map',
        '/assets/.hidden-12345678.js',
        '/assets/secret-12345678.txt',
        '/manifest.json',
        '/etc/passwd',
        '/\\..\\third-party.txt',
        '/' + 4000 * 'x',
        '/' + 1000 * '../' + 'third-party.txt',
        '/' + 1300 * '%2e',
        2000 * '/',
    ],
    ids=lambda path: path if len(path) < 40 else f'{path[:9]} {len(path)}',
)
async def test_another_path_is_not_found_and_recorded(serving, page, path, tmp_path):
    (page / 'assets' / '.hidden-12345678.js').write_text('hidden')
    (page / 'assets' / 'secret-12345678.txt').write_text('secret')
    (page / 'manifest.json').write_text('{}')
    audit = AuditWriter(tmp_path / 'audit.jsonl')
    async with serving(page=page, audit=audit) as server:
        answer = await ask(server, path)
        assert answer.status == 404
        assert answer.body.startswith(b'No such path')
        assert server.gateway.stats().refused == {'request': 1}
    assert audit.path.read_text().count('"what":"refused"') == 1


async def test_a_null_byte_is_no_part_of_a_path(serving, page):
    async with serving(page=page) as server:
        assert (await ask(server, '/third-party.txt\x00')).status == 400
        assert (await ask(server, f'/{"x" * 5000}')).status == 414
        answer = await ask(server, '/', method='POST')
        assert (answer.status, answer.headers['Allow']) == (405, 'GET, HEAD')


async def test_icons_that_browsers_ask_for_by_themselves_are_no_attack(serving, page, tmp_path):
    audit = AuditWriter(tmp_path / 'audit.jsonl')
    async with serving(page=page, audit=audit) as server:
        for path in (
            '/favicon.ico',
            '/apple-touch-icon.png',
            '/apple-touch-icon-precomposed.png',
            '/apple-touch-icon-120x120.png',
            '/apple-touch-icon-120x120-precomposed.png',
        ):
            answer = await ask(server, path)
            assert (answer.status, answer.headers['Cache-Control']) == (404, DAY)
        assert server.gateway.stats().refused == {}
    assert '"what":"refused"' not in audit.path.read_text()


async def test_no_file_is_opened_after_the_start(serving, page):
    async with serving(page=page) as server:
        shutil.rmtree(page)
        assert (await ask(server, '/')).body == HTML
        assert (await ask(server, CSS)).body == STYLE


async def test_a_page_that_was_not_built_says_what_to_do(serving, tmp_path, monkeypatch):
    audit = AuditWriter(tmp_path / 'audit.jsonl')
    for directory in (tmp_path / 'missing', tmp_path):
        monkeypatch.setattr(pages, 'page_dir', lambda directory=directory: directory)
        async with serving(page=directory) as server:
            answer = await ask(server, '/')
            assert answer.status == 503
            assert b'`make setup` with Node 20.19' in answer.body
            assert 'ETag' not in answer.headers
            assert answer.headers['Cache-Control'] == 'no-store'
            assert (await ask(server, '/asyncapi.yaml')).status == 200
            assert server.gateway.stats().refused == {}
    audit.close()


async def test_without_a_page_its_path_is_not_found(serving):
    async with serving(page=None) as server:
        assert (await ask(server, '/')).status == 404
        assert (await ask(server, '/asyncapi.yaml')).status == 200


@pytest.mark.parametrize(
    ('name', 'fault'),
    [
        ('pipe', r'third-party\.txt: not a regular file'),
        ('missing', 'missing: it has no index.html'),
        ('empty', 'empty: it has no index.html'),
        ('file', 'file: Not a directory'),
        ('\0', 'embedded null'),
    ],
)
async def test_a_page_that_cannot_be_served_is_missing_and_nothing_else_is(
    serving, page, tmp_path, caplog, name, fault
):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'file').touch()
    (page / 'third-party.txt').unlink()
    os.mkfifo(page / 'third-party.txt')
    async with serving(page=page if name == 'pipe' else tmp_path / name) as server:
        answer = await ask(server, '/')
        assert (answer.status, b'log of the bridge' in answer.body) == (503, True)
        assert (await ask(server, '/healthz')).status == 200
        client = await server.enter()
        await client.websocket.close()
    assert re.search(f'there is no page: .*{fault}', caplog.text)


def test_an_answer_is_made_once_and_shared_by_all_who_ask(page):
    site = Pages(Answers(False), documents(page), {})
    headers = Headers([('Accept-Encoding', 'gzip')])
    first, second = (site.answer('/', 'GET', headers).serialize() for _ in range(2))
    assert first is second
    assert site.answer('/favicon.ico', 'GET', headers) is site.answer(
        '/apple-touch-icon.png', 'GET', Headers()
    )


async def test_no_copy_of_an_answer_is_made_for_a_peer(serving, page, monkeypatch):
    written = []
    made = Connection.connection_made

    def connection_made(self, transport):
        write = transport.write

        def noted(data):
            written.append(data)
            write(data)

        transport.write = noted
        made(self, transport)

    monkeypatch.setattr(Connection, 'connection_made', connection_made)
    async with serving(page=page) as server:
        for _ in range(2):
            assert (await ask(server, JS)).body == SCRIPT
    first, second = written
    assert first is second


def test_a_report_is_made_anew_for_each_request():
    counts = iter(range(9))
    site = Pages(Answers(False), {}, {'/n': lambda: Document(b'%d' % next(counts), 'text/x')})
    answers = [Answer(site.answer('/n', 'GET', Headers()).serialize()) for _ in range(2)]
    assert [each.body for each in answers] == [b'0', b'1']
    assert answers[0].headers['Cache-Control'] == 'no-store'
    assert answers[0].headers['Content-Type'] == 'text/x'
    assert site.answer('/', 'GET', Headers()) is None


def test_files_that_are_not_served_are_named_in_the_log(page, caplog):
    assert len(documents(page)) == len(documents(None)) + 4
    assert not caplog.records
    for number in range(20):
        (page / f'{number:02}.txt').touch()
    documents(page)
    (record,) = caplog.records
    assert '20 files are not served' in record.getMessage()
    assert '09.txt' in record.getMessage() and '10.txt' not in record.getMessage()


@pytest.mark.parametrize(
    ('values', 'accepted'),
    [
        ([], False),
        ([''], False),
        (['gzip'], True),
        (['GZip'], True),
        (['x-gzip'], True),
        (['br, deflate', 'gzip'], True),
        (['*'], True),
        (['*;q=0'], False),
        (['gzip;q=0'], False),
        (['gzip; q=0.000'], False),
        (['gzip ;Q=0.001'], True),
        (['gzip;q=0, *'], False),
        (['*;q=0, gzip'], True),
        (['identity'], False),
        (['br, zstd'], False),
        (['gzip;q=nan'], False),
        (['gzip;level=9'], False),
        (['gzipped'], False),
    ],
)
def test_gzip_is_sent_to_a_peer_that_accepts_it(values, accepted):
    assert accepts_gzip(values) is accepted


@pytest.mark.parametrize(
    ('values', 'found'),
    [
        ([], False),
        (['"t"'], True),
        (['W/"t"'], True),
        (['"a" , "t"'], True),
        (['"a"', '"t"'], True),
        ([' * '], True),
        (['t'], False),
        (['"T"'], False),
        (['"t'], False),
        (['"at"'], False),
    ],
)
def test_a_tag_is_compared_as_a_whole(values, found):
    assert matches('"t"', values) is found


@given(st.lists(st.text(max_size=60) | st.sampled_from(['gzip;q=', '*', '"t"', 'W/'])))
def test_no_header_raises(values):
    accepts_gzip(values)
    matches('"t"', values)

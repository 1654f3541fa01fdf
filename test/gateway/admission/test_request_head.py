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
"""Heads of HTTP requests, rewritten or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oht50_bridge.gateway.admission.request_head import MAX_HEADERS
from oht50_bridge.gateway.admission.request_head import MAX_URL
from oht50_bridge.gateway.admission.request_head import NO_HOST
from oht50_bridge.gateway.admission.request_head import RequestRefusedError
from oht50_bridge.gateway.admission.request_head import is_complete
from oht50_bridge.gateway.admission.request_head import method_of
from oht50_bridge.gateway.admission.request_head import rewritten


def head(*lines, start='GET /p HTTP/1.1'):
    return '\r\n'.join([start, *lines, '', '']).encode('latin-1')


def test_a_request_is_passed_on_with_the_headers_that_are_used():
    request = head('host: x', 'X-Secret: y', 'ORIGIN:  http://a \t', 'Cookie: ä', 'Upgrade:')
    assert rewritten(request) == ('GET', head('Host: x', 'Origin: http://a', 'Upgrade: '))


def test_the_method_is_carried_beside_a_request_that_every_library_reads():
    request = head(
        'Accept-Encoding: gzip;q=0', 'if-none-match: "a", W/"b"', start='HEAD /p HTTP/1.1'
    )
    assert rewritten(request) == (
        'HEAD',
        head('Accept-Encoding: gzip;q=0', 'If-None-Match: "a", W/"b"'),
    )


@pytest.mark.parametrize('name', ['Accept-Encoding', 'If-None-Match'])
def test_what_only_chooses_a_representation_is_no_reason_to_refuse(name):
    assert rewritten(head('Host: x', f'{name}: \xe4')).request == head('Host: x')


@pytest.mark.parametrize(
    ('target', 'passed'),
    [
        ('/', '/'),
        ('/p?a=b&c', '/p?a=b&c'),
        ('/p#part?x', '/p'),
        ('http://other/p?x', '/p?x'),
        ('http://[/p', '/p'),
        ('//[', '//['),
    ],
)
def test_the_path_is_passed_on(target, passed):
    request = rewritten(head(start=f'GET {target} HTTP/1.1')).request
    assert request == head(start=f'GET {passed} HTTP/1.1')


def test_a_request_of_http_1_0_needs_no_host_and_becomes_no_websocket():
    old = 'GET /healthz HTTP/1.0'
    new = 'GET /healthz HTTP/1.1'
    assert rewritten(head(start=old)).request == head(f'Host: {NO_HOST}', start=new)
    request = head('Host: x', 'Upgrade: websocket', start=old)
    assert rewritten(request).request == head('Host: x', start=new)


def test_empty_lines_before_and_a_length_of_0_are_ignored():
    assert rewritten(b'\r\n\r\n' + head('Content-Length: 0')).request == head()


@pytest.mark.parametrize(
    ('request_', 'status', 'description'),
    [
        (b'GET / HTTP/1.1\n\n', 400, 'CR LF'),
        (b'GET / HTTP/1.1\r\nHost: x\n\r\n', 400, 'CR LF'),
        (b'\r\n\r\n', 400, 'CR LF'),
        (head('X-Long: ' + 'y' * 8190), 431, '8190 bytes'),
        (head(start='GET /'), 400, 'not a request line'),
        (head(start='GET  / HTTP/1.1'), 400, 'not a request line'),
        (head(start='GET /a b HTTP/1.1'), 400, 'not a request line'),
        (head(start='G\x00T / HTTP/1.1'), 400, 'not a request line'),
        (head(start='GET / HTTP/1.1\r'), 400, 'not a request line'),
        (head(start='GET / http/1.1'), 400, 'not a request line'),
        (b'\x16\x03\x01\x02\x00\x01\r\n\r\n', 400, 'not a request line'),
        (head(start='GET / HTTP/2.0'), 505, 'use HTTP/1.1 or HTTP/1.0'),
        (head(start='GET / HTTP/0.9'), 505, 'use HTTP/1.1 or HTTP/1.0'),
        (head(start='POST / HTTP/1.1'), 405, 'GET'),
        (head(start='OPTIONS / HTTP/1.0'), 405, 'GET'),
        (head(start='GET * HTTP/1.1'), 400, 'not a path'),
        (head(start='GET host:80 HTTP/1.1'), 400, 'not a path'),
        (head(start='GET http://[ HTTP/1.1'), 400, 'not a path'),
        (head(start='GET /\xe4 HTTP/1.1'), 400, 'not a path'),
        (head(start='GET /\x1b]52 HTTP/1.1'), 400, 'not a path'),
        (head(start=f'GET /{"x" * MAX_URL} HTTP/1.1'), 414, f'{MAX_URL} characters'),
        (head(*(f'X-{n}: y' for n in range(MAX_HEADERS + 1))), 431, f'more than {MAX_HEADERS}'),
        (head('X-Secret : y'), 400, 'not a header'),
        (head(' folded'), 400, 'not a header'),
        (head(': y'), 400, 'not a header'),
        (head('nonsense'), 400, 'not a header'),
        (head('X: a\x00b'), 400, 'not a header'),
        (head('X: a\rb'), 400, 'not a header'),
        (head('Origin: http://\xe4'), 400, 'Origin is not ASCII'),
        (head('Content-Length: 5'), 400, 'no body'),
        (head('Content-Length: 0', 'content-length: 0'), 400, 'Content-Length occurs twice'),
        (head('Transfer-Encoding: chunked'), 400, 'no body'),
        (head('Host: x', 'host: y'), 400, 'Host occurs twice'),
    ],
)
def test_another_request_is_refused(request_, status, description):
    with pytest.raises(RequestRefusedError, match=description) as refused:
        rewritten(request_)
    assert (refused.value.status, refused.value.reason) == (status, 'request')
    assert ('Allow' in refused.value.headers) is (status == 405)


@pytest.mark.parametrize(
    ('path', 'allowed'),
    [
        ('/', 'GET, HEAD'),
        ('/nowhere', 'GET, HEAD'),
        ('*', 'GET, HEAD'),
        ('/ws/telemetry', 'GET'),
        ('http://x/ws/telemetry?x', 'GET'),
    ],
)
def test_a_method_is_refused_with_those_of_the_path(path, allowed):
    with pytest.raises(RequestRefusedError) as refused:
        rewritten(head(start=f'POST {path} HTTP/1.1'))
    assert refused.value.headers == {'Allow': allowed}


def test_the_method_of_what_is_no_request_is_known_as_far_as_an_answer_needs_it():
    assert method_of(b'\r\nHEAD / HTTP/2.0\r\n') == 'HEAD'
    assert method_of(b'head / HTTP/1.1') == method_of(b'HEADX /') == method_of(b'') == 'GET'


def test_a_request_is_complete_with_its_empty_line():
    request = head('Host: x')
    assert is_complete(request)
    assert not any(is_complete(request[:length]) for length in range(len(request)))
    assert not is_complete(b'\r\n\r\n')


LINE = st.binary(max_size=40) | st.sampled_from(
    [b'Host: x', b'Origin: \xff', b'X-Forwarded-For: ']
)


@given(st.lists(LINE, min_size=1), st.sampled_from([b'\r\n', b'\n', b'']), st.booleans())
def test_no_bytes_raise_and_what_is_passed_on_is_printable(lines, end, is_request):
    request = end.join([*([b'GET / HTTP/1.0'] if is_request else []), *lines]) + b'\r\n\r\n'
    try:
        passed = rewritten(request).request
    except RequestRefusedError as error:
        assert str(error).isprintable()
    else:
        assert passed.startswith(b'GET /') and passed.endswith(b'\r\n\r\n')
        text = passed.decode('ascii').replace('\r\n', '').replace('\t', '')
        assert text.isprintable()

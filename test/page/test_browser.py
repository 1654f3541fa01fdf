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
"""The harness: what pages complain about is collected, and connections are held back."""

import contextlib
import socket
import threading
from urllib.parse import quote

import pytest
from page.conftest import tolerated
from page.proxy import Proxy
from support import free_port
from support import wait_for

STRICT = """<meta http-equiv="Content-Security-Policy" content="script-src 'none'">"""


def document(text):
    return f'data:text/html,{quote(text)}'


def collected(browser, kinds):
    found = set()

    def all_are_there():
        found.update(each['kind'] for each in browser.complaints())
        return found >= kinds

    wait_for(all_are_there, what='complaints')
    assert found == kinds


def test_what_a_page_complains_about_is_collected(people, browser):
    page = people(document('<title>x</title>'))
    assert browser.complaints() == []
    page.evaluate('console.log("a")')
    page.evaluate('setTimeout(() => { throw new Error("b"); })')
    page.evaluate('void setTimeout(alert)')
    collected(browser, {'console log', 'error', 'dialog'})


def test_what_the_policy_of_a_page_forbids_is_collected(people, browser):
    people(document(f'{STRICT}<script>1</script>'))
    collected(browser, {'console error', 'policy'})


def test_a_connection_that_fails_counts_but_where_a_test_ends_some(people, browser, request):
    page = people(document('<title>x</title>'))
    refused = f'fetch("http://127.0.0.1:{free_port()}").catch(() => 0)'

    def counted():
        page.evaluate(refused)
        return browser.complaints(tolerated(request.node))

    # Each page has this fixture, which is no reason to pass anything over.
    assert 'stages' in request.fixturenames
    found = wait_for(counted, what='a complaint')
    assert all('net::ERR_CONNECTION_REFUSED' in each['text'] for each in found), found
    request.node.has_stage = True
    assert counted() == []


def test_axe_finds_what_nobody_can_read(people, browser):
    page = people(document('<html lang=en><title>x</title><main><button></button></main>'))
    assert [each['id'] for each in browser.axe(page, 'wcag2a')] == ['button-name']


@pytest.fixture
def echo():
    """A server that sends back what it gets."""
    with socket.create_server(('127.0.0.1', 0)) as server:

        def serve():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=repeat, args=(peer,), daemon=True).start()

        def repeat(peer):
            with peer:
                while data := peer.recv(1000):
                    peer.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize('direction', ['up', 'down'])
def test_the_proxy_holds_websockets_back_and_nothing_else(echo, direction):
    heads = [b'GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n', b'GET / HTTP/1.1\r\n\r\n']
    proxy = Proxy(echo)
    peers = []
    for head in heads:
        peers.append(socket.create_connection(('127.0.0.1', proxy.port), 10))
        peers[-1].sendall(head)
        assert peers[-1].recv(1000) == head
    proxy.hold(direction)
    for peer in peers:
        peer.sendall(b'x')
    assert peers[1].recv(10) == b'x'
    peers[0].settimeout(0.2)
    with pytest.raises(TimeoutError):
        peers[0].recv(10)
    proxy.release()
    peers[0].settimeout(10)
    assert peers[0].recv(10) == b'x'
    proxy.cut()
    with contextlib.suppress(ConnectionResetError):
        assert peers[0].recv(10) == b''
    assert proxy.opened == 1
    for peer in peers:
        peer.close()
    proxy.close()

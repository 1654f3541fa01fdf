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
"""The page from another host than the bridge, and from nginx in front of it."""

import contextlib
import functools
import http.server
import ipaddress
import shutil
import threading

import pytest
from page.views import FRESH
from page.views import LIVE
from page.views import until
from reverse_proxy import needs
from reverse_proxy import nginx

from oht50_bridge.paths import page_dir

NAMED = '<meta name="oht50-bridge" content="">'


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing of it."""

    def log_message(self, *values):
        """Say nothing."""


@contextlib.contextmanager
def served(directory):
    """Serve a directory; give the origin, whose host is another than that of a stage."""
    handler = functools.partial(Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f'http://localhost:{server.server_port}'
        server.shutdown()
        thread.join(10)


@pytest.fixture
def elsewhere(tmp_path):
    """A directory with the page."""
    directory = tmp_path / 'page'
    shutil.copytree(page_dir(), directory)
    return directory


def name(directory, origin):
    """Write into a page where its bridge is."""
    index = directory / 'index.html'
    html = index.read_text().replace(' />', '>')
    assert NAMED in html
    index.write_text(html.replace(NAMED, NAMED.replace('""', f'"{origin}"')))


@pytest.mark.slow
def test_a_page_of_a_host_that_is_listed_works(people, stages, elsewhere):
    with served(elsewhere) as origin:
        stage = stages(page=None, origins=(origin,))
        name(elsewhere, stage.origin)
        page = people(stage.link(origin=origin))
        page.locator(LIVE).waitFor()
        until(page, FRESH)
        # Tokens are kept by the origin of the bridge.
        keys = page.evaluate('Object.keys(sessionStorage)')
        assert any(stage.origin in key for key in keys), keys


@pytest.mark.long
@pytest.mark.breaks_connections
def test_a_page_of_another_host_is_not_let_in(people, stages, elsewhere):
    with served(elsewhere) as origin:
        stage = stages(page=None)
        name(elsewhere, stage.origin)
        page = people(stage.link(origin=origin))
        page.locator('#link[data-link="waiting"]').waitFor()
        assert stage.clients == 0


@pytest.mark.slow
def test_the_page_is_live_behind_nginx(people, stages, tmp_path):
    needs('nginx')
    stage = stages(proxies=(ipaddress.ip_network('127.0.0.1'),))
    with nginx(tmp_path, stage.port) as (port, _):
        origin = f'https://localhost:{port}'
        page = people(stage.link('admin', origin=origin), ignoreHTTPSErrors=True)
        page.locator(LIVE).waitFor()
        until(page, FRESH)
        # What is served over TLS may use more of the browser.
        assert page.evaluate('isSecureContext && location.origin') == origin
        # The trends are loaded later than the page.
        page.locator('.uplot').first.waitFor()
        page.locator('.stop-button').click()
        page.locator('#stop[data-state="stopped"]').waitFor()
        assert stage.count('emergency_stop') == 1
        page.close()

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
"""A browser for the tests of a file; each test fails on what its pages complain about."""

import contextlib
import io
import re

import pytest
from chromium import missing
from page.browser import CONNECTION
from page.browser import Browser
from page.proxy import Proxy
from page.stage import Stage

from oht50_bridge.cli.main import main as cli
from oht50_bridge.paths import page_dir

BREAKS = 'breaks_connections'
#: Levels of the page, by the fragment that leads there.
LEVELS = ('/', '/missions', '/alarms', '/modules', '/config', '/log', '/about')


def pytest_configure(config):
    """Register the marker."""
    config.addinivalue_line(
        'markers', f'{BREAKS}: a browser writes to the console that a connection failed'
    )


def pytest_collection_modifyitems(items):
    """Skip all where there is no browser or no page."""
    here = [item for item in items if '/test/page/' in item.path.as_posix()]
    reason = missing()
    if not reason and not (page_dir() / 'index.html').is_file():
        reason = 'THE PAGE WAS NOT TESTED: it was not built: run `make page`'
    for item in here:
        item.add_marker(pytest.mark.processes)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope='module')
def shared_browser(tmp_path_factory):
    """Chromium, once for the tests of a file."""
    browser = Browser(tmp_path_factory.mktemp('browser') / 'driver.log')
    yield browser
    browser.close()


@pytest.fixture
def browser(shared_browser, request):
    """Chromium; the test fails when a page wrote to the console or broke its policy."""
    shared_browser.complaints()
    yield shared_browser
    assert shared_browser.complaints(tolerated(request.node)) == []


def tolerated(item):
    """Return which complaints of pages do not count in a test; None: each counts."""
    # A stage is in the process of the test, whose host may let it wait longer than a client does.
    breaks = item.get_closest_marker(BREAKS) or getattr(item, 'has_stage', False)
    return CONNECTION if breaks else None


@pytest.fixture
def stages(request):
    """Make bridges without a vehicle; they end after the pages that are connected to them."""
    with contextlib.ExitStack() as stack:

        def make(*values, **settings):
            request.node.has_stage = True
            stage = Stage(*values, **settings)
            stack.callback(stage.close)
            return stage

        yield make


@pytest.fixture
def proxies(stages):
    """Make proxies before ports; they end after the pages that are connected through them."""
    with contextlib.ExitStack() as stack:

        def make(port):
            proxy = Proxy(port)
            stack.callback(proxy.close)
            return proxy

        yield make


@pytest.fixture
def people(browser, proxies):
    """Open pages, each as a person of its own, with a script that runs before that of the page."""
    with contextlib.ExitStack() as stack:

        def come(url, script='', **options):
            context = browser.context(**{'locale': 'en-GB', **options})
            stack.callback(context.close)
            if script:
                context.addInitScript({'content': script})
            page = context.newPage()
            page.goto(url)
            return page

        yield come


@pytest.fixture
def proxy(vehicle, proxies):
    """A proxy before the bridge."""
    return proxies(vehicle.port)


@pytest.fixture
def stage(stages):
    """A bridge without a vehicle."""
    return stages()


@pytest.fixture
def curtain(stage, proxies):
    """A proxy before that bridge."""
    return proxies(stage.port)


def link(vehicle, role, origin=None):
    """Return a link that signs a browser in, as `oht50 token` prints it."""
    origin = origin or f'http://127.0.0.1:{vehicle.port}'
    words = ['token', '--pair', '--role', role, '--link', origin]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert cli([*words, '--state-dir', str(vehicle.state_dir)]) == 0
    return re.search(r'http\S+', output.getvalue())[0]

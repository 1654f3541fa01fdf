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
import sys

import pytest
from gateway.serving import CSS
from gateway.serving import HTML
from gateway.serving import JS
from gateway.serving import NOTICES
from gateway.serving import SCRIPT
from gateway.serving import STYLE
from gateway.serving import Serving
from gateway.serving import make_event
from gateway.serving import pytest_pyfunc_call  # noqa: F401 - a hook


@pytest.fixture
def serving():
    """Make a gateway: `async with serving(settings...) as server`."""
    return Serving


@pytest.fixture(scope='session')
def event():
    """Make an event: `event('safety.estop', estop_id='e1')`."""
    return make_event


def pytest_configure(config):
    """Let Python 3.10 say of a TLS handshake that failed that it never closed it."""
    if sys.version_info < (3, 11):
        config.addinivalue_line(
            'filterwarnings', r'ignore:unclosed transport <asyncio\.sslproto:ResourceWarning'
        )


@pytest.fixture
def page(tmp_path):
    """The directory of a page."""
    directory = tmp_path / 'page'
    (directory / 'assets').mkdir(parents=True)
    for name, content in (
        ('index.html', HTML),
        (JS[1:], SCRIPT),
        (CSS[1:], STYLE),
        ('third-party.txt', NOTICES),
    ):
        (directory / name).write_bytes(content)
    return directory

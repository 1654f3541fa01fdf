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
"""The scenarios that all clients share, in Chromium."""

import functools
import http.server
import json
import subprocess
import threading

import pytest
from client.scenario import SCENARIOS
from client.scenario import Controller
from clients.javascript import NODE
from clients.javascript import PROGRAMS
from clients.javascript import compiled

pytestmark = [pytest.mark.long, pytest.mark.breaks_connections]


class Stand(http.server.SimpleHTTPRequestHandler):
    """Serves the scenarios, and passes on to the controller what they want to happen."""

    def __init__(self, *values, act, **options):
        self._act = act
        super().__init__(*values, **options)

    def do_POST(self):
        """Have something done."""
        act = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        try:
            answer = self._act(act)
        except AssertionError as error:
            answer = {'ok': False, 'error': str(error)}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *values):
        """Say nothing."""


@pytest.fixture(scope='module')
def controller():
    """Run a bridge and a proxy before it."""
    running = Controller()
    yield running
    running.close()


@pytest.fixture(scope='module')
def stand(tmp_path_factory, controller):
    """Serve the scenarios; give the address."""
    compiled(PROGRAMS)
    directory = tmp_path_factory.mktemp('scenarios')
    subprocess.run([NODE, PROGRAMS / 'bundle.mjs', directory], check=True)
    html = '<!doctype html><link rel="icon" href="data:,"><script src="scenarios.js"></script>'
    (directory / 'index.html').write_text(html)
    handler = functools.partial(Stand, directory=str(directory), act=controller.act)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()
        thread.join(10)


@pytest.mark.parametrize('scenario', SCENARIOS, ids=[each['name'] for each in SCENARIOS])
def test_scenario(scenario, people, stand, controller):
    page = people(stand)
    words = f'{json.dumps(scenario)}, {json.dumps(controller.url)}'
    assert page.evaluate(f'runScenario({words})') is None

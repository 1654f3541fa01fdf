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
"""From `make run` to a vehicle that moves: the link that it prints, a station, Start."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import threading

import pytest
from page.views import FRESH
from page.views import LIVE
from page.views import carrier
from page.views import until
from support import OHT50
from support import ROOT
from support import free_port
from support import own_domain
from support import wait_for

pytestmark = pytest.mark.long

MOVED = 0.1  # m
TRENDS = 4
#: What is drawn of each trend.
DRAWN = "[...document.querySelectorAll('.trend canvas')].map((each) => each.toDataURL())"


@contextlib.contextmanager
def on_a_terminal(*command, **options):
    """Run a command in a terminal; give a function that returns what it has written."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        **options,
    )
    os.close(follower)
    written = []

    def read():
        with contextlib.suppress(OSError):
            while data := os.read(leader, 65536):
                written.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield lambda: b''.join(written).decode(errors='replace')
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join(10)
        os.close(leader)


def test_make_run_starts_what_this_file_starts():
    rule = re.search(r'^run:.*\n\t(.*)$', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    assert rule[1] == '@exec $(VENV)/bin/oht50 up --sim $(RUN_ARGS)'


def test_the_readme_begins_with_the_page_and_how_to_open_it():
    title, image, words = (ROOT / 'README.md').read_text().split('\n\n')[:3]
    assert title == '# oht50_bridge'
    path = re.fullmatch(r'!\[.+\]\((docs/images/.+\.png)\)', image)
    assert (ROOT / path[1]).is_file()
    assert words.startswith('`make run`, then open the link that it prints')


def test_three_clicks_from_make_run_to_a_vehicle_that_moves(people, tmp_path):
    with own_domain() as domain:
        port = str(free_port())
        arguments = ['up', '--sim', '--port', port, '--domain', str(domain)]
        environment = {**os.environ, 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
        command = [*OHT50, *arguments, '--state-dir', str(tmp_path / 'state')]
        with on_a_terminal(*command, env=environment) as written:
            found = wait_for(
                lambda: re.search(r'http\S+#token=\S+', written()), 30, 'a link', pause=0.1
            )
            page = people(found[0])  # 1
            page.locator(LIVE).waitFor()
            until(page, FRESH)
            until(page, '!!document.querySelector(".goal:enabled")')
            place = carrier(page)
            target = 'station-b' if place < 20 else 'station-a'
            page.locator(f'.goal:has-text("{target}")').click()  # 2
            page.locator('.dialog .primary').click()  # 3
            wait_for(lambda: abs(carrier(page) - place) > MOVED, what='it moves', pause=0.1)
            until(page, f'{DRAWN}.length === {TRENDS}')
            drawn = json.dumps(page.evaluate(DRAWN))
            until(page, f'{DRAWN}.every((each, number) => each !== {drawn}[number])')
            until(page, 'document.querySelector("#state").textContent.includes("MOVING")')
            page.close()  # before the vehicle ends

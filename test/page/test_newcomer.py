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
from support import free_port
from support import own_domain
from support import wait_for

MOVED, RAIL = 100.0, 50_000.0  # mm; the rail as config/vehicle.yaml has it
TRENDS = 4
#: Where the carrier is drawn and which part of the drawing the rail is, %.
DRAWN = 'parseFloat(document.querySelector(".rail-carrier").getAttribute("x"))'
PART = 94.0
#: In how many columns of each trend something is drawn.
COLUMNS = """[...document.querySelectorAll('.trend canvas')].map((canvas) => {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  const inked = new Set();
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) inked.add(((i - 3) / 4) % width);
  return inked.size;
})"""


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


@pytest.mark.slow
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
            place, drawn = carrier(page), page.evaluate(DRAWN)
            target = 'station-b' if place < 20 else 'station-a'
            page.locator(f'.goal:has-text("{target}")').click()  # 2
            page.locator('.dialog .primary').click()  # 3
            step = MOVED / RAIL * PART
            until(page, f'Math.abs({DRAWN} - {drawn}) > {step}')
            until(page, f'{COLUMNS}.length === {TRENDS}')
            columns = json.dumps(page.evaluate(COLUMNS))
            until(page, f'{COLUMNS}.every((each, number) => each > {columns}[number])')
            until(page, 'document.querySelector("#state").textContent.includes("MOVING")')
            page.close()  # before the vehicle ends

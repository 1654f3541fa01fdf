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
"""A hundred clients whose bridge is restarted come back, and not all at once."""

import json
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from clients.javascript import CLIENT
from clients.javascript import NODE
from clients.javascript import compiled
from support import wait_for

pytestmark = pytest.mark.long

COUNT = 100
HERD = Path(__file__).with_name('herd.mjs')
SPREAD, LATEST = 0.5, 35.0  # s


class Herd:
    """Clients in one process, and what became of each."""

    def __init__(self, url, tokens):
        compiled(CLIENT)
        self._process = subprocess.Popen(
            [NODE, HERD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._process.stdin.write(json.dumps({'url': url, 'tokens': tokens}) + '\n')
        self._process.stdin.flush()
        self.states = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.states.append(json.loads(line))

    def live(self):
        """Return when each client that is live became so, s."""
        newest = {each['number']: each for each in list(self.states)}
        return [each['at'] for each in newest.values() if each['name'] == 'live']

    def close(self):
        """End it."""
        self._process.stdin.close()
        assert self._process.wait(20) == 0
        self._reader.join(20)


@pytest.fixture
def herd(stages):
    """A bridge, and clients of it."""
    stage = stages(max_connections=COUNT)
    tokens = [stage.authority.issue(f'person-{n}', 'viewer').access for n in range(COUNT)]
    herd = Herd(stage.origin.replace('http', 'ws') + '/ws/telemetry', tokens)
    yield stage, herd
    herd.close()


def test_a_herd_comes_back_over_a_while_and_nobody_is_refused(herd):
    stage, clients = herd
    try:
        wait_for(lambda: len(clients.live()) == COUNT, 60, 'all are live', pause=0.1)
    except AssertionError as error:
        states = Counter((each['name'], each.get('code')) for each in clients.states)
        raise AssertionError(f'{error}: {len(clients.live())} are; {states}') from None
    stage.stop()
    wait_for(lambda: not clients.live(), 20, 'all have lost it', pause=0.05)
    clients.states.clear()
    stage.start()
    begun = time.monotonic()
    wait_for(lambda: len(clients.live()) == COUNT, LATEST, 'all are live again', pause=0.1)
    took, live = time.monotonic() - begun, sorted(clients.live())
    codes = {each.get('code') for each in clients.states}
    print(f'live again within {took:.1f} s, spread over {live[-1] - live[0]:.2f} s, codes {codes}')
    assert live[-1] - live[0] >= SPREAD
    assert 4429 not in codes and stage.clients == COUNT

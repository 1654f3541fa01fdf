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
"""A browser for the tests: Playwright in Node (driver.mjs), with the Chromium of this machine."""

import json
import os
import re
import subprocess
from pathlib import Path

from chromium import CHROMIUM
from clients.javascript import NODE

DRIVER = Path(__file__).with_name('driver.mjs')
#: Methods of Playwright that only name a part of a page; what follows them is one call with them.
NAMING = {'locator', 'getByRole', 'getByText', 'getByLabel', 'getByTestId', 'filter', 'nth'}
#: What a browser writes when a connection fails, which no page can prevent.
CONNECTION = re.compile(r'WebSocket connection to .* failed|net::ERR_')
#: A vehicle at work on a busy machine.
PATIENCE = 20_000  # ms


class Remote:
    """An object of Playwright; its methods are called as they are named there."""

    def __init__(self, browser, name, calls=()):
        self._browser, self.name, self._calls = browser, name, calls

    def __getattr__(self, method):
        if method.startswith('_'):
            raise AttributeError(method)

        def call(*values):
            calls = (*self._calls, [method, *values])
            if method in NAMING:
                return Remote(self._browser, self.name, calls)
            return self._browser.act(self.name, calls)

        return call

    def act(self, *steps):
        """Call methods one after the other: `act(['mouse'], ['move', 1, 2])`."""
        return self._browser.act(self.name, (*self._calls, *steps))

    @property
    def first(self):
        """The first of what is named."""
        return self.nth(0)


class BrowserError(AssertionError):
    """A call of Playwright failed."""


class Browser:
    """Chromium without a window, and the process that drives it."""

    def __init__(self, log):
        # Chromium refuses to run as root in its sandbox.
        arguments = ['--no-sandbox'] if os.geteuid() == 0 else []
        options = {'executablePath': CHROMIUM, 'args': arguments}
        self._log = log
        with log.open('w') as errors:
            self._process = subprocess.Popen(
                [NODE, DRIVER, json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        self._count = 0
        self._read()

    def _read(self):
        line = self._process.stdout.readline()
        assert line, self._log.read_text()[-4000:]
        return json.loads(line)

    def act(self, name, calls):
        """Do calls on an object; return the value, or the object that they lead to."""
        self._count += 1
        request = {'id': self._count, 'on': name, 'calls': [list(call) for call in calls]}
        self._process.stdin.write(json.dumps(request) + '\n')
        self._process.stdin.flush()
        answer = self._read()
        if 'error' in answer:
            raise BrowserError(answer['error'])
        return Remote(self, answer['object']) if 'object' in answer else answer['value']

    def context(self, **options):
        """Return a browser context, as a person of its own has it."""
        context = self.act('driver', [['context', options]])
        context.setDefaultTimeout(PATIENCE)
        return context

    def complaints(self, allowed=None):
        """Return what the pages complained about since the last time, but what is allowed."""
        found = self.act('driver', [['complaints']])
        return [each for each in found if allowed is None or not allowed.search(each['text'])]

    def axe(self, page, *tags):
        """Return the violations that axe finds."""
        return self.act('driver', [['axe', page.name, list(tags)]])

    def session(self, page):
        """Return a session of the DevTools protocol."""
        return self.act('driver', [['session', page.name]])

    def close(self):
        """End it."""
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

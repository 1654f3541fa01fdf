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
"""A bridge and a safety_node, each a process of its own, for fuzzes; and what all fuzzes check."""

import contextlib
import json
import os
import re
import subprocess
import unicodedata

from support import OHT50
from support import Background
from support import free_port
from support import own_domain

from oht50_bridge.bringup.environment import token_environment
from oht50_bridge.bringup.process import module_command

# Half of them are harmless letters: what surrounds a fault matters as well.
PIECES = [
    *'abcdefghijklmnopqrstuvwxyz0123456789 ',
    *(chr(code) for code in (*range(32), 127, *range(128, 160))),
    '\x1b]52;c;eA==\x07',
    '\x1b[31;42;5;7m',
    '\x1b[2J',
    '\x9b2J',
    '\r\n[WARN] [0.0] [forged]: emergency stop cleared',
    '\n[ERROR] [0.0] [forged]: x',
    '\u2028[WARN] [0.0] [forged]: x',
    '\u202e',
    '\u2066',
    '\ud800',
    '\udcf6',
    '\U0001f69a',
    'ä',
    '起',
    '\u200b',
    '[/x]',
    '[bold',
    '[/]',
    '[link=http://evil]',
    '<script>',
    '"',
    "'",
    '\\',
    '%s%n',
    '{0}',
    'x' * 200,
    'NaN',
    'null',
]


def text(pick, most=12):
    """A text of pieces, one in ten of them long."""
    count = pick.randrange(most) if pick.random() < 0.9 else pick.randrange(300)
    return ''.join(pick.choices(PIECES, k=count))


class Node(Background):
    """A node as a process."""

    def __init__(self, directory, domain, name, **parameters):
        values = {'state_dir': directory, **parameters}
        super().__init__(
            directory / f'{name}.log',
            [
                *module_command('oht50_bridge.nodes'),
                name,
                '--ros-args',
                *(part for key, value in values.items() for part in ('-p', f'{key}:={value}')),
            ],
            os.environ
            | token_environment(directory)
            | {'ROS_DOMAIN_ID': str(domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'},
        )


@contextlib.contextmanager
def nodes(directory, names, **parameters):
    """Run nodes alone; yields them by name, and the port of the bridge."""
    port = free_port()
    with own_domain() as domain, contextlib.ExitStack() as stack:
        started = {}
        for name in names:
            values = {'port': port, **parameters} if name == 'bridge_node' else {}
            started[name] = stack.enter_context(Node(directory, domain, name, **values))
        yield started, port


def token(directory, role='operator', subject='ann'):
    """A token of the vehicle whose state is in a directory."""
    command = [*OHT50, 'token', '--role', role, '--subject', subject, '--state-dir', directory]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def check_log(node):
    """Check that a node runs, and return its log, in which nothing is forged or controls."""
    assert node.process.poll() is None, node.log.read_text()
    log = node.log.read_bytes().decode()  # valid UTF-8
    assert 'Traceback' not in log and 'defect' not in log, log[-4000:]
    check_harmless(log)
    assert not re.search(r'^\[\w+\] \[0\.0\] \[forged\]', log, re.MULTILINE)
    return log


def check_harmless(output):
    """Check that a text controls no terminal."""
    found = {
        char
        for char in set(output) - {'\n'}
        if unicodedata.category(char) in ('Cc', 'Cs', 'Zl', 'Zp') or char in '\u202e\u2066'
    }
    assert not found, [hex(ord(char)) for char in found]


def check_audit(path):
    """Check that an audit log is JSON of ASCII; it does not escape U+007F."""
    text_ = path.read_bytes().decode('ascii')
    check_harmless(text_.replace('\x7f', ''))
    for line in text_.splitlines():
        json.loads(line)

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
"""Arbitrary texts of clients, of tokens and of command lines, and where they are shown."""

import contextlib
import fcntl
import json
import os
import pty
import random
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import jwt
import pytest
from fuzz.processes import check_audit
from fuzz.processes import check_harmless
from fuzz.processes import check_log
from fuzz.processes import nodes
from fuzz.processes import text
from fuzz.processes import token
from fuzz.seconds import SECONDS
from fuzz.seconds import new_seed
from support import OHT50
from support import wait_for
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PATIENCE = 60.0
#: Command lines are slow; one for so many messages.
MESSAGES_PER_COMMAND_LINE = 50
#: What `rich` itself sends to a terminal: colours, and movements of the cursor.
OWN_SEQUENCES = re.compile(
    r'\x1b\[(?:\?25[lh]|2K|1A|[0-9]+A|(?:0|1|2|3|22|23|3[0-9])?(?:;[0-9]+)?m)'
)


class Screen:
    """What a command writes to a terminal, of which `own` is the other end."""

    def __init__(self, own):
        self.output = b''
        self._own = own
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = os.read(self._own, 65536)
            except OSError:
                return
            self.output += data

    def text(self):
        """What it wrote, without its own colours and movements, its line ends as one."""
        output = self.output.decode(errors='ignore')  # it may end within a character
        return OWN_SEQUENCES.sub('', output).replace('\r\n', '\n').replace('\r', '')


def message(pick):
    """A message of a client with arbitrary texts."""
    fields = [
        {'type': 'emergency_stop', 'reason': text(pick)},
        {'type': 'emergency_stop', 'reason': text(pick), text(pick, 3): text(pick)},
        {'type': 'start_mission', 'mission_type': 'transport', 'station': text(pick)},
        {'type': 'start_mission', 'mission_type': text(pick), 'mission_id': text(pick)},
        {'type': 'cancel_mission', 'mission_id': text(pick)},
        {'type': 'clear_estop', 'estop_id': text(pick)},
        {'type': 'update_config', 'changes': {text(pick): text(pick)}},
        {'type': 'rollback_config', 'to_version': text(pick), 'reason': text(pick)},
        {'type': 'subscribe', 'events': [text(pick)]},
        {'type': text(pick)},
        {text(pick): text(pick)},
    ]
    value = pick.choice(fields)
    if pick.random() < 0.3:
        value['request_id'] = text(pick)
    result = json.dumps(value, ensure_ascii=True)
    if pick.random() < 0.2:
        at = pick.randrange(len(result) + 1)
        result = result[:at] + text(pick, 3).encode(errors='ignore').decode() + result[at:]
    return result


def is_stop(sent):
    try:
        return json.loads(sent).get('type') == 'emergency_stop'
    except (ValueError, AttributeError):
        return False


class Client:
    """An operator who says anything."""

    def __init__(self, port, token_):
        self._stack = contextlib.ExitStack()
        self.url, self.token = f'ws://127.0.0.1:{port}/ws/telemetry', token_
        self.connect()

    def connect(self):
        self._stack.close()
        self.websocket = self._stack.enter_context(
            connect(self.url, compression=None, open_timeout=PATIENCE)
        )
        self.say({'type': 'auth', 'token': self.token})
        assert self.answer()['type'] == 'connection.established'

    def close(self):
        self._stack.close()

    def say(self, value):
        self.websocket.send(value if isinstance(value, str) else json.dumps(value))

    def answer(self):
        return json.loads(self.websocket.recv(PATIENCE))

    def publish(self, said):
        """Let the gateway of `echo_gateway` publish a text; half a surrogate pair is refused."""
        self.say({'type': 'update_config', 'changes': {'text': said}})
        while self.answer()['type'] not in ('command.result', 'error'):
            pass

    def stop(self, sent):
        """Send a stop; check that it is carried out."""
        try:
            answer = self.result_of(sent)
        except ConnectionClosed as error:
            # What it said before was too fast, and the connection ended as the stop was sent.
            assert error.rcvd is not None and error.rcvd.code == 4429, (sent, error)
            self.connect()
            answer = self.result_of(sent)
        assert answer['data']['accepted'] is True, (sent, answer)

    def result_of(self, sent):
        """Send a stop; return its result."""
        self.say(sent)
        while True:
            answer = self.answer()
            if (
                answer['type'] == 'command.result'
                and answer['data']['command'] == 'emergency_stop'
            ):
                return answer


def forged(pick, secret):
    """A token with arbitrary names and a good signature."""
    now = time.time()
    claims = {'sub': text(pick), 'role': 'operator', 'typ': 'access', 'iat': now, 'exp': now + 600}
    claims |= {pick.choice(['sub', 'role', 'fam', 'jti', 'iss']): text(pick)}
    return jwt.encode(claims, secret, 'HS256')


def say_token(client, token_):
    """Authenticate with a token; it is accepted or refused with WS-001."""
    with connect(client.url, compression=None, open_timeout=PATIENCE) as websocket:
        websocket.send(json.dumps({'type': 'auth', 'token': token_}))
        answer = json.loads(websocket.recv(PATIENCE))
        assert answer['type'] == 'connection.established' or answer['error_code'] == 'WS-001'
        if answer['type'] == 'connection.established' and answer['data']['role'] == 'operator':
            websocket.send('{"type":"emergency_stop"}')
            assert json.loads(websocket.recv(PATIENCE))['data']['accepted'] is True


def command_line(pick, client, directory):
    """Run `oht50` with an arbitrary argument."""
    said = argument(pick)
    options = ['--state-dir', directory]
    stop = pick.random() < 0.5
    command = (
        ['call', 'emergency_stop', b'reason=' + said, said, '--url', client.url, *options]
        if stop
        else ['token', '--role', 'viewer', b'--subject=' + said, *options]
    )
    done = subprocess.run([*OHT50, *command], capture_output=True, timeout=300)
    output = (done.stdout + done.stderr).decode()
    assert 'Traceback' not in output, (command, output)
    check_harmless(output)
    if stop and not said.startswith(b'-'):
        assert done.returncode == 0 and json.loads(done.stdout)['accepted'] is True, output
    assert done.returncode in (0, 1, 2), output


def argument(pick):
    """The bytes of an argument; they need not be UTF-8."""
    value = text(pick).replace('\x00', '').encode('utf-8', 'surrogatepass')
    return value + pick.choice([b'', b'\xf6', b'\xff', b'\xed\xa0\x80'])


@pytest.mark.processes
def test_no_text_harms_the_bridge_or_its_log(tmp_path):
    pick = random.Random(new_seed())
    counts = {'messages': 0, 'stops': 0, 'tokens': 0, 'command lines': 0}
    with nodes(tmp_path, ['safety_node', 'bridge_node']) as (started, port):
        own = token(tmp_path)
        secret = (tmp_path / 'jwt_secret').read_bytes().strip()
        client = wait_for_client(port, own, started['bridge_node'])
        wait_for(lambda: stopped(client), 120.0, what='safety_node serves')
        until = time.monotonic() + SECONDS
        while time.monotonic() < until or not all(counts.values()):
            sent = message(pick)
            counts['messages'] += 1
            if is_stop(sent):
                counts['stops'] += 1
                client.stop(sent)
            else:
                provoke(client, sent)
            if counts['messages'] % 10 == 0:
                counts['tokens'] += 1
                say_token(client, forged(pick, secret))
            if counts['messages'] % MESSAGES_PER_COMMAND_LINE == 0:
                counts['command lines'] += 1
                command_line(pick, client, tmp_path)
        client.stop('{"type":"emergency_stop"}')
        for node in started.values():
            check_log(node)
        client.close()
        for node in started.values():
            assert node.stop() == 0
        check_audit(tmp_path / 'audit.jsonl')
    print(', '.join(f'{count} {name}' for name, count in counts.items()))


@pytest.mark.processes
def test_no_text_harms_who_watches(tmp_path):
    pick = random.Random(new_seed())
    errors, lines = tmp_path / 'errors', tmp_path / 'lines'
    script = Path(__file__).with_name('echo_gateway.py')
    path = os.pathsep.join([str(script.parents[1]), str(script.parents[2])])
    with contextlib.ExitStack() as stack:

        def start(command, environment, **streams):
            process = subprocess.Popen(command, env=os.environ | environment, **streams)
            stack.callback(process.wait, 30)
            stack.callback(process.kill)
            return process

        said = [stack.enter_context(file.open('wb')) for file in (errors, lines)]
        server = start(
            [sys.executable, script], {'PYTHONPATH': path}, stdout=subprocess.PIPE, stderr=said[0]
        )
        at = json.loads(server.stdout.readline())
        client = Client(at['port'], at['admin'])
        watch = [*OHT50, 'watch', client.url]
        # pytest-xdist sets the size of a terminal.
        size = {'COLUMNS': '160', 'LINES': '60'}
        viewer = {'OHT50_TOKEN': at['viewer'], 'TERM': 'xterm', **size}
        own, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 60, 160, 0, 0))
        screen = Screen(own)
        watching = [
            start(watch, viewer, stdin=terminal, stdout=terminal, stderr=terminal),
            start(watch, viewer, stdout=said[1], stderr=said[1]),
        ]
        os.close(terminal)
        outputs = {'screen': screen.text, 'lines': lambda: lines.read_text()}

        def shown(what):
            for name, output in outputs.items():
                wait_for(lambda output=output: what in output(), 120.0, what=f'{name}: {what}')

        count = 0
        client.publish('the first [/one]')
        shown('the first [/one]')
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            client.publish(text(pick))
            count += 1
            time.sleep(0.02)  # so that the screen shows most of them
        client.publish('the last [/one]')
        shown('the last [/one]')
        assert [process.poll() for process in watching] == [None, None]
        server.stdout.close()
        client.close()
    check_harmless(screen.text())
    assert 'Traceback' not in screen.text()
    for line in lines.read_text().split('\n'):
        check_harmless(line)
        assert not line.startswith('{') or json.loads(line)
    assert errors.read_text() == ''
    print(f'{count} texts on a screen and in lines')


def provoke(client, sent):
    """Send a message that is no stop, and read what comes until it is answered."""
    try:
        client.say(sent)
        client.say({'type': 'ping', 'request_id': 'after'})
        while True:
            answer = client.answer()
            assert 'internal error' not in str(answer), (sent, answer)
            if answer.get('request_id') == 'after':
                return
    except ConnectionClosed:
        client.connect()  # too fast, or too large


def wait_for_client(port, own, bridge):
    def client():
        assert bridge.process.poll() is None, bridge.log.read_text()
        try:
            return Client(port, own)
        except OSError:
            return None

    return wait_for(client, 120.0, what='the bridge serves')


def stopped(client):
    client.say({'type': 'emergency_stop', 'reason': 'first'})
    answer = client.answer()
    return answer['type'] == 'command.result' and answer['data']['accepted']

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
"""Arbitrary state files: against every store, and against nodes as processes of their own."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import asdict
from tempfile import TemporaryDirectory

import pytest
from fuzz.seconds import SECONDS
from fuzz.seconds import new_seed
from support import ROOT
from support import free_port
from support import listens
from support import own_domain
from support import wait_for

from oht50_bridge.bringup.boards import open_lock
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.process import module_command
from oht50_bridge.bringup.state_check import state_faults
from oht50_bridge.gateway.audit.chain import LogPosition
from oht50_bridge.gateway.audit.chain import encode
from oht50_bridge.gateway.audit.chain import encode_anchor
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.gateway.auth.claims import TokenType
from oht50_bridge.gateway.auth.keys import KeyFiles
from oht50_bridge.gateway.auth.refresh_store import RefreshStore
from oht50_bridge.gateway.auth.revocations import RevocationFile
from oht50_bridge.state_file import UnreadableError
from oht50_bridge.text import shown
from oht50_bridge.vehicle.config_store import ConfigStore
from oht50_bridge.vehicle.config_store import StoreError
from oht50_bridge.vehicle.estop import EstopLatch
from oht50_bridge.vehicle.journal import Journal
from oht50_bridge.vehicle.journal import MissionRecord
from oht50_bridge.vehicle.maintenance import MaintenanceLock

HANG = 60.0  # s; none of the stores takes a second, but a busy machine may take many
NOW = 2_000_000_000.0

STOP = {
    'estop_id': 'estop-1',
    'trigger_type': 'remote',
    'reason': 'drill',
    'source': 'ann',
    'stamp': 1,
    'counter': 3,
}
RECORD = {
    'config_id': 'config-1',
    'version': '2.0.1',
    'stamp': 1,
    'source': 'ann',
    'nodes': ['safety_node'],
    'before': {'speed_limit': 1.0},
    'values': {'speed_limit': 0.5, 'zones': ['a', 'b']},
    'status': 'applied',
}
#: Whole files by their place in the state directory.
FILES = {
    'estop.json': {'counter': 3, 'stops': [STOP]},
    'maintenance.json': {'owners': ['ann', 'bob']},
    'mission.json': asdict(MissionRecord('m', 'transport', 5.0, 1.0, 2.0, 0, '', 3.0)),
    'config/2.0.1.json': RECORD,
    'revoked.json': {'subjects': {'ann': 1e9}, 'tokens': {'t': 3e9}, 'everybody': 0.0},
    'refresh_tokens.json': {'not_before': 0.0, 'families': {'f': ['t', 3e9], 'g': [None, 3e9]}},
    'audit.jsonl.anchor': encode_anchor(LogPosition(1, 'ab' * 32)),
    'audit.jsonl': encode({'time': '2026-11-23T10:30:00Z', 'what': 'x'}, LogPosition())[0],
    'jwt_secret': b'0123456789abcdef' * 3,
    'lock': b'',
}
HOSTILE = [
    None,
    True,
    False,
    0,
    -1,
    0.5,
    2**31,
    2**63,
    2**64,
    10**400,
    1e308,
    -1e308,
    float('nan'),
    float('inf'),
    '',
    '\x1b]52;c;eA==\x07',
    '\r\n[ERROR] forged',
    '\ud800',
    'x' * 100_000,
    [],
    {},
    [[]],
    {'': {}},
    list(range(1000)),
]


class Fuzz:
    """Makes content for state files."""

    def __init__(self, seed):
        self.chance = random.Random(seed)

    def mutated(self, value):
        """Return a document with one or more of its parts replaced, removed or added."""
        chance = self.chance
        if chance.random() < 0.15:
            return chance.choice(HOSTILE)
        if isinstance(value, dict) and value:
            result = dict(value)
            name = chance.choice(list(result))
            match chance.randrange(5):
                case 0:
                    del result[name]
                case 1:
                    result[chance.choice(['more', name.upper(), '\x1b[2J', '\ud800'])] = 1
                case _:
                    result[name] = self.mutated(result[name])
            return result
        if isinstance(value, list) and value:
            result = list(value)
            place = chance.randrange(len(result))
            match chance.randrange(4):
                case 0:
                    del result[place]
                case 1:
                    result += [result[place]] * chance.choice([1, 100])
                case _:
                    result[place] = self.mutated(result[place])
            return result
        return chance.choice(HOSTILE)

    def content(self, whole):
        """Return bytes that resemble a whole file more or less."""
        chance = self.chance
        is_json = not isinstance(whole, bytes)
        document = whole
        if is_json:
            for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
                document = self.mutated(document)
        data = json.dumps(document).encode() if is_json else whole
        match chance.randrange(10):
            case 0:
                data = data[: chance.randrange(len(data) + 1)]
            case 1:
                data = chance.randbytes(chance.choice([0, 1, 10, 1000]))
            case 2:
                data = bytearray(data)
                for _ in range(chance.randrange(1, 6)):
                    if data:
                        data[chance.randrange(len(data))] = chance.randrange(256)
                data = bytes(data)
            case 3:
                text = data.decode(errors='replace')
                data = text.encode(chance.choice(['utf-16', 'utf-32', 'utf-8-sig', 'utf-7']))
            case 4:
                opening = chance.choice([b'[', b'{"a":', b'[{"a":'])
                data = opening * chance.choice([10, 1000, 100_000]) + data
            case 5 if data[:1] == b'{' and len(data) > 2:
                data = data[:-1] + b',' + data[1:]  # every name twice
            case 6:
                data = data * chance.choice([2, 1000])
            case 7:
                data = data.replace(b'1', chance.choice([b'1e999', b'-1', b'9' * 5000, b'NaN']))
        return data

    def put(self, path, whole):
        """Put something where a state file belongs."""
        path.parent.mkdir(parents=True, exist_ok=True)
        match self.chance.randrange(16):
            case 0:
                path.mkdir()
                (path / 'more').touch()
            case 1:
                os.mkfifo(path)
            case 2:
                path.symlink_to(self.chance.choice([path.name, 'nowhere', '/dev/zero', '/']))
            case 3:
                # The name of a socket has at most 107 bytes.
                with socket.socket(socket.AF_UNIX) as bound, TemporaryDirectory() as short:
                    bound.bind(f'{short}/socket')
                    shutil.move(f'{short}/socket', path)
            case _:
                path.write_bytes(self.content(whole))
                path.chmod(self.chance.choice([0o600, 0o600, 0o600, 0o644, 0o666, 0o000]))


def is_json(path):
    """Return the document of a regular file, None if it has none."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        if path.is_file():
            return json.loads(path.read_bytes())
    return None


def check_latch(path):
    document = is_json(path)
    latch = EstopLatch(path, time.time_ns)
    if latch.estop is None:
        assert document['stops'] == [], 'only a file that says so is no stop'
    latch.save()
    for estop in EstopLatch(path, time.time_ns).stops:
        assert estop.estop_id
        assert 0 <= estop.counter < 2**63
    if latch.estop is not None:
        assert latch.clear(latch.estop.estop_id)
        assert EstopLatch(path, time.time_ns).estop is None


def check_maintenance(path):
    document = is_json(path)
    lock = MaintenanceLock(path)
    assert lock.locked or document == {'owners': []}
    assert MaintenanceLock(path).owners == lock.owners
    lock.release('carol', override=True)
    assert not MaintenanceLock(path).locked


def check_mission(path):
    journal = Journal(path)
    try:
        record = journal.load()
    except UnreadableError as error:
        assert str(error).isprintable()
        record = None
    if record is not None:
        assert not record.duration < 0.0
        assert record.mission_id
        journal.save(record)
        journal.load()


def check_config(path):
    try:
        store = ConfigStore(path.parent, '2.0')
    except StoreError as error:
        assert 'move the directory away' in str(error), 'of another major version'
        return
    assert store.in_force.version == '2.0.0' or not store.faults
    assert store.doubt or not store.faults
    assert all(fault.isprintable() for fault in store.faults)
    record = store.begin({}, {}, [], 'ann')
    store.confirm(record)
    assert not ConfigStore(path.parent, '2.0').doubt


def check_revocations(path):
    document = is_json(path)
    file = RevocationFile(path, wall=lambda: NOW)
    old = Claims('somebody', 'viewer', NOW + 60, TokenType.ACCESS, NOW - 1.0)
    new = Claims('somebody', 'viewer', NOW + 60, TokenType.ACCESS, NOW + 1.0)
    if file.revocations.everybody == NOW:
        assert file.revocations.cover(old)
        assert not file.revocations.cover(new)
    else:
        assert set(document) >= {'subjects', 'tokens'}
    file.reload()


def check_refresh(path):
    document = is_json(path)
    store = RefreshStore(path, wall=lambda: NOW)
    assert store.not_before == NOW or set(document) == {'not_before', 'families'}
    store.is_current('f', 't')
    store.close()
    again = RefreshStore(path, wall=lambda: NOW + 1.0)
    assert again.not_before == store.not_before, 'it is written'
    again.close()


def check_audit(path):
    audit = AuditWriter(path.with_name('audit.jsonl'))
    audit.record('fuzz')
    audit.close()
    assert audit.lost == 0
    assert b'"fuzz"' in path.with_name('audit.jsonl').read_bytes()


def check_secret(path):
    for key in KeyFiles(path, strict=False).keys:
        assert len(key.material) >= 32


def check_lock(path):
    with contextlib.suppress(BringUpError, OSError):
        open_lock(path).close()


CHECKS = {
    'estop.json': check_latch,
    'maintenance.json': check_maintenance,
    'mission.json': check_mission,
    'config/2.0.1.json': check_config,
    'revoked.json': check_revocations,
    'refresh_tokens.json': check_refresh,
    'audit.jsonl.anchor': check_audit,
    'audit.jsonl': check_audit,
    'jwt_secret': check_secret,
    'lock': check_lock,
}


def clear(directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()


def test_no_store_breaks_on_an_arbitrary_file(tmp_path, caplog, monkeypatch):
    """And what a node puts aside is reported before by `oht50 doctor`."""
    seed = new_seed()
    fuzz = Fuzz(seed)
    directory = tmp_path / 'state' / 'domain-0'
    directory.parent.mkdir()
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path / 'xdg'))
    monkeypatch.setenv('OHT50_REVOCATIONS_FILE', str(directory / 'revoked.json'))
    end = time.monotonic() + SECONDS
    count = 0
    while time.monotonic() < end:
        name = fuzz.chance.choice(list(CHECKS))
        clear(directory)
        path = directory / name
        fuzz.put(path, FILES[name])
        began = time.monotonic()
        try:
            reported = [str(fault) for fault in state_faults(directory.parent)]
            assert all(text.isprintable() for text in reported)
            assert not list(directory.rglob('*.unreadable-*')), 'it is left where it is'
            CHECKS[name](path)
            if list(directory.rglob(f'{path.name}.unreadable-*')):
                assert reported or name in ('audit.jsonl', 'audit.jsonl.anchor')
        except Exception as error:
            kept = tmp_path / 'failed'
            shutil.copytree(directory, kept, symlinks=True, ignore_dangling_symlinks=True)
            raise AssertionError(f'seed {seed}, input {count}: {name}, kept in {kept}') from error
        assert time.monotonic() - began < HANG, f'seed {seed}, input {count}: {name}'
        count += 1
        for record in caplog.records:
            assert record.getMessage() == shown(record.getMessage())
            assert record.exc_info is None, record.getMessage()
        caplog.clear()
    print(f'{count} state files, seed {seed}')


NODES = ('safety_node', 'config_node', 'mission_node', 'bridge_node')
READING = 3.0  # s after the bridge listens, for the other nodes to have read their files
CONTROL = re.compile(r'[\x00-\x09\x0b-\x1f\x7f-\x9f]')


@pytest.mark.processes
def test_no_node_dies_of_arbitrary_files(tmp_path, monkeypatch):
    seed = new_seed()
    fuzz = Fuzz(seed)
    end = time.monotonic() + SECONDS
    rounds = files = 0
    with own_domain() as domain:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        while rounds == 0 or time.monotonic() < end:
            directory = tmp_path / 'state'
            clear(directory)
            for name, whole in FILES.items():
                if fuzz.chance.random() < 0.8:
                    fuzz.put(directory / name, whole)
                    files += 1
            run_nodes(directory, tmp_path, f'seed {seed}, round {rounds}')
            rounds += 1
    print(f'{files} state files in {rounds} rounds of 4 nodes, seed {seed}')


def run_nodes(directory, tmp_path, where):
    """Start nodes with a state directory, see that they run, and end them."""
    port = free_port()
    processes = {}
    try:
        for name in NODES:
            with (tmp_path / f'{name}.log').open('wb') as log:
                processes[name] = subprocess.Popen(
                    [
                        *module_command('oht50_bridge.nodes'),
                        name,
                        '--ros-args',
                        '-r',
                        '__ns:=/oht50',
                        '-p',
                        f'state_dir:={directory}',
                        # What a file says of a node overrides `-p`.
                        *(
                            ('-p', f'port:={port}')
                            if name == 'bridge_node'
                            else ('--params-file', str(ROOT / 'config' / 'vehicle.yaml'))
                        ),
                    ],
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

        def alive():
            for name, process in processes.items():
                text = (tmp_path / f'{name}.log').read_text(errors='replace')
                assert process.poll() is None, f'{where}: {name}: {process.poll()}\n{text}'
            return True

        wait_for(lambda: alive() and listens(port), 240.0, f'{where}: bridge_node')
        read = time.monotonic() + READING
        wait_for(lambda: alive() and time.monotonic() > read, 60.0, 'they have read', 0.1)
        for process in processes.values():
            process.send_signal(signal.SIGINT)
        for name, process in processes.items():
            text = (tmp_path / f'{name}.log').read_text(errors='replace')
            assert process.wait(60) == 0, f'{where}: {name}\n{text}'
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    for name in processes:
        text = (tmp_path / f'{name}.log').read_text()
        assert 'Traceback' not in text, f'{where}: {name}\n{text}'
        assert not CONTROL.search(text), f'{where}: {name}\n{text!r}'

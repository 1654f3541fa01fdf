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
"""Arbitrary parameter files and command lines: an answer of printable lines, and nothing else."""

import contextlib
import io
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fuzz.seconds import SECONDS
from fuzz.seconds import new_seed

from oht50_bridge.bringup.declared import declare_all
from oht50_bridge.bringup.parameter_check import read_parameters
from oht50_bridge.bringup.parameters import write_parameters
from oht50_bridge.bringup.supervisor import Supervisor
from oht50_bridge.cli.main import main
from oht50_bridge.nodes import NODES
from oht50_bridge.paths import config_dir

LONGEST = 5.0  # s of processor time, of one answer in this process
USAGE = 2  # exit code of argparse
ANSWERS = {0, 1, USAGE, os.EX_CONFIG}

OHT50 = [sys.executable, '-m', 'oht50_bridge.cli.main']
ROOT = Path(__file__).resolve().parent.parent.parent

SCALARS = [
    '0', '1', '-1', '0.5', '1e3', '.nan', '-.inf', '1e999', '9' * 40, '010', '0x10', '1_000',
    '1:30', '"50"', "'a'", '', '~', 'null', 'true', 'N', 'off', 'fast', '"\\e[2J"', '"\\ud800"',
    '"\\0"',
    '"[/x]"', '\u202e', '\xe4', '!!float 1', '!x y', '&a 1', '*a', '|\n      a', '>-\n      b',
    '%', '@', '`', '{}', '[]', '[1, 2]', '[1, "a", true]', '[[1]]', '{a: 1}', '? 1', '- 1', '<<',
    'a: b: c', 'high', 'low', 'pull_up', 'travel_motor', 'drive', '"a" b', '#',
    'x' * 2000, '2026-11-23', '=',
]  # fmt: skip
# Those after which a file can be read on, so that not every file ends at its first one.
LEGAL = [each for each in SCALARS if not re.match(r'[!&*|>%@`{?]|- |\[\[|a: b|"a" b|"\\\\0', each)]
SECTIONS = [
    '/**', '/*', '/**/*', '/oht50/*', *(f'/**/{node}' for node in NODES), 'safety_node',
    '/other/x', 'ros__parameters', '""', '?', '"\\e"', '/' * 50, '/**' * 40, '[a]', '~',
    '/**/safety_nod',
]  # fmt: skip
NAMES = sorted(
    {name for node in NODES for name in declare_all(node, {}).types}
    | {'module.travel_motor.max_speed', 'module.power.address', 'line.drive.parity', 'module', 'x'}
    | {'item.max_jerk.type', 'a.b.c.d', '.', '..', 'line.', 'config_version', 'rate\t'}
)
SHIPPED = (config_dir() / 'vehicle.yaml').read_bytes()


def rng():
    return random.Random(new_seed())


def rounds(what):
    """Count until the time is over, and print how many there were."""
    end = time.monotonic() + SECONDS
    count = 0
    while time.monotonic() < end:
        yield count
        count += 1
    print(f'{what}: {count} inputs in {SECONDS:g} s')


def noise(draw):
    return draw.randbytes(draw.randrange(200))


def mutated(draw):
    """The shipped file with a few changes of bytes or lines."""
    content = SHIPPED
    for _ in range(draw.randint(1, 6)):
        at, size = draw.randrange(len(content)), draw.randrange(40)
        kind = draw.randrange(5)
        if kind == 0:
            content = content[:at] + noise(draw)[:size] + content[at + size :]
        elif kind == 1:
            content = content[:at] + content[at + size :]
        elif kind == 2:
            lines = content.split(b'\n')
            lines.insert(draw.randrange(len(lines)), draw.choice(lines))
            content = b'\n'.join(lines)
        elif kind == 3:
            numbers = list(re.finditer(rb'\b[0-9]+\.[0-9]+\b', content))
            if numbers:
                start, stop = draw.choice(numbers).span()
                scalar = draw.choice(SCALARS).encode('utf-8', 'replace')
                content = content[:start] + scalar + content[stop:]
        else:
            content = content[:at] + draw.choice(b'{}[]:,"#&*!|>%@\t-?~').to_bytes(1, 'big') + (
                content[at:]
            )  # fmt: skip
    return content


def written(draw):
    """Sections, names and values that mean something, in any combination."""
    text = ''
    for _ in range(draw.randint(1, 4)):
        text += f'{draw.choice(SECTIONS)}:\n  {draw.choice(["ros__parameters"] * 9 + ["x"])}:\n'
        for _ in range(draw.randint(0, 4)):
            scalar = draw.choice(SCALARS if draw.random() < 0.05 else LEGAL)
            text += f'    {draw.choice(NAMES)}: {scalar}\n'
    return text.encode('utf-8', 'surrogatepass')


def plausible(draw):
    """What a person might write: one to three values of one node."""
    node = draw.choice(NODES)
    names = sorted(declare_all(node, {}).types)
    text = f'/**/{node}:\n  ros__parameters:\n'
    for name in draw.sample(names, draw.randint(1, 3)):
        text += (
            f'    {name}: {draw.choice(["1", "0.4", "0", "true", "N", "[1]", "[0, 2.5]", "a"])}\n'
        )
    return text.encode()


def answer(arguments):
    """Run a command in this process; return its exit code, its output judged."""
    out = io.StringIO()
    # As that of a process, which can print every text.
    err = io.TextIOWrapper(io.BytesIO(), 'utf-8', 'backslashreplace', write_through=True)
    began = time.process_time()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as error:  # of argparse
            code = error.code
    judged(code, out.getvalue(), err.buffer.getvalue().decode(), arguments)
    assert time.process_time() - began < LONGEST, arguments
    return code


def judged(code, out, err, arguments):
    assert code in ANSWERS, (code, arguments, err)
    for text in (out, err):
        assert 'Traceback' not in text, arguments
        assert all(line.isprintable() for line in text.split('\n')), (arguments, text)
    assert len(err.splitlines()) < 60, arguments


@pytest.mark.parametrize('make', [noise, mutated, written, plausible])
def test_files(make, tmp_path, capsys):
    draw = rng()
    path = tmp_path / 'params.yaml'
    taken = 0
    for _ in rounds(make.__name__):
        content = make(draw)
        path.write_bytes(content)
        code = answer(['params', 'check', str(path), *draw.choice([[], ['--sim']])])
        assert code in (0, os.EX_CONFIG), content
        if code == 0:
            taken += 1
            if taken % 10 == 1:
                taken_as_it_is_meant(path, tmp_path)
    with capsys.disabled():
        print(f'({taken} of them taken)', end=' ')


def taken_as_it_is_meant(path, directory):
    """What is written for a node is what rosless, as ROS 2, reads, in value and type."""
    vehicle = read_parameters(path, simulated=True)
    for node in NODES:
        values = vehicle.given(node)
        own = write_parameters(directory, '/oht50', node, values)
        with contextlib.suppress(ImportError):  # a real rclpy reads in C
            from rclpy._parameter_values import read_parameter_file

            read = {each.name: each.value for each in read_parameter_file(str(own))}
            assert read == values
            assert {n: type(v) for n, v in read.items()} == {n: type(v) for n, v in values.items()}


OPTIONS = [
    '--params', '--namespace', '--host', '--port', '--state-dir', '--domain', '--log-level',
    '--tls-cert', '--tls-key', '--insecure', '--sim', '--serial', '--keys', '--discovery', '--',
    '--issuer', '--x', '-h', 'check',
]  # fmt: skip
WORDS = [
    '', '0', '-1', '8000', '65536', '99999999999999999999', '\u0663', '/oht50', '/replay/x', 'x',
    '127.0.0.1', '::1', '[::1]', '999.1.1.1', 'a' * 300, '\x1b[2J', '\udcff', 'a\nb', '/dev/null',
    '/dev/zero', '/proc/self/mem', '~nobody/x', '~', '.', '/', 'info', 'localhost', '%s', '{x}',
    '\0', '/oht50\n', '/\u0663', '/a' * 200,
]  # fmt: skip


@pytest.mark.parametrize('command', ['up', 'params'])
def test_command_lines(command, tmp_path, monkeypatch):
    """All that `oht50 up` does before it starts something."""
    monkeypatch.setattr(Supervisor, 'run', lambda self: self._check())
    monkeypatch.setenv('XDG_STATE_HOME', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    draw = rng()
    for _ in rounds(command):
        arguments = [command, *(['check'] if command == 'params' else [])]
        for _ in range(draw.randint(0, 5)):
            arguments += [draw.choice(OPTIONS), *draw.sample(WORDS, draw.randint(0, 1))]
        answer(arguments)


@pytest.mark.processes
def test_processes(tmp_path):
    """The same as real processes, and `oht50 up` with files that are refused."""
    draw = rng()
    path = tmp_path / 'params.yaml'
    for _ in rounds('processes'):
        content = draw.choice([noise, mutated, written])(draw)
        path.write_bytes(content)
        done = run(['params', 'check', str(path)])
        if done.returncode == os.EX_CONFIG:
            state = tmp_path / 'state'
            arguments = ['up', '--sim', '--params', str(path), '--state-dir', str(state)]
            assert run(arguments).returncode == os.EX_CONFIG
            assert not state.exists()


def run(arguments):
    done = subprocess.run(
        [*OHT50, *arguments], capture_output=True, text=True, timeout=600, cwd=ROOT
    )
    judged(done.returncode, done.stdout, done.stderr, arguments)
    return done

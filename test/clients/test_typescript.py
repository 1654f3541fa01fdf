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
"""The TypeScript client: its own tests, its types, its package, the examples of its documents."""

import json
import re
import subprocess
import sys

import pytest
from clients.javascript import CLIENT
from clients.javascript import MODULES
from clients.javascript import NODE
from clients.javascript import NPM
from clients.javascript import PROGRAMS
from clients.javascript import ROOT
from clients.javascript import compiled
from clients.javascript import node
from clients.javascript import run

pytestmark = [pytest.mark.processes, pytest.mark.no_cover]

DOCUMENTS = [CLIENT / 'README.md', ROOT / 'docs' / 'clients.md']
URL = 'ws://127.0.0.1:8000/ws/telemetry'
TOKEN = 'eyJ...'


def test_its_own_tests():
    compiled(CLIENT / 'test')
    tests = sorted((CLIENT / 'build').glob('*.test.js'))
    # What was compiled of a test that is no more is not run.
    names = {path.name.removesuffix('.ts') for path in (CLIENT / 'test').glob('*.test.ts')}
    tests = [path for path in tests if path.name.removesuffix('.js') in names]
    assert len(tests) == len(names) > 5
    result = node('--test', *tests)
    assert result.returncode == 0, result.stdout[-10_000:] + result.stderr
    assert re.search(r'^. pass ([5-9]\d|\d{3,})$', result.stdout, re.MULTILINE), result.stdout


def test_types_are_those_of_the_document():
    made = node(CLIENT / 'tools' / 'generate.mjs', '--print')
    assert made.returncode == 0, made.stderr
    kept = (CLIENT / 'src' / 'protocol.ts').read_text()
    assert made.stdout == kept, 'run `npm run generate --workspace oht50-client`'


def test_sources_have_the_licence_and_stay_small():
    sources = [
        path
        for folder in (CLIENT / 'src', CLIENT / 'test', CLIENT / 'tools', PROGRAMS)
        for path in (*folder.glob('*.ts'), *folder.glob('*.mjs'))
    ]
    assert len(sources) > 30
    for path in sources:
        lines = path.read_text().splitlines()
        assert lines[0] == '// Copyright 2026 The oht50_bridge Authors', path
        assert len(lines) <= 500 or path.name == 'protocol.ts', path


@pytest.mark.slow
def test_sources_are_formatted():
    result = node(MODULES / 'prettier' / 'bin' / 'prettier.cjs', '--check', '.', cwd=ROOT)
    assert result.returncode == 0, f'run `make format`: {result.stderr}'
    assert 'All matched files' in result.stdout


@pytest.fixture(scope='module')
def package(tmp_path_factory):
    """The package as it would be published."""
    compiled(CLIENT)
    folder = tmp_path_factory.mktemp('package')
    result = run(NPM, 'pack', CLIENT, '--ignore-scripts', '--json', cwd=folder)
    assert result.returncode == 0, result.stderr
    (packed,) = json.loads(result.stdout)
    return folder / packed['filename'], [each['path'] for each in packed['files']]


def test_the_package_has_what_it_needs(package):
    files = set(package[1])
    assert {'package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'} <= files
    strange = {name for name in files if not re.search(r'^dist/[a-z]+(\.d\.ts|\.js)$', name)}
    assert strange == {'package.json', 'README.md', 'LICENSE'}
    manifest = json.loads((CLIENT / 'package.json').read_text())
    assert 'dependencies' not in manifest and manifest['sideEffects'] is False
    assert (CLIENT / 'LICENSE').read_text() == (ROOT / 'LICENSE').read_text()


@pytest.mark.slow
def test_publint_finds_nothing(package):
    result = node(MODULES / 'publint' / 'src' / 'cli.js', 'run', package[0], '--strict')
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'All good!' in result.stdout


@pytest.mark.slow
def test_types_resolve_for_those_who_import_it(package):
    # ESM only: what Node 20.19 and later can `require`.
    program = MODULES / '@arethetypeswrong' / 'cli' / 'dist' / 'index.js'
    result = node(program, package[0], '--profile', 'esm-only', '--no-emoji', '--no-color')
    assert result.returncode == 0, result.stdout + result.stderr
    assert 'OK (ESM)' in result.stdout
    result = node('-p', 'typeof require("oht50-client").Oht50Client', cwd=PROGRAMS)
    assert result.stdout == 'function\n', result.stderr


# The examples


def examples():
    """Return the programs in the documents, by name."""
    blocks = {}
    for path in DOCUMENTS:
        programs = re.findall(r'^```ts\n(.*?)^```$', path.read_text(), re.MULTILINE | re.DOTALL)
        blocks |= {f'{path.stem.lower()}-{n}': text for n, text in enumerate(programs, 1)}
    return blocks


EXAMPLES = examples()
PRINTED = {
    'readme-1': ['connecting', 'authenticating', 'restoring', 'live', '1250.5 mm', 'closed'],
    'clients-1': ['started'],
    'clients-2': ['m-1 success'],
    'clients-3': ['stopped after'],
    'clients-4': ['a token is needed: first', 'operator '],
}


class Bridge:
    """A bridge behind the controller of the scenarios."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, PROGRAMS / 'controller.py'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = json.loads(self._process.stdout.readline())['url']
        self.act('start')
        self.token = self.act('token')['token']

    def act(self, name, **fields):
        """Have an act done."""
        self._process.stdin.write(json.dumps({'act': name, **fields}) + '\n')
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer['ok'], answer
        return answer

    def publish(self, kind, **data):
        """Publish one event."""
        self.act('publish', type=kind, data=data)

    def close(self):
        """End it."""
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@pytest.fixture(scope='module')
def bridge():
    bridge = Bridge()
    yield bridge
    bridge.close()


@pytest.fixture(scope='module')
def programs(bridge):
    """The folder with the compiled examples, with an address and a token that are real."""
    folder = ROOT / 'build' / 'examples'
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob('*.ts'):
        old.unlink()
    for name, text in EXAMPLES.items():
        program = text.replace(URL, bridge.url).replace(TOKEN, bridge.token)
        (folder / f'{name}.ts').write_text(program)
    (folder / 'token.txt').write_text(bridge.token + '\n')
    (folder / 'package.json').write_text('{"type": "module"}')
    options = {'outDir': 'out', 'rootDir': '.', 'types': ['node', 'ws'], 'composite': False}
    settings = {
        'extends': '../../clients/typescript/tsconfig.json',
        'compilerOptions': {**options, 'declaration': False},
        'include': ['*.ts'],
    }
    (folder / 'tsconfig.json').write_text(json.dumps(settings))
    compiled(CLIENT, folder)
    return folder


@pytest.mark.parametrize('name', EXAMPLES)
def test_example(name, bridge, programs):
    bridge.publish('telemetry.realtime')
    program = subprocess.Popen(
        [NODE, programs / 'out' / f'{name}.js'],
        cwd=programs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(300):
        bridge.publish('mission.completed', mission_id='m-1')
        try:
            out, err = program.communicate(timeout=0.1)
            break
        except subprocess.TimeoutExpired:
            continue
    else:
        program.kill()
        raise AssertionError(program.communicate())
    assert (program.returncode, err) == (0, ''), err
    lines = out.splitlines()
    assert len(lines) == len(PRINTED[name]), out
    for line, begin in zip(lines, PRINTED[name], strict=True):
        assert line.startswith(begin), out


def test_each_example_is_known():
    assert set(EXAMPLES) == set(PRINTED)

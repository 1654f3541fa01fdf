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
"""The page: its own tests, its types, and what the policy of the bridge asks of its sources."""

import gzip
import json
import re
import shlex

import pytest
from clients.javascript import CLIENT
from clients.javascript import MODULES
from clients.javascript import ROOT
from clients.javascript import compiled
from clients.javascript import node
from page.test_screenshots import IMAGE

from oht50_bridge.cli.main import main as cli
from oht50_bridge.gateway.page_files import read_page
from oht50_bridge.paths import page_dir

PAGE = ROOT / 'dashboard'
TSC = MODULES / 'typescript' / 'bin' / 'tsc'
#: Bytes in gzip of what a browser loads at first, and of what it loads when the page is in use.
MOST, LATER = 60_000, 30_000
#: Signs that DejaVu Sans has, the font that comes with fontconfig on Debian and Ubuntu. A browser
#: shows an empty box for a sign that no font of its machine has.
SIGNS = set('→⇥⊘■▲▶◆○◌●◐◔☰⚡✕\u2139')


def sources():
    """Return the sources by name."""
    return {path.relative_to(PAGE).as_posix(): path for path in (PAGE / 'src').rglob('*.ts')}


def test_each_sign_is_in_a_font_that_every_machine_has():
    files = [*PAGE.glob('*.html'), *(PAGE / 'src').rglob('*.ts'), *(PAGE / 'src').rglob('*.css')]
    written = set(''.join(path.read_text() for path in files))
    # Below are letters and punctuation.
    signs = {each for each in written if 0x2100 <= ord(each) < 0xFE00}
    assert {'●', '✕', '▲'} <= signs <= SIGNS, signs - SIGNS


def test_its_own_tests():
    compiled(CLIENT)
    result = node(TSC, '--project', PAGE / 'test')
    assert result.returncode == 0, result.stdout
    names = {path.name.removesuffix('.ts') for path in (PAGE / 'test').glob('*.test.ts')}
    tests = [PAGE / 'build' / 'test' / f'{name}.js' for name in sorted(names)]
    result = node('--test', *tests)
    assert result.returncode == 0, result.stdout[-10_000:] + result.stderr
    assert re.search(r'^. pass ([4-9]\d|\d{3,})$', result.stdout, re.MULTILINE), result.stdout


@pytest.mark.slow
def test_it_compiles_so_no_text_is_missing_in_either_language():
    compiled(CLIENT)
    result = node(TSC, '--noEmit', '--project', PAGE)
    assert result.returncode == 0, result.stdout


def test_sources_have_the_licence_and_stay_small():
    assert len(sources()) > 30
    for name, path in sources().items():
        lines = path.read_text().splitlines()
        assert lines[0] == '// Copyright 2026 The oht50_bridge Authors', name
        assert len(lines) <= 500, name


def test_decisions_know_no_page():
    for name, path in sources().items():
        if name.startswith('src/logic/'):
            found = re.search(
                r'\b(document|window|location|navigator|performance)\.', path.read_text()
            )
            assert not found, f'{name}: {found[0]}'


def test_nothing_is_made_of_text_that_the_policy_forbids():
    forbidden = re.compile(
        r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|style:'
    )
    for name, path in sources().items():
        found = forbidden.search(path.read_text())
        assert not found, f'{name}: {found[0]}'
    html = (PAGE / 'index.html').read_text()
    assert not re.search(r'<style|style=|\son[a-z]+=|<script(?![^>]*\bsrc=)', html)


def test_it_depends_on_the_client_and_the_library_for_charts_alone():
    manifest = json.loads((PAGE / 'package.json').read_text())
    assert set(manifest['dependencies']) == {'oht50-client', 'uplot'}


@pytest.mark.skipif(not (page_dir() / 'index.html').is_file(), reason='THE PAGE WAS NOT BUILT')
def test_what_is_loaded_at_first_is_small_and_comes_in_three_files():
    served = read_page(page_dir()).served
    html = served['/'].body.decode()
    first, later = {}, {}
    for path, each in served.items():
        sizes = first if path == '/' or path in html else later
        sizes[path] = len(gzip.compress(each.body))
    # Nobody has to load the notices.
    del later['/third-party.txt']
    assert len(first) == 3 and sum(first.values()) <= MOST, first
    assert len(later) == 1 and sum(later.values()) <= LATER, later


def test_make_run_starts_what_the_test_of_a_newcomer_does():
    rule = re.search(r'^run:.*\n\t(.*)$', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    assert rule[1] == '@exec $(VENV)/bin/oht50 up --sim $(RUN_ARGS)'


def test_the_readme_begins_with_the_page_and_how_to_open_it():
    title, image, words = (ROOT / 'README.md').read_text().split('\n\n')[:3]
    assert title == '# oht50_bridge'
    path = re.fullmatch(r'!\[.+\]\((docs/images/.+\.png)\)', image)
    assert path[1] == f'docs/images/{IMAGE}'
    assert words.startswith('`make run`, then open the link that it prints')


def test_the_readme_shows_the_image_that_is_made_anew():
    images = ROOT / 'docs' / 'images'
    assert {path.name for path in images.iterdir()} == {IMAGE}
    shown = re.findall(r'\((docs/images/[^)]+)\)', (ROOT / 'README.md').read_text())
    assert shown == [f'docs/images/{IMAGE}']
    assert (images / IMAGE).read_bytes().startswith(b'\x89PNG')


def documented():
    """Return the commands that docs/dashboard.md names, by their first word."""
    commands = {}
    for text in re.findall(r'`([^`\n]+)`', (ROOT / 'docs' / 'dashboard.md').read_text()):
        words = shlex.split(text) if re.match(r'(oht50|npm|make|bench/\S+\.py) ', text) else []
        if words:
            commands.setdefault(words[0], []).append(words[1:])
    return commands


def options_of(words):
    """Return the long options among words."""
    return set(re.findall(r'(?<![\w-])--[\w-]+', ' '.join(words)))


def test_the_commands_that_the_document_names_are_there(capsys):
    commands = documented()
    assert len(commands.pop('oht50')) >= 4
    for words in documented()['oht50']:
        with pytest.raises(SystemExit) as ended:
            cli([*words, '--help'])
        output = capsys.readouterr()
        assert ended.value.code == 0, (words, output.err)
        # The help is shown before an option that is none would be an error.
        assert options_of(words) <= options_of(output.out.split()), words
    scripts = json.loads((PAGE / 'package.json').read_text())['scripts']
    for verb, *words in commands.pop('npm'):
        script = words.pop(0) if verb == 'run' else verb
        assert words == ['-w', PAGE.name] and script in scripts, (verb, words)
    rules = re.findall(r'^([\w-]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    for rule, *settings in commands.pop('make'):
        assert rule in rules and settings == [], rule
    for program, given in commands.items():
        text = (ROOT / program).read_text()
        options = [word for words in given for word in words if word.startswith('--')]
        assert options and all(f"'{option}'" in text for option in options), program

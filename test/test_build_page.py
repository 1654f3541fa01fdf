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
"""The page: when it is built, with which Node, and what carries it."""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support import ROOT
from support import Background
from support import free_port
from support import own_domain
from support import wait_for

from oht50_bridge.bringup.process import module_command

pytestmark = [pytest.mark.processes, pytest.mark.slow]

#: Nothing listens there: what needs a network is refused at once.
NOWHERE = 'http://127.0.0.1:9'
#: Programs of the machine without Node.
PROGRAMS = ('cat', 'env', 'sh', 'sleep', 'uname')
BUILT = 'oht50_bridge/page/index.html'

needs_node = pytest.mark.skipif(
    not (ROOT / 'test' / 'clients' / 'node').exists(),
    reason='run `make clients`: it installs Node',
)


def locked(page, **packages):
    """Return the lock file of the workspace `dashboard`."""
    link = {'resolved': 'dashboard', 'link': True}
    own = {'': {'workspaces': ['dashboard']}, 'dashboard': page, 'node_modules/dashboard': link}
    return json.dumps({'lockfileVersion': 3, 'packages': {**own, **packages}})


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A machine with neither Node nor a network nor what was fetched earlier."""
    programs = tmp_path / 'programs'
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).symlink_to(shutil.which(name))
    for name in ('OHT50_NODE', 'PIP_FIND_LINKS', 'PIP_EXTRA_INDEX_URL', 'NO_PROXY', 'no_proxy'):
        monkeypatch.delenv(name, raising=False)
    for name in ('HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv('PIP_CONFIG_FILE', os.devnull)
    monkeypatch.setenv('PIP_NO_CACHE_DIR', '1')
    monkeypatch.setenv('npm_config_cache', str(tmp_path / 'npm'))
    monkeypatch.setenv('PATH', str(programs))
    return programs


@pytest.fixture
def with_node(offline, monkeypatch):
    """The same machine with Node."""
    monkeypatch.setenv('OHT50_NODE', str((ROOT / 'test' / 'clients' / 'node').resolve()))


@pytest.fixture
def project(tmp_path):
    """The tools with a small page, whose build needs no package."""
    root = tmp_path / 'project'
    for name, text in {
        'package.json': '{"private": true, "workspaces": ["dashboard"]}',
        'package-lock.json': locked({}),
        'dashboard/package.json': '{"name": "dashboard", "scripts": {"build": "node build.mjs"}}',
        'dashboard/build.mjs': """import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
mkdirSync('../oht50_bridge/page', { recursive: true });
writeFileSync('../oht50_bridge/page/index.html', readFileSync('index.html'));
""",
        'dashboard/index.html': '<title>1</title>',
        'oht50_bridge/version.py': "VERSION = '1'\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / 'tools').mkdir()
    for name in ('build_page.py', 'javascript.py'):
        shutil.copy(ROOT / 'tools' / name, root / 'tools')
    return root


def build(project, *options):
    """Run the tool; return its exit code and the lines that it wrote."""
    done = subprocess.run(
        [sys.executable, project / 'tools' / 'build_page.py', *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout.splitlines()


@needs_node
def test_it_is_built_once_and_again_after_a_change(project, with_node):
    installing, building = 'Installing the packages of package-lock.json …', 'Building the page …'
    assert build(project) == (0, [installing, building])
    page = project / BUILT
    assert page.read_text() == '<title>1</title>'
    assert build(project) == (0, [])
    (project / 'dashboard' / 'index.html').write_text('<title>2</title>')
    assert build(project) == (0, [building])
    assert page.read_text() == '<title>2</title>'
    (project / 'oht50_bridge' / 'version.py').write_text("VERSION = '2'\n")
    assert build(project) == (0, [building])
    with (project / 'package-lock.json').open('a') as lock:
        lock.write('\n')
    assert build(project) == (0, [installing, building])
    page.unlink()
    assert build(project) == (0, [building])


@needs_node
def test_wrong_sources_are_a_failure_and_are_built_once_they_are_right(project, with_node):
    script = project / 'dashboard' / 'build.mjs'
    right = script.read_text()
    script.write_text('import "./missing.mjs";')
    code, lines = build(project)
    assert code == 1
    assert 'The page was not built, its sources are wrong:' in lines
    assert any('ERR_MODULE_NOT_FOUND' in line for line in lines)
    script.write_text('')
    code, lines = build(project)
    assert (code, lines[-1]) == (1, f'It wrote no {project / BUILT}.')
    script.write_text(right)
    assert build(project) == (0, ['Building the page …'])


def test_without_node_and_network_one_line_says_what_is_missing(project, offline):
    code, lines = build(project)
    assert code == 0
    assert lines[0] == 'Installing Node from PyPI (about 60 MB, once) …'
    (line,) = lines[1:]
    assert line.startswith('The page was not built: no Node 20.19 or newer with npm on PATH, and ')
    assert line.endswith('For the page: `make setup` with Node 20.19 or newer, or with a network.')
    assert build(project, '--required')[0] == 1


@needs_node
def test_without_the_packages_an_older_page_stays(project, with_node):
    assert build(project)[0] == 0
    manifest = project / 'dashboard' / 'package.json'
    package = {'uplot': '1.6.32'}
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), 'dependencies': package}))
    fetched = {'version': '1.6.32', 'integrity': f'sha512-{"A" * 86}=='}
    lock = locked({'dependencies': package}, **{'node_modules/uplot': fetched})
    (project / 'package-lock.json').write_text(lock)
    code, lines = build(project)
    assert code == 0
    start = (
        'The page stays that of older sources: npm did not install the packages of package-lock.'
    )
    assert lines[1].startswith(start) and len(lines) == 2, lines
    assert (project / BUILT).exists()


@needs_node
def test_an_older_node_on_the_path_is_not_used(project, offline):
    old = offline / 'node'
    old.write_text('#!/bin/sh\nexit 1\n')  # as Node 18 answers the question for its version
    old.chmod(0o755)
    assert build(project)[1][0] == 'Installing Node from PyPI (about 60 MB, once) …'


def test_a_chosen_node_that_is_none_is_named(project, offline, monkeypatch):
    monkeypatch.setenv('OHT50_NODE', '/nonexistent/node')
    code, (line,) = build(project, '--required')
    assert code == 1
    assert 'OHT50_NODE=/nonexistent/node is not Node 20.19 or newer: correct or unset it' in line


def test_a_source_distribution_without_sources_of_the_page_starts_no_npm(project, offline):
    shutil.rmtree(project / 'dashboard')
    (project / BUILT).parent.mkdir()
    (project / BUILT).write_text('built')
    assert build(project, '--required') == (0, [])
    (project / BUILT).unlink()
    code, (line,) = build(project)
    assert code == 0
    assert line.startswith('The page was not built: the sources of the page, dashboard/, are not ')


@pytest.mark.long
def test_where_node_is_old_that_of_pypi_is_installed_once(project, offline, monkeypatch):
    for name in ('HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'):
        monkeypatch.delenv(name)
    monkeypatch.delenv('PIP_CONFIG_FILE')
    monkeypatch.delenv('PIP_NO_CACHE_DIR')
    code, lines = build(project)
    if 'none from PyPI' in lines[-1]:
        pytest.skip(lines[-1])
    installing = 'Installing Node from PyPI (about 60 MB, once) …'
    packages = 'Installing the packages of package-lock.json …'
    assert (code, lines) == (0, [installing, packages, 'Building the page …'])
    with (project / 'package-lock.json').open('a') as lock:
        lock.write('\n')
    assert build(project) == (0, [packages, 'Building the page …'])


# What is installed


def packed(folder, *command):
    """Run a command of setup.py; return the file that it made."""
    out = folder.parent / f'{folder.name}-{command[0]}'
    done = subprocess.run(
        [sys.executable, 'setup.py', '--quiet', *command, '--dist-dir', out],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = out.iterdir()
    return file


def served(wheel, folder):
    """Install a wheel, and start its bridge; return the status and the body of its page."""
    with zipfile.ZipFile(wheel) as zipped:
        zipped.extractall(folder / 'installed')
    port = free_port()
    parameters = {'port': port, 'state_dir': folder / 'state'}
    # Neither code nor page of this folder: it is not the current one.
    command = ['sh', '-c', 'cd "$0" && exec "$@"', folder, *module_command('oht50_bridge.nodes')]
    command += ['bridge_node', '--ros-args']
    for name, value in parameters.items():
        command += ['-p', f'{name}:={value}']

    def answered():
        assert bridge.process.poll() is None, bridge.log.read_text()
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
        with contextlib.closing(connection), contextlib.suppress(ConnectionRefusedError):
            connection.request('GET', '/')
            answer = connection.getresponse()
            return answer.status, answer.read()
        return None

    environment = {
        **os.environ,
        'PYTHONPATH': str(folder / 'installed'),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
    }
    with own_domain() as domain:
        environment['ROS_DOMAIN_ID'] = str(domain)
        with Background(folder / 'bridge.log', command, environment) as bridge:
            found = wait_for(answered, what='the bridge answers', pause=0.1)
            assert bridge.stop() == 0, bridge.log.read_text()
    return found


@pytest.fixture
def sources(tmp_path, project):
    """A copy of what a package is made of, with the small page."""
    root = tmp_path / 'sources'

    def is_made(folder, names):
        made = {'page', 'msg', 'srv'} if Path(folder) == ROOT / 'oht50_bridge' else set()
        return (made | {'__pycache__'}) & set(names)

    for name in ('config', 'msg', 'srv', 'oht50_bridge', 'rosless', 'tools'):
        shutil.copytree(ROOT / name, root / name, ignore=is_made)
    # Tests that run beside this one leave their measurement of the coverage there, for a while.
    files = (path for path in ROOT.glob('*.*') if path.is_file())
    names = [path.name for path in files if not path.name.startswith('.coverage')]
    for name in (*names, 'LICENSE'):
        shutil.copy(ROOT / name, root)
    (root / 'test').mkdir()
    shutil.copy(ROOT / 'test' / 'requirements.txt', root / 'test')
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(project / name, root / name)
    shutil.copytree(project / 'dashboard', root / 'dashboard')
    return root


@needs_node
def test_a_source_distribution_carries_the_page_into_a_wheel_without_node(
    sources, tmp_path, with_node, monkeypatch
):
    archive = packed(sources, 'sdist')
    with tarfile.open(archive) as tar:
        names = {name.partition('/')[2] for name in tar.getnames()}
        tar.extractall(tmp_path / 'extracted')
    assert BUILT in names
    assert not any(name.startswith(('dashboard/', 'node_modules')) for name in names)
    assert not any(name.endswith('.sources') for name in names)
    monkeypatch.delenv('OHT50_NODE')
    (extracted,) = (tmp_path / 'extracted').iterdir()
    wheel = packed(extracted, 'bdist_wheel')
    with zipfile.ZipFile(wheel) as zipped:
        names = set(zipped.namelist())
        assert zipped.read(BUILT) == b'<title>1</title>'
    assert {'oht50_bridge/config/vehicle.yaml', 'oht50_bridge/msg/__init__.py'} <= names
    assert served(wheel, tmp_path) == (200, b'<title>1</title>')


def test_a_wheel_is_made_without_node_and_network_too(sources, offline, tmp_path):
    wheel = packed(sources, 'bdist_wheel')
    with zipfile.ZipFile(wheel) as zipped:
        names = zipped.namelist()
    assert 'oht50_bridge/cli/main.py' in names
    assert not any(name.startswith('oht50_bridge/page/') for name in names)
    status, said = served(wheel, tmp_path)
    assert status == 503
    assert said.startswith(b'The page was not built') and b'`make setup`' in said, said


# colcon


@pytest.fixture
def configured(project, tmp_path):
    """Configure the part of CMakeLists.txt that is about the page; return what CMake said."""
    cmake = shutil.which('cmake')
    if cmake is None:
        pytest.skip('cmake is not installed')
    shutil.copytree(ROOT / 'cmake', project / 'cmake')
    (project / 'CMakeLists.txt').write_text(
        'cmake_minimum_required(VERSION 3.16)\n'
        'project(oht50_bridge NONE)\n'
        'include(cmake/page.cmake)\n'
    )

    def run(*options, install=True):
        made = tmp_path / 'made'
        commands = [
            ['-S', project, '-B', made, f'-DPython3_EXECUTABLE={sys.executable}', *options],
            ['--build', made],
            ['--install', made, '--prefix', tmp_path / 'prefix'],
        ]
        for command in commands:
            done = subprocess.run([cmake, *command], capture_output=True, text=True)
            if done.returncode:
                break
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def with_make(offline):
    """Add to the machine what CMake builds with."""
    for name in ('make', 'uname', 'true'):
        if shutil.which(name, path=os.defpath + ':/usr/bin') and not (offline / name).exists():
            (offline / name).symlink_to(shutil.which(name, path=os.defpath + ':/usr/bin'))


@needs_node
def test_colcon_installs_the_page(configured, with_node, with_make, tmp_path):
    assert configured('-DOHT50_PAGE=ON')[0] == 0
    installed = tmp_path / 'prefix' / 'share' / 'oht50_bridge' / 'page'
    assert [path.name for path in installed.iterdir()] == ['index.html']


def test_colcon_goes_on_without_the_page_unless_it_is_asked_for(
    configured, offline, with_make, tmp_path
):
    code, said = configured()
    assert code == 0, said
    assert not (tmp_path / 'prefix' / 'share').exists()
    assert configured('-DOHT50_PAGE=ON')[0] != 0
    assert configured('-DOHT50_PAGE=OFF')[0] == 0
    code, said = configured('-DOHT50_PAGE=perhaps')
    assert code != 0 and 'it can be AUTO, ON or OFF' in said

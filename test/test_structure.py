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
"""The structure of the package: which module may import which, and how large things may be."""

import ast
import functools
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / 'oht50_bridge'
GENERATED = {'msg', 'srv'}

pytestmark = pytest.mark.no_cover  # of the tests themselves

MOST_METHODS = 25
MOST_LINES = 500
MOST_LINES_OF_A_NODE = 350

# A part may import itself, the modules of the package's root, and these.
MAY_IMPORT = {
    'protocol': set(),
    'client': {'protocol'},
    'gateway': {'protocol'},
    'vehicle': {'protocol'},
    'hardware': {'protocol'},
    'simulator': {'hardware'},
    'nodes': {'gateway', 'vehicle', 'hardware', 'protocol'},
    'bringup': {'nodes', 'gateway', 'vehicle', 'hardware', 'simulator', 'protocol'},
    'cli': {
        'bringup',
        'client',
        'nodes',
        'gateway',
        'vehicle',
        'hardware',
        'simulator',
        'protocol',
    },
}
WITH_ROS = {'nodes', 'bringup'}
IMPORT = """
import importlib, sys
import rosless
rosless.install()
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        if error.name not in ('launch', 'launch_ros'):  # of ROS 2
            raise
"""
ROS = {'rclpy', 'launch', 'launch_ros', 'rcl_interfaces', 'std_msgs', 'geometry_msgs'}

MODULES = [
    path
    for path in sorted(PACKAGE.rglob('*.py'))
    if path.relative_to(PACKAGE).parts[0] not in GENERATED
]


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def part_of(name):
    """Return the part of the package that a module belongs to, '' for the root."""
    rest = name.removeprefix('oht50_bridge').lstrip('.')
    return rest.split('.')[0] if '.' in rest or (PACKAGE / rest).is_dir() else ''


def imports(path):
    """Return the modules that a module imports at run time."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f'{node.module}.{alias.name}'
                file = ROOT / (full.replace('.', '/') + '.py')
                is_module = file.exists() or (ROOT / full.replace('.', '/')).is_dir()
                found.add(full if is_module else node.module)
    return found


@functools.cache
def all_imports():
    """Return what each module imports at run time."""
    return {name_of(path): imports(path) for path in MODULES}


# Not a test for each module: hundreds of them cost seconds in each worker of pytest-xdist.
def test_imports_run_one_way():
    for name, imported in all_imports().items():
        part = part_of(name)
        used = {part_of(each) for each in imported if each.startswith('oht50_bridge.')}
        used -= {'', part, *GENERATED}
        assert used <= (MAY_IMPORT[part] if part else {'protocol'}), name


def test_ros_stays_in_the_nodes_and_the_bring_up():
    for name, imported in all_imports().items():
        used = {each.split('.')[0] for each in imported}
        assert not used & ROS or part_of(name) in WITH_ROS, name
        assert 'rosless' not in used or part_of(name) in {'bringup', 'cli'}, name


def test_nodes_never_import_one_another():
    nodes = {name for name in all_imports() if name.endswith('_node')}
    for name in nodes:
        assert not all_imports()[name] & nodes, name


def test_no_import_circles():
    edges = defaultdict(set)
    for name, used in all_imports().items():
        edges[name] = {each for each in used if each in all_imports() and each != name}
    done, path = set(), []

    def visit(name):
        if name in path:
            raise AssertionError(' -> '.join([*path[path.index(name) :], name]))
        if name in done:
            return
        path.append(name)
        for each in sorted(edges[name]):
            visit(each)
        path.pop()
        done.add(name)

    for name in sorted(edges):
        visit(name)


@pytest.mark.processes
@pytest.mark.cover_processes
def test_every_module_can_be_imported():
    """The coverage of what an import runs is measured here alone: see conftest.py."""
    names = [name_of(path) for path in MODULES if path.stem != '__main__']
    names += [
        name_of(path).removeprefix('rosless.path.')
        for folder in ('rosless', 'rosless/idl', 'rosless/path/rclpy')
        for path in sorted((ROOT / folder).rglob('*.py'))
        if 'path' not in path.relative_to(ROOT / folder).parts and path.stem != '__main__'
    ]
    done = subprocess.run(
        [sys.executable, '-W', 'error', '-c', IMPORT, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_modules_and_classes_stay_small():
    for path in MODULES:
        text = path.read_text()
        limit = MOST_LINES_OF_A_NODE if path.stem.endswith('_node') else MOST_LINES
        assert len(text.splitlines()) <= limit, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                methods = [
                    each
                    for each in node.body
                    if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef))
                ]
                assert len(methods) <= MOST_METHODS, f'{path}: {node.name}'


def test_a_class_has_a_name_of_its_own():
    places = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith('_'):
                places[node.name].append(name_of(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def decides_something(path):
    """Return whether a module has a function that does something; the others only declare."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            simple = all(
                isinstance(each, (ast.Return, ast.Pass, ast.Expr, ast.Assign, ast.AnnAssign))
                for each in body
            )
            if body and not (simple and len(body) <= 2):
                return True
    return False


def test_a_module_has_a_test_file_of_its_name():
    tests = {path.relative_to(ROOT / 'test') for path in (ROOT / 'test').rglob('test_*.py')}
    missing = []
    for path in MODULES:
        relative = path.relative_to(PACKAGE)
        if relative.name in ('__init__.py', '__main__.py', 'version.py', 'py.typed'):
            continue
        if not decides_something(path):
            continue
        if relative.with_name(f'test_{relative.name}') not in tests:
            missing.append(str(relative))
    assert missing == []

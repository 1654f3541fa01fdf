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
"""Examples in docstrings and documents are Python that compiles and imports what exists."""

import ast
import importlib
import inspect
import re
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_cover  # it reads the sources

if find_spec('rclpy') is None:  # the messages of an example need it
    import rosless

    rosless.install()

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted((ROOT / 'docs').glob('*.md'))
#: A section `Example:` or a paragraph that ends in `::`, then the indented block below it.
BLOCK = re.compile(
    r'^(?P<indent> *)(?:Examples?:|.*::)\n(?P<code>(?:\n|(?P=indent) +\S.*(?:\n|\Z))+)',
    re.MULTILINE,
)
#: A line that can only be code, so that it belongs into an example.
CODE = re.compile(r'^ *(?:async with|async for|await|from \S+ import|import \w+$)', re.MULTILINE)
FENCED = re.compile(r'^(?P<indent> *)```python\n(?P<code>.*?)^ *```', re.MULTILINE | re.DOTALL)


def code_of(match):
    return textwrap.dedent(match['code']).strip('\n')


def docstrings(source):
    """Yield name and text of the docstrings of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, 'name', 'module'), ast.get_docstring(node) or ''


def examples_of_docstrings(source):
    """Yield name and code of the examples in the docstrings of a module."""
    if not BLOCK.search(source):
        return  # to parse all modules takes longer than to import all tests
    for name, text in docstrings(source):
        for match in BLOCK.finditer(text):
            yield name, code_of(match)


def stray_code(source):
    """Return the lines of code in docstrings that are outside of an example."""
    return [line for _, text in docstrings(source) for line in CODE.findall(BLOCK.sub('', text))]


def found():
    for path in sorted((ROOT / 'oht50_bridge').rglob('*.py')):
        for name, code in examples_of_docstrings(path.read_text()):
            yield pytest.param(code, id=f'{path.relative_to(ROOT)}:{name}')
    for path in map(ROOT.joinpath, ('README.md', 'CONTRIBUTING.md', *DOCUMENTS)):
        for number, match in enumerate(FENCED.finditer(path.read_text()), 1):
            yield pytest.param(code_of(match), id=f'{path.relative_to(ROOT)}:{number}')


def check(code):
    """Compile an example, in which `await` may stand outside of a function; check its imports."""
    tree = compile(code, 'example', 'exec', ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    compile(tree, 'example', 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('oht50_bridge'):
            module = importlib.import_module(node.module)
            missing = [name.name for name in node.names if not hasattr(module, name.name)]
            assert not missing, f'{node.module} has no {missing}'


@pytest.mark.parametrize('code', list(found()))
def test_an_example_compiles(code):
    check(code)


def test_the_client_and_the_simulator_have_an_example():
    names = [parameter.id for parameter in found()]
    assert 'oht50_bridge/client/__init__.py:module' in names
    assert 'docs/hardware.md:2' in names


def test_an_example_that_is_not_python_is_found():
    source = inspect.cleandoc('''
        """A client.

        Example:
            async with Client(url) as vehicle:
            await vehicle.call('ping')

        """

        def call():
            """Call it::

                from oht50_bridge.client import NoSuchClient

            Returns:
                Nothing.
            """
    ''')
    wrong, missing = (code for _, code in examples_of_docstrings(source))
    with pytest.raises(SyntaxError):
        check(wrong)
    with pytest.raises(AssertionError, match='NoSuchClient'):
        check(missing)


def test_code_in_docstrings_is_an_example():
    stray = {
        str(path.relative_to(ROOT)): lines
        for path in sorted((ROOT / 'oht50_bridge').rglob('*.py'))
        if (lines := stray_code(path.read_text()))
    }
    assert stray == {}


def test_code_outside_of_an_example_is_found():
    text = 'A client.\n\nasync with Client(url) as x:\nprint(x)\n'
    assert stray_code(f'"""{text}"""') == ['async with']
    assert stray_code('"""Wait for it; import it from there."""') == []

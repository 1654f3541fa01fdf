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
"""What the package depends on is bounded, and asked about."""

import importlib.util
import json
import re
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from support import ROOT

try:
    OWN = requires('oht50_bridge')
except PackageNotFoundError:
    OWN = None
if OWN is None:
    pytest.skip(
        'colcon built the package: there are no requirements in its metadata',
        allow_module_level=True,
    )


def declared():
    """Every requirement of Python, of the package with its extras and of its build."""
    build = json.loads(
        re.search(r'^requires = (\[.*\])$', (ROOT / 'pyproject.toml').read_text(), re.MULTILINE)[1]
    )
    return [*map(Requirement, (*OWN, *build))]


def bounded(requirement):
    return any(
        part.operator in ('<', '<=', '==', '~=') and '*' not in part.version[:1]
        for part in requirement.specifier
    )


@pytest.mark.parametrize('requirement', declared(), ids=str)
def test_python_requirements_have_an_upper_bound(requirement):
    assert bounded(requirement)


def test_a_requirement_without_a_bound_is_seen():
    assert not bounded(Requirement('x>=1'))
    assert not bounded(Requirement('x'))
    assert {requirement.name for requirement in declared()} >= {
        'PyJWT',
        'websockets',
        'pytest',
        'gpiod',
        'setuptools',
    }


def test_javascript_requirements_have_an_upper_bound():
    root = ROOT / 'package.json'
    workspaces = json.loads(root.read_text())['workspaces']
    manifests = [root, *(ROOT / each / 'package.json' for each in workspaces)]
    assert ROOT / 'clients' / 'typescript' / 'package.json' in manifests
    for manifest in manifests:
        content = json.loads(manifest.read_text())
        for kind in ('dependencies', 'devDependencies'):
            for name, wanted in content.get(kind, {}).items():
                assert re.search(r'<|^[~^]?\d+(\.\d+)*$', wanted), f'{manifest}: {name} {wanted}'


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location(
        'audit_dependencies', ROOT / 'tools' / 'audit_dependencies.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_runs_on_the_vehicle_is_asked_about_and_tools_are_not(tool):
    names = {line.partition('==')[0] for line in tool.installed('oht50_bridge', set())}
    assert names >= {'pyjwt', 'cryptography', 'websockets', 'pydantic-core'}
    assert not names & {'pytest', 'ruff', 'pip-audit'}


def test_advisories_fail_and_what_was_not_checked_is_said(tool):
    clean = {'name': 'a', 'version': '1', 'vulns': []}
    unknown = {'name': 'b', 'skip_reason': 'not found'}
    bad = {'name': 'c', 'version': '2', 'vulns': [{'id': 'PYSEC-1', 'fix_versions': ['3']}]}
    assert tool.report([clean]) == (0, '1 of 1 dependencies checked, 0 advisories')
    code, text = tool.report([clean, unknown])
    assert (code, 'NOT CHECKED' in text, text.startswith('1 of 2')) == (0, True, True)
    code, text = tool.report([bad])
    assert (code, 'c 2: PYSEC-1, fixed in 3' in text) == (1, True)


@pytest.mark.processes
def test_without_a_network_it_says_that_nothing_was_checked(tool, monkeypatch):
    monkeypatch.setenv('HTTPS_PROXY', 'http://127.0.0.1:9')
    code, text = tool.audit([f'packaging=={sys.modules["packaging"].__version__}'])
    assert (code, text.startswith('NOT CHECKED')) == (0, True)

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
"""The check in the Python of the nodes, where the own one lacks what they import."""

import os
import sys
from pathlib import Path

import pytest

from oht50_bridge.bringup.checked_parameters import checked_parameters
from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.errors import ParameterError

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def without_libraries(monkeypatch, tmp_path):
    """Hide the check from this process; the first python3 on PATH has what it needs."""
    monkeypatch.setitem(sys.modules, 'oht50_bridge.bringup.parameter_check', None)
    (tmp_path / 'bin').mkdir()
    (tmp_path / 'bin' / 'python3').symlink_to(sys.executable)
    # The link is not in the virtual environment.
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
    monkeypatch.setenv('PATH', f'{tmp_path}/bin:{os.environ["PATH"]}')
    return tmp_path


@pytest.mark.processes
def test_another_python_checks(without_libraries):
    assert checked_parameters(None).given('safety_node')['speed_limit'] == 0.5
    params = without_libraries / 'params.yaml'
    params.write_text('/**/safety_node: {ros__parameters: {speed_limit: x}}')
    with pytest.raises(ParameterError, match=r'params.yaml:1: safety_node: speed_limit: found'):
        checked_parameters(params, simulated=True)


@pytest.mark.processes
def test_where_none_can_the_library_is_named(without_libraries, monkeypatch):
    monkeypatch.setenv('PATH', str(without_libraries))
    with pytest.raises(BringUpError, match=r'parameter_check.*install requirements.txt'):
        checked_parameters(None)

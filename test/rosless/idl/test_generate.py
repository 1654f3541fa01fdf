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
"""The command line of the generator."""

from __future__ import annotations

import subprocess
import sys

import pytest
from contract import ROOT

pytestmark = pytest.mark.cover_processes

pytest.importorskip('rosbags', reason='modules are generated with rosbags')
pytest.importorskip('cyclonedds.idl', reason='descriptors are made with the cyclonedds wheel')


def test_modules_come_and_go_with_their_definitions(tmp_path):
    (tmp_path / 'Good.msg').write_text('int32 a\n')
    command = [
        sys.executable,
        '-m',
        'rosless.idl.generate',
        'pkg',
        tmp_path,
        tmp_path,
        tmp_path / 'out',
    ]

    def modules():
        return sorted(path.name for path in (tmp_path / 'out' / 'msg').iterdir())

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert modules() == ['__init__.py', '__init__.pyi', '_good.py', '_good.pyi']
    (tmp_path / 'Good.msg').rename(tmp_path / 'Better.msg')
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=True)
    assert modules() == ['__init__.py', '__init__.pyi', '_better.py', '_better.pyi']
    (tmp_path / 'Better.msg').write_text('nonsense')
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and 'Better' in done.stderr

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
"""The table of nodes."""

import re
from pathlib import Path

from oht50_bridge.nodes import NODES

ROOT = Path(__file__).resolve().parent.parent.parent


def test_cmake_installs_every_node():
    cmake = (ROOT / 'CMakeLists.txt').read_text()
    assert tuple(re.search(r'foreach\(node ([\w ]+)\)', cmake)[1].split()) == NODES


def test_every_node_is_a_file():
    files = {path.stem for path in (ROOT / 'oht50_bridge' / 'nodes').glob('*_node.py')}
    assert files == set(NODES)


def test_the_executable_of_the_nodes():
    path = ROOT / 'oht50_bridge' / 'nodes' / '__main__.py'
    assert path.stat().st_mode & 0o111
    assert path.read_text().startswith('#!/usr/bin/env python3\n')

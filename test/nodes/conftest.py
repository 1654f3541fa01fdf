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
"""Tests of the nodes' modules run on a real rclpy where there is one, else on rosless."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec('rclpy') is None:
    import rosless

    rosless.install()

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def ros(tmp_path, monkeypatch, request):
    """rclpy on a domain of its own; the parameter is more of the command line."""
    from graph import Ros

    instance = Ros(tmp_path, monkeypatch, getattr(request, 'param', ()))
    yield instance
    instance.close()

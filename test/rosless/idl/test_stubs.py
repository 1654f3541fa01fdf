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
"""A type checker knows the fields of generated messages."""

from __future__ import annotations

import subprocess
import sys

import pytest
from contract import ROOT
from contract import rosless_only

pytest.importorskip('rosbags', reason='modules are generated with rosbags')
pytest.importorskip('mypy')
pytestmark = rosless_only

RIGHT = """
from array import array

from rclpy.node import Node
from sample_pkg.msg import Inner
from sample_pkg.msg import Outer
from sample_pkg.srv import Ask

outer = Outer(label='a', triple=(1, 2, 3), many=[Inner(small=1)], octet=b'a')
outer.bytes = b'abc'
outer.bytes.append(1)
outer.names.append('a')
numbers: array[int] = outer.triple
text: str = outer.two[0].text
seconds: int = outer.header.stamp.sec
answers: list[Inner] = Ask.Response().answers


def answer(request: Ask.Request, response: Ask.Response) -> Ask.Response:
    response.answers = [Inner(text=request.question)]
    return response


node = Node('node')
node.create_subscription(Inner, 'inner', lambda message: print(message.text), 10)
node.create_subscription(Inner, 'inner', lambda data: print(len(data)), 10, raw=True)
node.create_service(Ask, 'ask', answer)
node.create_client(Ask, 'ask').call_async(Ask.Request())
"""
NODE = 'import sample_pkg.msg, sample_pkg.srv, rclpy.node; node = rclpy.node.Node("node"); '
WRONG = (
    'import sample_pkg.msg; sample_pkg.msg.NoSuchMessage',
    'import sample_pkg.msg; sample_pkg.msg.Inner(smal=1)',
    'import sample_pkg.msg; sample_pkg.msg.Inner().smal',
    "import sample_pkg.msg; sample_pkg.msg.Inner().small = 'a'",
    "import sample_pkg.msg; sample_pkg.msg.Outer(triple=['a'])",
    'import sample_pkg.msg; sample_pkg.msg.Outer().names.append(1)',
    'import sample_pkg.msg; sample_pkg.msg.Outer.ON = 2',
    NODE + 'node.no_such_name()',
    NODE + 'node.create_subscription(sample_pkg.msg.Inner, "a", lambda m: m.smal, 10)',
    NODE + 'node.create_service(sample_pkg.srv.Ask, "a", lambda request, response: request)',
)


def test_types_are_those_of_the_definitions(sample, tmp_path):
    right = tmp_path / 'right.py'
    right.write_text(RIGHT)
    wrong = [tmp_path / f'wrong_{number}.py' for number in range(len(WRONG))]
    for path, line in zip(wrong, WRONG, strict=True):
        path.write_text(line + '\n')
    done = subprocess.run(
        [sys.executable, '-m', 'mypy', '--config-file', ROOT / 'pyproject.toml', right, *wrong],
        cwd=sample.root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert 'right.py' not in done.stdout, done.stdout + done.stderr
    assert [path.name for path in wrong if path.name not in done.stdout] == []

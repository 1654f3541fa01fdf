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
"""A package that is generated from definitions with fields of every kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest

MESSAGE = """
# A comment
uint8 OFF=0
uint8 ON=1
string NAME="a name"
string BARE=none   # why
string QUOTED="a b" # why
byte FLAG=7
float32 RATIO=0.5
std_msgs/Header header
bool enabled true
float64 gain 1.5
int32 offset -3
string label "hello" # a greeting
string<=5 short
int32[3] triple [1, 2, 3]
uint8[] bytes
float32[<=2] few
string[] names ["a", "b"]
Inner inner
Inner[2] two
Inner[] many
char letter
byte octet
"""


class Sample(NamedTuple):
    """The generated package, and where it lies."""

    msg: Any
    srv: Any
    root: Path


@pytest.fixture(scope='session')
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    from rosless.idl.generate import generate

    root = tmp_path_factory.mktemp('generated')
    for kind in ('msg', 'srv'):
        (root / kind).mkdir()
    (root / 'msg' / 'Outer.msg').write_text(MESSAGE)
    (root / 'msg' / 'Inner.msg').write_text('uint8 small\nfloat64 large\nstring text\n')
    (root / 'msg' / 'Empty.msg').write_text('# nothing\n')
    (root / 'msg' / 'Fields.msg').write_text('int8 scalar\nint8 sequence\nint8 array\nint8 out\n')
    (root / 'msg' / 'Sequences.msg').write_text('float64[] a\nfloat64 b\nuint16[] c\nuint32 d\n')
    (root / 'srv' / 'Ask.srv').write_text(
        'uint8 KIND=3\nstring question\n---\nsample_pkg/Inner[] answers\n'
    )
    out = root / 'sample_pkg'
    out.mkdir()
    (out / '__init__.py').write_text('')
    generate('sample_pkg', root / 'msg', root / 'srv', out)
    sys.path.insert(0, str(root))
    yield Sample(import_module('sample_pkg.msg'), import_module('sample_pkg.srv'), root)
    sys.path.remove(str(root))

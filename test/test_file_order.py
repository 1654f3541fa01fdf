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
"""The order of the files of tests."""

from pathlib import Path

from file_order import BETWEEN
from file_order import LONGEST
from file_order import WAITING
from file_order import order


def test_what_waits_begins_apart_and_every_file_once():
    others = [f'test_{number}.py' for number in range(100)]
    files = [*others, WAITING[1], WAITING[0], LONGEST[0]]
    found = list(order(files))
    assert found[:2] + found[2 + BETWEEN : 3 + BETWEEN] == [LONGEST[0], *WAITING[:2]]
    assert sorted(found) == sorted(files)


def test_the_files_that_wait_are_there():
    missing = [name for name in LONGEST + WAITING if not (Path(__file__).parent / name).is_file()]
    assert missing == []

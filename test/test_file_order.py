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

from file_order import LONGEST
from file_order import WAITING
from file_order import order


def test_what_takes_longest_begins_first_and_every_file_once():
    files = ['test_a.py', WAITING[1], 'test_b.py', WAITING[0], LONGEST[0]]
    assert order(files) == [LONGEST[0], *WAITING[:2], 'test_a.py', 'test_b.py']


def test_the_files_that_wait_are_there():
    missing = [name for name in LONGEST + WAITING if not (Path(__file__).parent / name).is_file()]
    assert missing == []

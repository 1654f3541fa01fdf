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
"""Fixtures of the audit log: its path, and how to write and read one."""

import json

import pytest

from oht50_bridge.gateway.audit.writer import AuditWriter


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'log' / 'audit.jsonl'


@pytest.fixture
def write():
    """Return a function that writes `count` records to a log and closes it."""

    def write(path, count, **options):
        audit = AuditWriter(path, **options)
        for number in range(count):
            audit.record('command', number=number)
        audit.close()

    return write


@pytest.fixture
def records():
    """Return a function that reads the records of one file."""

    def records(path):
        return [json.loads(line) for line in path.read_text().splitlines()]

    return records

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
"""What is measured of the host."""

import math
import subprocess

import pytest
from support import filesystem

from oht50_bridge.vehicle.errors import HOST_THRESHOLDS
from oht50_bridge.vehicle.host import Host
from oht50_bridge.vehicle.host import with_unit


def test_every_quantity_with_a_threshold_is_measured(tmp_path):
    values = Host(tmp_path).measure()
    assert values.keys() == HOST_THRESHOLDS.keys()
    assert all(0.0 <= values[name] <= 1.0 for name in ('cpu', 'memory', 'disk'))
    assert math.isnan(values['temperature']) or values['temperature'] > -40.0


def test_a_directory_that_is_gone_ends_nothing(tmp_path):
    host = Host(tmp_path / 'gone')
    assert math.isnan(host.measure()['disk'])
    assert 'No such file' in host.disk_fault()


@pytest.mark.processes
def test_a_disk_that_was_mounted_read_only_is_a_fault(tmp_path):
    with filesystem(tmp_path / 'disk', '64k') as disk:
        host = Host(disk)
        assert host.disk_fault() == ''
        subprocess.run(['mount', '-o', 'remount,ro', disk], check=True)
        assert host.disk_fault() == f'{disk} is mounted read-only'


def test_a_directory_that_may_not_be_written_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr('oht50_bridge.vehicle.host.os.access', lambda *arguments: False)
    assert 'not writable' in Host(tmp_path).disk_fault()


@pytest.mark.parametrize(
    ('name', 'value', 'text'),
    [('temperature', 71.26, '71.3 degC'), ('cpu', 0.5, '50%'), ('cpu', math.nan, 'not measured')],
)
def test_quantities_are_shown_with_their_unit(name, value, text):
    assert with_unit(name, value) == text

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
"""Who has the same identity, and who has not."""

import os
import shutil

import pytest

from oht50_bridge import identity
from oht50_bridge.identity import VEHICLE
from oht50_bridge.identity import VehicleIdentity
from oht50_bridge.identity import identity_of
from oht50_bridge.identity import own_identity


def test_a_directory_keeps_its_identity_by_every_name(tmp_path):
    directory = tmp_path / 'a'
    directory.mkdir()
    (tmp_path / 'link').symlink_to(directory)
    assert identity_of(directory).vehicle == identity_of(directory).vehicle
    assert identity_of(tmp_path / 'link').vehicle == identity_of(directory).vehicle
    assert str(directory) in identity_of(directory).description


def test_a_copy_and_another_computer_are_other_vehicles(tmp_path, monkeypatch):
    directory = tmp_path / 'a'
    directory.mkdir()
    (directory / 'estop.json').write_text('{}')
    shutil.copytree(directory, tmp_path / 'b')
    first = identity_of(directory).vehicle
    assert identity_of(tmp_path / 'b').vehicle != first
    boot = tmp_path / 'boot_id'
    boot.write_text('another\n')
    monkeypatch.setattr(identity, 'BOOT_ID', boot)
    second = identity_of(directory).vehicle
    assert second != first
    boot.unlink()
    assert identity_of(directory).vehicle not in (first, second)


def test_a_process_learns_it_from_its_environment(monkeypatch):
    monkeypatch.delenv(VEHICLE, raising=False)
    assert own_identity() == VehicleIdentity()
    given = VehicleIdentity('0f', 'lab:/a b')
    monkeypatch.setenv(VEHICLE, given.environment()[VEHICLE])
    assert own_identity() == given


def test_a_directory_whose_name_is_no_utf_8_can_be_reported(tmp_path, monkeypatch):
    directory = tmp_path / os.fsdecode(b'J\xf6rg')
    directory.mkdir()
    monkeypatch.setenv(VEHICLE, identity_of(directory).environment()[VEHICLE])
    own_identity().description.encode()


def test_a_missing_directory_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        identity_of(tmp_path / 'none')

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
"""Where the configuration is found."""

from __future__ import annotations

import os
import stat

import pytest

from oht50_bridge import paths


def test_environment_goes_first(tmp_path, monkeypatch):
    monkeypatch.setenv('OHT50_CONFIG_DIR', str(tmp_path))
    assert paths.config_dir() == tmp_path
    monkeypatch.setenv('OHT50_CONFIG_DIR', str(tmp_path / 'none'))
    with pytest.raises(FileNotFoundError, match='correct or unset'):
        paths.config_dir()


@pytest.mark.parametrize(
    ('package', 'config'),
    [
        ('src/oht50_bridge', 'src/config'),
        ('venv/lib/python3/site-packages/oht50_bridge', 'venv/share/oht50_bridge/config'),
        ('site-packages/oht50_bridge', 'site-packages/oht50_bridge/config'),
    ],
)
def test_beside_inside_and_in_the_prefix(tmp_path, monkeypatch, package, config):
    monkeypatch.delenv('OHT50_CONFIG_DIR', raising=False)
    monkeypatch.setattr(paths, '__file__', str(tmp_path / package / 'paths.py'))
    (tmp_path / config / 'modules').mkdir(parents=True)
    assert paths.config_dir() == tmp_path / config


def test_ros_prefix_and_none(tmp_path, monkeypatch):
    monkeypatch.delenv('OHT50_CONFIG_DIR', raising=False)
    monkeypatch.setattr(paths, '__file__', str(tmp_path / 'a' / 'oht50_bridge' / 'paths.py'))
    monkeypatch.setattr(paths.sys, 'prefix', str(tmp_path / 'prefix'))
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path / 'ros'))
    with pytest.raises(FileNotFoundError, match='OHT50_CONFIG_DIR'):
        paths.config_dir()
    share = tmp_path / 'ros' / 'share' / 'oht50_bridge' / 'config'
    (share / 'modules').mkdir(parents=True)
    assert paths.config_dir() == share


def test_a_directory_of_state_is_private_whatever_the_umask_is(tmp_path):
    before = os.umask(0)
    try:
        paths.make_private(tmp_path / 'a' / 'b')
        paths.make_private(tmp_path / 'a' / 'b')
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ('a', 'a/b')] == [0o700] * 2
    (tmp_path / 'file').touch()
    with pytest.raises(OSError):
        paths.make_private(tmp_path / 'file' / 'x')

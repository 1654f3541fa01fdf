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
from pathlib import Path

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


def test_the_page_is_inside_the_package_or_in_a_prefix_and_may_be_missing(tmp_path, monkeypatch):
    package = tmp_path / 'oht50_bridge' / 'oht50_bridge'  # a clone with the name of the package
    monkeypatch.setattr(paths, '__file__', str(package / 'paths.py'))
    monkeypatch.setattr(paths.sys, 'prefix', str(tmp_path / 'prefix'))
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path / 'ros'))
    beside = package.parent / 'page'
    places = [tmp_path / 'ros' / 'share' / 'oht50_bridge' / 'page', package / 'page']
    for place in (beside, *places):
        (place / 'assets').mkdir(parents=True)
    (beside / 'index.html').touch()  # of something else
    assert paths.page_dir() == package / 'page'
    for place in places:
        (place / 'index.html').touch()
        assert paths.page_dir() == place


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


def test_a_directory_that_another_process_makes_at_the_same_time_is_one(tmp_path, monkeypatch):
    def made_meanwhile(self, mode):
        make(self, mode)
        raise FileExistsError

    make = Path.mkdir
    monkeypatch.setattr(Path, 'mkdir', made_meanwhile)
    paths.make_private(tmp_path / 'a' / 'b')
    assert (tmp_path / 'a' / 'b').is_dir()


@pytest.mark.parametrize(
    ('home', 'state', 'found'),
    [
        ('/home/a', '', '/home/a/.local/state/oht50'),
        ('/home/a', '/var/b', '/var/b/oht50'),
        ('/home/a', 'relative', '/home/a/.local/state/oht50'),
        ('', '/var/b', '/var/b/oht50'),
    ],
)
def test_the_default_state_directory(monkeypatch, home, state, found):
    monkeypatch.setenv('HOME', home)
    monkeypatch.setenv('XDG_STATE_HOME', state)
    assert str(paths.default_state_dir()) == found


@pytest.mark.parametrize('home', ['relative', None])
def test_without_a_home_directory_there_is_no_default(monkeypatch, home):
    monkeypatch.setattr(paths, 'expanded', lambda path: Path(home or path))
    monkeypatch.delenv('XDG_STATE_HOME', raising=False)
    with pytest.raises(paths.NoStateDirError, match='--state-dir'):
        paths.default_state_dir()


def test_a_user_that_does_not_exist_has_no_home_directory(monkeypatch):
    monkeypatch.setenv('HOME', '/home/a')
    assert str(paths.expanded('~/b')) == '/home/a/b'
    assert str(paths.expanded('~no-such-user/b')) == '~no-such-user/b'


def test_the_journal_of_events_is_where_it_ends_with_the_start_of_the_computer(
    tmp_path, monkeypatch
):
    for variable in ('RUNTIME_DIRECTORY', 'XDG_RUNTIME_DIR'):
        monkeypatch.delenv(variable, raising=False)
    assert paths.journal_path(tmp_path / 'a') == tmp_path / 'a' / 'events.sqlite'
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path / 'absent'))
    assert paths.journal_path(tmp_path / 'a') == tmp_path / 'a' / 'events.sqlite'
    (tmp_path / 'run').mkdir()
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path / 'run'))
    one, other = paths.journal_path(tmp_path / 'a'), paths.journal_path(tmp_path / 'b')
    assert one.is_relative_to(tmp_path / 'run' / 'oht50')
    assert one != other
    assert one == paths.journal_path(tmp_path / 'a')

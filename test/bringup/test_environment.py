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
"""The environment of a vehicle's processes."""

import stat
from pathlib import Path

import pytest

from oht50_bridge.bringup.environment import log_environment
from oht50_bridge.bringup.environment import token_environment
from oht50_bridge.gateway.auth.keys import make_key
from oht50_bridge.gateway.auth.private_files import KEYS
from oht50_bridge.gateway.auth.private_files import REVOCATIONS
from oht50_bridge.gateway.auth.private_files import SECRET_FILE
from oht50_bridge.gateway.auth.private_files import TokenFileError


@pytest.fixture(autouse=True)
def _without_keys(monkeypatch):
    for name in (KEYS, SECRET_FILE, REVOCATIONS):
        monkeypatch.delenv(name, raising=False)


def test_the_secret_is_created_once_and_for_its_owner_alone(tmp_path):
    environment = token_environment(tmp_path)
    secret = Path(environment[SECRET_FILE])
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    content = secret.read_bytes()
    assert content
    assert token_environment(tmp_path) == environment
    assert secret.read_bytes() == content
    assert environment[REVOCATIONS].startswith(str(tmp_path))


def test_no_secret_is_created_where_there_are_keys(tmp_path, monkeypatch):
    make_key(tmp_path / 'keys', 'a', 'EdDSA')
    assert set(token_environment(tmp_path / 'state', str(tmp_path / 'keys'))) == {REVOCATIONS}
    monkeypatch.setenv(KEYS, str(tmp_path / 'keys'))
    assert set(token_environment(tmp_path / 'state')) == {REVOCATIONS}
    assert not (tmp_path / 'state').exists()


def test_keys_that_cannot_be_used_refuse_a_start(tmp_path):
    (tmp_path / 'a.pem').write_text('x')
    with pytest.raises(TokenFileError, match=r'a\.pem'):
        token_environment(tmp_path, str(tmp_path))


def test_without_a_home_directory_the_logs_of_ros_are_with_the_vehicle(tmp_path, monkeypatch):
    """Without a place for them rclpy does not start."""
    for name in ('ROS_LOG_DIR', 'ROS_HOME'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv('HOME', '/home/a')
    assert log_environment(tmp_path) == {}
    monkeypatch.delenv('HOME')
    assert log_environment(tmp_path) == {'ROS_LOG_DIR': f'{tmp_path}/log'}
    monkeypatch.setenv('ROS_LOG_DIR', '/var/log/a')
    assert log_environment(tmp_path) == {}

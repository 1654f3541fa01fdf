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
"""The environment of a vehicle's processes: where keys, revocations of tokens and logs are."""

from __future__ import annotations

import os
from pathlib import Path

from oht50_bridge.gateway.auth.private_files import KEYS
from oht50_bridge.gateway.auth.private_files import REVOCATIONS
from oht50_bridge.gateway.auth.private_files import SECRET_FILE
from oht50_bridge.gateway.auth.private_files import make_secret
from oht50_bridge.gateway.auth.private_files import revocations_path


def token_environment(state_dir: Path, keys: str = '') -> dict[str, str]:
    """Return the environment that names the secret, created if it is missing, and the revocations.

    All vehicles of a machine have the same, so `oht50 token` does not need to know the vehicle.

    Args:
        state_dir: directory of all vehicles.
        keys: directory or file of the keys that verify tokens; empty: the secret verifies them.

    Raises:
        TokenFileError, OSError: the secret or one of the keys cannot be used.

    """
    environment = {REVOCATIONS: str(revocations_path(state_dir))}
    if keys or os.environ.get(KEYS):
        # A bridge that runs goes on without a key that became wrong; a start is refused.
        # Not above: the supervisor does without the libraries of keys otherwise.
        from oht50_bridge.gateway.auth.keys import KeyFiles
        from oht50_bridge.gateway.auth.keys import keys_path

        KeyFiles(keys_path(keys, state_dir))
    else:
        environment[SECRET_FILE] = str(make_secret(state_dir))
    return environment


def log_environment(directory: Path) -> dict[str, str]:
    """Return where ROS 2 writes its logs if this user has no home directory for them.

    Args:
        directory: of the vehicle.

    """
    if any(os.environ.get(name) for name in ('ROS_LOG_DIR', 'ROS_HOME', 'HOME')):
        return {}
    return {'ROS_LOG_DIR': str(directory / 'log')}

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
"""Where the secret that signs tokens comes from."""

from __future__ import annotations

import os
from pathlib import Path

from oht50_bridge.gateway.tokens import load_or_create_secret
from oht50_bridge.gateway.tokens import load_secret

SECRET_FILE = 'OHT50_JWT_SECRET_FILE'  # noqa: S105 - the name of an environment variable


def secret_path(state_dir: Path) -> Path:
    """Return the file of the secret: of OHT50_JWT_SECRET_FILE, else in the state directory."""
    given = os.environ.get(SECRET_FILE)
    return Path(given) if given else state_dir / 'jwt_secret'


def signing_secret(state_dir: Path) -> bytes:
    """Return the secret; one in the state directory is made on first use, a given one is not.

    Raises:
        SecretFileError: the file is not safe to use; the message holds the remedy.
        OSError: it cannot be read or made.

    """
    path = secret_path(state_dir)
    return load_secret(path) if os.environ.get(SECRET_FILE) else load_or_create_secret(path)

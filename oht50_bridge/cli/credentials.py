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
"""Tokens that this machine can give itself, because it has the signing secret."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from oht50_bridge.cli.options import CommandError
from oht50_bridge.gateway.roles import load_roles
from oht50_bridge.gateway.secret import secret_path
from oht50_bridge.gateway.secret import signing_secret
from oht50_bridge.gateway.tokens import MAX_ACCESS_LIFE
from oht50_bridge.gateway.tokens import Key
from oht50_bridge.gateway.tokens import SecretFileError
from oht50_bridge.gateway.tokens import TokenAuthority
from oht50_bridge.paths import config_dir

TOKEN = 'OHT50_TOKEN'  # noqa: S105 - the name of an environment variable
LOCAL_TTL = 15 * 60.0  # s


def issue_token(state_dir: Path, role: str, subject: str, ttl: float) -> str:
    """Return an access token.

    Args:
        state_dir: where the secret is.
        role: one of config/roles.yaml.
        subject: who the token is for.
        ttl: its life, s.

    Raises:
        CommandError: the role is unknown, the life too long, or the secret cannot be used.

    """
    roles = load_roles(config_dir() / 'roles.yaml').names
    if role not in roles:
        raise CommandError(f'--role {role}: must be one of {", ".join(roles)}')
    if ttl > MAX_ACCESS_LIFE:
        raise CommandError(f'--ttl {ttl:g}s: at most {MAX_ACCESS_LIFE / 60:g}m')
    try:
        secret = signing_secret(state_dir)
    except SecretFileError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f'{secret_path(state_dir)}: {error.strerror}; choose another '
                           '--state-dir, or run as the owner of this one') from error
    return TokenAuthority([Key('HS256', secret)], access_life=ttl).issue(subject, role).access


def client_token(arguments: argparse.Namespace) -> str:
    """Return the token of OHT50_TOKEN, else one of this machine's for the role of `arguments`."""
    given = os.environ.get(TOKEN)
    if given:
        return given
    return issue_token(arguments.state_dir, arguments.role, subject='local', ttl=LOCAL_TTL)

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
"""Tokens that the commands sign for themselves with a key of this machine."""

from __future__ import annotations

import argparse
import os

from oht50_bridge.cli.options import LOCAL_TTL
from oht50_bridge.cli.options import CommandError
from oht50_bridge.gateway.auth.claims import MAX_ACCESS_LIFE
from oht50_bridge.gateway.auth.claims import TokenError
from oht50_bridge.gateway.auth.claims import TokenPair
from oht50_bridge.gateway.auth.keys import KeyFiles
from oht50_bridge.gateway.auth.keys import keys_path
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.roles import RolesError
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.auth.token_files import AUDIENCE
from oht50_bridge.gateway.auth.token_files import ISSUER
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.paths import config_dir
from oht50_bridge.text import shown

TOKEN = 'OHT50_TOKEN'  # noqa: S105 - the name of an environment variable


def issue_pair(
    arguments: argparse.Namespace, role: str, subject: str, ttl: float, kid: str | None = None
) -> TokenPair:
    """Return a new access token with its refresh token.

    Args:
        arguments: the options of `add_keys` and `add_state_dir`.
        role: a role of config/roles.yaml.
        subject: whom the token is issued to.
        ttl: life of the access token, s.
        kid: id of the key that signs; None: the last key by name that can sign.

    Raises:
        CommandError: the table of roles is wrong, the role is unknown, the subject is no valid
            name, the life is too long, or no key can sign.

    """
    try:
        roles = load_roles(config_dir() / 'roles.yaml').names
    except RolesError as error:
        raise CommandError(str(error)) from error
    if role not in roles:
        raise CommandError(f'--role {role}: must be one of {", ".join(roles)}')
    if ttl > MAX_ACCESS_LIFE:
        raise CommandError(f'--ttl {ttl:g}s: at most {MAX_ACCESS_LIFE / 60:g}m')
    try:
        keys = KeyFiles(keys_path(arguments.keys, arguments.state_dir)).keys
    except TokenFileError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f'{error.filename}: {error.strerror}; choose another --state-dir or '
            '--keys, or run as the owner of this one'
        ) from error
    signing = [key for key in keys if key.signs and kid in (None, key.kid)]
    if not signing:
        raise CommandError(
            f'no key{f" named {kid}" if kid else ""} can sign: name a directory with a private '
            'key in --keys, or create a key with `oht50 token keygen`'
        )
    authority = TokenAuthority(
        signing[:1],
        access_life=ttl,
        issuer=arguments.issuer or os.environ.get(ISSUER) or None,
        audience=arguments.audience or os.environ.get(AUDIENCE) or None,
    )
    try:
        return authority.issue(subject, role)
    except TokenError as error:
        raise CommandError(f'--subject {shown(subject, 64)}: {error}') from error


def client_token(arguments: argparse.Namespace) -> str:
    """Return the token in OHT50_TOKEN; without it, sign one for the role of `arguments`.

    Raises:
        CommandError: no token can be signed.

    """
    given = os.environ.get(TOKEN)
    if given:
        return given
    return issue_pair(arguments, arguments.role, subject='local', ttl=LOCAL_TTL).access

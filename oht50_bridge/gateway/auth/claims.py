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
"""The content of a verified token, and the limits of its life."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

from oht50_bridge.enums import StrEnum
from oht50_bridge.gateway.auth.keys import Key
from oht50_bridge.text import TextError
from oht50_bridge.text import check_name


class TokenType(StrEnum):
    """The kind of a token: the value of its claim `typ`."""

    ACCESS = 'access'
    REFRESH = 'refresh'


MAX_ACCESS_LIFE = 30 * 60.0  # s
MAX_REFRESH_LIFE = 24 * 3600.0  # s
LEEWAY = 5.0  # s, by which clocks may differ
MAX_CLAIM = 256  # characters of a subject, a role, an id


class TokenError(Exception):
    """A token is refused. The message never holds any part of the token."""


def check_claim(name: str, value: object) -> str:
    """Return the text of a claim, which is shown, logged and compared.

    Raises:
        TokenError: it is no text, empty, too long, no valid Unicode, or has control characters.

    """
    if not isinstance(value, str):
        raise TokenError(f'{name}: must be a text')
    try:
        return check_name(value, MAX_CLAIM)
    except TextError as error:
        raise TokenError(f'{name}: {error}') from None


@dataclass(frozen=True)
class Claims:
    """The content of a verified token. Times are in seconds since the Unix epoch.

    Attributes:
        subject: whom the token was issued to (`sub`).
        role: the role of the subject, a row of config/roles.yaml.
        expires_at: end of the token's life (`exp`).
        kind: access or refresh (`typ`).
        began_at: time of the login (`auth_time`); the time of issue (`iat`) if the token was not
            obtained by refreshing.
        token_id: the token's own id (`jti`).
        family: id that all tokens of one login share (`fam`).
        key: the key that verified the token.

    """

    subject: str
    role: str
    expires_at: float
    kind: TokenType
    began_at: float
    token_id: str | None = None
    family: str | None = None
    key: Key | None = field(default=None, repr=False)


@dataclass(frozen=True, repr=False)
class TokenPair:
    """An access token and the refresh token that can be exchanged once for a new pair.

    Attributes:
        access: the access token.
        refresh: the refresh token.
        expires_at: end of the access token's life, seconds since the Unix epoch.
        refresh_id: id of the refresh token.
        repeated: it was answered before, to the same refresh token.

    """

    access: str
    refresh: str
    expires_at: float
    refresh_id: str
    repeated: bool = False

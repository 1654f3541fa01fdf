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
"""What a verified token says, and how long tokens may live."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from oht50_bridge.gateway.auth.keys import Key

TokenType = Literal['access', 'refresh']

MAX_ACCESS_LIFE = 30 * 60.0
MAX_REFRESH_LIFE = 24 * 3600.0
LEEWAY = 5.0


class TokenError(Exception):
    """A token that is not taken. The message never holds any part of the token."""


@dataclass(frozen=True)
class Claims:
    """What a verified token says. Times in seconds since the Unix epoch.

    Attributes:
        began_at: when the login was that the token comes from; its own issue, unless it came
            by refreshing.
        family: what all that comes from one login has in common.
        key: what it was verified with.

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
    """An access token and the refresh token that extends it once."""

    access: str
    refresh: str
    expires_at: float

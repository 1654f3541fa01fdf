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
"""The tokens of a client: which one is in use, and what may still be tried."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from oht50_bridge.client.actions import TokenReason
from oht50_bridge.client.options import Refresh
from oht50_bridge.client.reports import Tokens


class Credentials:
    """The newest tokens of a client.

    Args:
        tokens: those it starts with; None: they are asked for.
        has_source: whether others can be asked for.
        refresh: who extends the session.

    """

    def __init__(self, tokens: Tokens | None, has_source: bool, refresh: Refresh) -> None:
        self._tokens = tokens
        self._refresh = refresh
        self._in_use = ''
        self._ends = math.inf
        self._is_trial = False
        self._spent: set[str] = set()
        self.has_source = has_source

    @property
    def current(self) -> Tokens | None:
        """The newest tokens."""
        return self._tokens

    def needed(self, now: float) -> TokenReason | None:
        """Return for what reason others must be asked for before connecting; None: none."""
        if self._tokens is None:
            return 'first'
        return 'expiring' if self.has_source and now >= self._ends else None

    def auth(self) -> dict[str, Any]:
        """Return the fields of `auth`."""
        assert self._tokens is not None
        self._in_use = self._tokens.token
        fields = {'token': self._tokens.token}
        if self._refresh == 'server' and self._tokens.refresh_token is not None:
            fields['refresh_token'] = self._tokens.refresh_token
        return fields

    def adopt(self, tokens: Tokens, reason: TokenReason) -> None:
        """Use tokens that were asked for."""
        self._is_trial = reason == 'refused'
        self._tokens = tokens
        self._ends = math.inf

    def renewed(self, data: Mapping[str, Any]) -> Tokens | None:
        """Note the data of `auth.refreshed`; return the tokens if the bridge issued new ones."""
        token = data.get('token')
        if not isinstance(token, str):
            return None
        self._tokens = Tokens(token, data.get('refresh_token'))
        self._in_use = token
        return self._tokens

    def lasts(self, message: Mapping[str, Any], now: float) -> None:
        """Note when the session ends, by the own clock, from a message of the bridge."""
        try:
            ends = _moment(message['data']['expires_at']) - _moment(message['timestamp'])
        except (KeyError, ValueError, AttributeError):
            return
        self._ends = now + ends

    def live(self) -> None:
        """Note that the bridge accepted the token."""
        self._is_trial = False

    def refused(self) -> bool:
        """Note that the bridge refused the token; return whether another may be asked for."""
        return self.has_source and not self._is_trial

    def extension(self) -> dict[str, Any] | None:
        """Return the command that extends the session with what is there; None: nothing is.

        A refresh token counts as spent before it is sent: the bridge revokes the family of one
        that it receives twice.
        """
        if self._tokens is None:
            return None
        if self._tokens.token != self._in_use:
            return {'type': 'auth', **self.auth()}
        refresh_token = self._tokens.refresh_token
        if refresh_token is None or refresh_token in self._spent:
            return None
        self._spent.add(refresh_token)
        return {'type': 'refresh_token', 'refresh_token': refresh_token}


def _moment(text: str) -> float:
    return datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()

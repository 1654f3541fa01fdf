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
"""Answers to refreshes that may have been lost on their way, for the client that asks again.

They are kept in memory alone, since no token may be written down: a restart ends them.
"""

from __future__ import annotations

from dataclasses import dataclass

from oht50_bridge.gateway.auth.claims import Claims
from oht50_bridge.gateway.auth.claims import TokenPair

GRACE = 10.0  # s, in which a used refresh token is answered again
MAX_ANSWERS = 1024  # families; of more refreshes within `GRACE` the oldest are not answered again


@dataclass(frozen=True, repr=False)
class Answer:
    """What a refresh token was exchanged for.

    Attributes:
        used: id of the token that was exchanged.
        claims: claims of the access token in `pair`.
        pair: what was sent.
        until: when it is no longer sent again, s, on the clock of the caller.

    """

    used: str
    claims: Claims
    pair: TokenPair
    until: float


class RefreshAnswers:
    """The newest answer of each family, for `GRACE` seconds and until its successor is used."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def keep(self, family: str, answer: Answer, now: float) -> None:
        """Keep the answer of a family instead of its former one."""
        self._answers.pop(family, None)
        for name in [name for name, kept in self._answers.items() if kept.until <= now]:
            del self._answers[name]
        while len(self._answers) >= MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers[family] = answer

    def find(self, family: str, used: str, now: float) -> Answer | None:
        """Return the answer that a used token may be given again."""
        answer = self._answers.get(family)
        return answer if answer and answer.used == used and now < answer.until else None

    def end(self, family: str) -> None:
        """Forget the answer of a family: its successor was used, or the family revoked."""
        self._answers.pop(family, None)

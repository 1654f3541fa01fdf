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
"""Which boards may still be starting, so that their silence is no alarm."""

from __future__ import annotations

from oht50_bridge.vehicle.board_reports import BoardReport

# Vehicle and boards have one power switch: a board may begin to start when this process does.
# Besides its own time it is given this one, to be asked, identified, set up and reported.
BOARD_START_MARGIN = 5.0  # s


class BoardStarts:
    """Tells a board that may be starting from one that is lost.

    Nothing moves without a vital board in either case; see `EstopSources`.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()  # boards that were online since the start
        self._missing_since: dict[str, float] = {}  # the others, by their first report

    def may_be_starting(self, board: BoardReport, now: float) -> bool:
        """Use a report of a board at `now` (s, rising); return whether it may be starting.

        A board that was online once is lost when it is silent, and one of another layout does not
        change by waiting.
        """
        if board.online:
            self._seen.add(board.module_id)
        if board.module_id in self._seen or board.status != 'offline':
            return False
        since = self._missing_since.setdefault(board.module_id, now)
        return now - since < board.boot_time + BOARD_START_MARGIN

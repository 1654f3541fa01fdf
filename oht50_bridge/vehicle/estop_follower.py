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
"""Tells a node of every emergency stop, also of one that was cleared before the node saw it."""

from __future__ import annotations


class EstopFollower:
    """Follows the state of the emergency-stop latch.

    Of the states that are published a late reader receives only the newest. Their counter shows
    that a stop and its clear came between two of them.
    """

    def __init__(self) -> None:
        self._newest: int | None = None  # counter of the newest stop

    def update(self, counter: int, *, latched: bool) -> bool:
        """Use a state of the latch.

        Args:
            counter: number of the last stop or clear.
            latched: whether a stop is latched. If not, the last was a clear, and the stop came
                just before it.

        Returns:
            Whether there was a stop since the state before. A counter that went back belongs to
            another latch, of which any stop may have been missed.

        """
        newest = counter if latched else max(counter - 1, 0)
        before, self._newest = self._newest, newest
        return latched if before is None else newest != before

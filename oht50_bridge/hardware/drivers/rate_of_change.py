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
"""The derivative of a value that a board measures."""

from __future__ import annotations

import math


class RateOfChange:
    """The change of a value by its last two samples; NaN where they do not tell it.

    Args:
        longest: s, between two samples: beyond it too much may have happened in between.

    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._value = math.nan
        self._at = -math.inf
        self.rate = math.nan

    def update(self, value: float, at: float) -> None:
        """Use a sample, NaN where nothing was measured.

        Args:
            value: the value.
            at: s, when it was measured, on a steady clock; a sample that is not newer than the
                last one is that one again.

        """
        time = at - self._at
        if time <= 0.0:
            return
        self.rate = (value - self._value) / time if time <= self._longest else math.nan
        self._value, self._at = value, at

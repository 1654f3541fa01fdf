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
"""Lists of bounded length: what began it, and what happened last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar('Item')


def first_and_newest(items: Sequence[Item], most: int) -> list[Item]:
    """Return a sequence shortened to its first and its newest items.

    Args:
        items: the oldest first.
        most: items that are returned at most, at least 2.

    """
    if len(items) <= most:
        return list(items)
    return [items[0], *items[len(items) - most + 1 :]]

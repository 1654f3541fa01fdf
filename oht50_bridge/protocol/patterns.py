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
"""Subscription patterns: a type of event, `family.*` or `*`."""

from __future__ import annotations

from collections.abc import Iterable

from oht50_bridge.protocol.catalogue import EVENTS


def expand(pattern: str, types: Iterable[str] = EVENTS) -> tuple[str, ...]:
    """Return the types that match a pattern, in the order of `types`; empty if none does."""
    if pattern == '*':
        return tuple(types)
    if pattern.endswith('.*'):
        family = pattern[:-1]
        return tuple(name for name in types if name.startswith(family))
    return tuple(name for name in types if name == pattern)

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
"""Boards that need a serial line of their own."""

from __future__ import annotations

from collections.abc import Iterable

from oht50_bridge.hardware.registers import RegisterProfile


def crowded_board(boards: Iterable[tuple[str, RegisterProfile, str]]) -> tuple[str, str] | None:
    """Find a board that stops answering because others are on its line.

    Args:
        boards: name, profile and line of each.

    Returns:
        Its name, and the fault with its remedy; None where every board can be on its line.
    """
    listed = list(boards)
    for name, profile, line in listed:
        others = [other for other, _, its in listed if its == line and other != name]
        if profile.quirks['own_line'] and others:
            return name, (
                f'board {name} (profile {profile.name}) stops answering once it receives the '
                f'traffic of others, and {", ".join(others)} would be on its line: give it a '
                'serial line of its own'
            )
    return None

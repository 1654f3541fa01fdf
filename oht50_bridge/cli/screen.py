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
"""Text on a terminal: it is data, never markup, and nothing in it controls the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oht50_bridge.text import shown

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def cell(text: object, style: str = '') -> Text:
    """Return a text for a table of `rich`, as one line; brackets in it are brackets."""
    from rich.text import Text

    return Text(shown(str(text)), style=style)


def make_table(*columns: str) -> Table:
    """Return a table without lines whose columns fold long texts; fill it with `cell`."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow='fold')
    return table

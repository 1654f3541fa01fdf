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

import os
import re
import sys
from collections.abc import Mapping
from collections.abc import MutableMapping
from typing import TYPE_CHECKING

from oht50_bridge.text import shown

if TYPE_CHECKING:
    from rich.console import Console
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


# Sizes of terminals, in characters. A table in fewer columns loses its text; a screen of more is
# drawn for minutes. Serial consoles say 0 or 1, and so do programs that make up a terminal.
COLUMNS = range(40, 501)
LINES = range(10, 501)


def forget_absurd_size(environment: MutableMapping[str, str]) -> None:
    """Remove COLUMNS and LINES where they are no size of a terminal; it is asked instead."""
    for name, sizes in (('COLUMNS', COLUMNS), ('LINES', LINES)):
        given = environment.get(name)
        if given is not None and not (re.fullmatch('[0-9]{1,4}', given) and int(given) in sizes):
            del environment[name]


def make_console() -> Console:
    """Return the standard output for `rich`, with a size in which a table can be read."""
    from rich.console import Console

    console = Console()
    width = min(max(console.width, COLUMNS[0]), COLUMNS[-1])
    height = min(max(console.height, LINES[0]), LINES[-1])
    if (width, height) == console.size:
        return console  # and it follows the size of the terminal
    return Console(width=width, height=height)


def terminal_fault(environment: Mapping[str, str]) -> str:
    """Return why the terminal of the standard output shows no screen, empty where it does."""
    if not sys.stdout.isatty():
        return ''
    name = environment.get('TERM', '')
    if not name:
        return 'TERM is not set'
    return f'TERM is {name.lower()}' if name.lower() in ('dumb', 'unknown') else ''


def has_screen() -> bool:
    """Return whether the standard output is a terminal whose lines can be written again."""
    return sys.stdout.isatty() and not terminal_fault(os.environ)

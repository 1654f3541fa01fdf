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
import io

import pytest
from rich.console import Console

from oht50_bridge.cli.screen import cell
from oht50_bridge.cli.screen import make_table


def printed(*rows):
    console = Console(file=io.StringIO(), width=60, force_terminal=True)
    table = make_table('name', 'value')
    for row in rows:
        table.add_row(*map(cell, row))
    console.print(table)
    return console.file.getvalue()


@pytest.mark.parametrize(
    'text', ['[/x]', '[red]', '[bold', ':smile:', '[link=http://evil]x[/link]', '\\[']
)
def test_brackets_are_text(text):
    assert text in printed((text, 5))


def test_nothing_controls_the_terminal():
    text = printed(('\x1b]52;c;eA==\x07', 'a\r\nb\x9b2J\u202e'))
    assert '\\x1b]52;c;eA==\\x07' in text and 'a\\r\\nb\\x9b2J\\u202e' in text


def test_a_cell_may_have_a_style():
    assert cell('ok', 'green').style == 'green'
    assert cell(None).plain == 'None'

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
"""Write docs/reliability.md from what the fault harness has seen.

usage: write_reliability.py CAMPAIGN [SCHEDULES [MUTATIONS]]

CAMPAIGN is the output of `python -m faults.harness.campaign`, SCHEDULES that of
`python -m faults.harness.schedule`, MUTATIONS that of `python -m faults.harness.mutations`. What
stands around the tables is kept.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / 'docs' / 'reliability.md'
BEGIN, END = '<!-- table: faults -->', '<!-- end -->'


def seconds(value: float | None, digits: int) -> str:
    """Return a time for the table; a dash where there is none."""
    return '-' if value is None else f'{value:.{digits}f}'


def row(result: dict[str, Any]) -> str:
    """Return a row of the table."""
    if result.get('broken'):
        outcome = 'not judged'
    elif result['violations']:
        outcome = 'broken: ' + ', '.join(sorted({name for name, _ in result['violations']}))
    else:
        outcome = 'held'
    cells = [
        result['what'],
        result['situation'],
        outcome,
        seconds(result.get('standstill'), 2),
        seconds(result.get('recovery'), 1),
        seconds(result.get('stall'), 2),
    ]
    return f'| {" | ".join(cells)} |'


def table_of_mutations(mutations: list[dict[str, Any]]) -> list[str]:
    """Return the table of what was taken out of the product on purpose."""
    if not mutations:
        return []
    return [
        '',
        '### Protections taken out',
        '',
        '| without it | fault | situation | noticed by |',
        '| --- | --- | --- | --- |',
        *(
            f'| {each["name"]} | {each["fault"]} | {each["situation"]} | '
            f'{", ".join(each["noticed_by"]) or "nothing"} |'
            for each in mutations
        ),
    ]


def table(
    campaign: dict[str, Any], schedules: list[dict[str, Any]], mutations: list[dict[str, Any]]
) -> str:
    """Return the figures and the tables."""
    results = sorted(
        campaign['rows'], key=lambda each: (each['where'], each['what'], each['situation'])
    )
    held = sum(1 for each in results if not each.get('broken') and not each['violations'])
    lines = [
        BEGIN,
        '',
        f'The catalogue has {campaign["faults"]} faults, {campaign["situations"]} with their '
        f'situations. Tried: {len(results)}, {held} of them without a contradiction; '
        f'{campaign["date"]}, {campaign["machine"]}.',
    ]
    if schedules:
        good = sum(1 for each in schedules if not each['violations'])
        lines[-1] += (
            f' {len(schedules)} random schedules of three faults that overlap, {good} of them '
            'without one.'
        )
    places = dict.fromkeys(each['where'] for each in results)
    for place in places:
        lines += [
            '',
            f'### {place.capitalize()}',
            '',
            '| fault | situation | outcome | standstill, s | ready again, s | host stall, s |',
            '| --- | --- | --- | --- | --- | --- |',
            *(row(each) for each in results if each['where'] == place),
        ]
    return '\n'.join([*lines, *table_of_mutations(mutations), '', END])


def main() -> int:
    """Write the table between its two marks."""
    campaign, schedules, mutations = (
        json.loads(Path(name).read_text(encoding='utf-8')) if name else []
        for name in (*sys.argv[1:], None, None)[:3]
    )
    text = TARGET.read_text(encoding='utf-8')
    before, rest = text.split(BEGIN)
    after = rest.split(END, 1)[1]
    TARGET.write_text(before + table(campaign, schedules, mutations) + after, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())

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
"""Measure a vehicle as people run it, and the Foxglove SDK beside it: `make bench`.

    .venv/bin/python bench/run.py [SCENARIO ...] [--rounds 5] [--seconds 6] [--out build/bench]

Prints a table, and writes it with all values: figures.json, figures.md and figures.svg. What was
measured before and is not measured now stays in these files.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from figures import Figure
from figures import Figures
from figures import Settings
from figures import as_json
from scenarios import SCENARIOS

BAR, LINE, TEXT = 220, 18, 330  # px in the plot


def earlier(path: Path) -> dict[str, Figures]:
    """Return what was measured before."""
    if not path.exists():
        return {}
    return {
        name: Figures(
            (each['name'], Figure(**{key: each[key] for key in each if key != 'median'}))
            for each in figures
        )
        for name, figures in json.loads(path.read_text()).items()
        if name in SCENARIOS
    }


def shown(value: float) -> str:
    """Return a value with three digits that count."""
    return f'{value:.0f}' if abs(value) >= 100 else f'{value:.3g}'


def met(figure: Figure) -> str:
    """Say whether a figure is within its limit."""
    if figure.limit is None:
        return ''
    return 'yes' if figure.median <= figure.limit else 'no'


def table(results: dict[str, Figures]) -> str:
    """Return the table as Markdown."""
    lines = [
        '| scenario | figure | median | lowest to highest of the runs | aim | met |',
        '|---|---|---|---|---|---|',
    ]
    for name in filter(results.__contains__, SCENARIOS):
        title = (SCENARIOS[name].__doc__ or name).rstrip('.')
        for figure in results[name].values():
            low, high = min(figure.values), max(figure.values)
            aim = '' if figure.limit is None else f'≤ {shown(figure.limit)}'
            runs = f'{shown(low)} to {shown(high)}, n {len(figure.values)}'
            unit = f' {figure.unit}' if figure.unit else ''
            lines.append(
                f'| {title} | {figure.name} | {shown(figure.median)}{unit} | {runs} | {aim} '
                f'| {met(figure)} |'
            )
            title = ''
    return '\n'.join(lines)


def plot(results: dict[str, Figures]) -> str:
    """Return an SVG: each figure that has an aim, as a share of it."""
    rows = [
        (name, figure)
        for name in filter(results.__contains__, SCENARIOS)
        for figure in results[name].values()
        if figure.limit
    ]
    height = LINE * (len(rows) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{TEXT + 2 * BAR + 80}" '
        f'height="{height}" font-family="sans-serif" font-size="11">',
        f'<text x="{TEXT}" y="12">each figure as a share of what is aimed at (the line)</text>',
        f'<line x1="{TEXT + BAR}" x2="{TEXT + BAR}" y1="{LINE}" y2="{height}" stroke="#444"/>',
    ]
    for index, (name, figure) in enumerate(rows, 1):
        share = figure.median / (figure.limit or 1.0)
        colour = '#3a7' if share <= 1.0 else '#c63'
        y = LINE * index + 4
        parts.append(
            f'<text x="{TEXT - 6}" y="{y + 11}" text-anchor="end">{name}: {figure.name}</text>'
            f'<rect x="{TEXT}" y="{y}" width="{BAR * min(share, 2.0):.0f}" height="12" '
            f'fill="{colour}" fill-opacity="0.7"/>'
            f'<text x="{TEXT + BAR * min(share, 2.0) + 4:.0f}" y="{y + 11}">{share:.2f}</text>'
        )
    return '\n'.join([*parts, '</svg>', ''])


def main() -> None:
    """Measure, print, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('scenario', nargs='*', help=', '.join(SCENARIOS))
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=6.0)
    parser.add_argument('--out', type=Path, default=Path('build/bench'))
    options = parser.parse_args()
    unknown = set(options.scenario) - set(SCENARIOS)
    if unknown:
        parser.error(f'no such scenario: {", ".join(unknown)}')
    settings = Settings(options.rounds, options.seconds)
    options.out.mkdir(parents=True, exist_ok=True)
    results = earlier(options.out / 'figures.json')
    for name in options.scenario or SCENARIOS:
        print(f'{name} ...', file=sys.stderr, flush=True)
        results[name] = SCENARIOS[name](settings)
        (options.out / 'figures.json').write_text(as_json(results))
        (options.out / 'figures.md').write_text(table(results) + '\n')
        (options.out / 'figures.svg').write_text(plot(results))
    print(table(results))


if __name__ == '__main__':
    main()

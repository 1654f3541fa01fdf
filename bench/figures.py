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
"""Figures of scenarios, and how they are measured."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from dataclasses import field

from load import median


@dataclass
class Figure:
    """One figure of a scenario.

    Attributes:
        name: what it is.
        unit: of it.
        values: one of each run.
        limit: the most that is aimed at; None: it is only reported.

    """

    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    limit: float | None = None

    @property
    def median(self) -> float:
        """The median of the runs."""
        return median(self.values)


@dataclass(frozen=True)
class Settings:
    """How long to measure: `rounds` runs of `seconds` s."""

    rounds: int = 5
    seconds: float = 6.0


class Figures(dict[str, Figure]):
    """Figures by name, in the order in which they were first noted."""

    def note(self, name: str, unit: str, value: float, limit: float | None = None) -> None:
        """Add the value of one run."""
        self.setdefault(name, Figure(name, unit, [], limit)).values.append(value)


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that a share of all does not exceed; NaN of none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def as_json(results: dict[str, Figures]) -> str:
    """Return figures as JSON: by scenario, a list."""
    return json.dumps(
        {
            name: [{**vars(figure), 'median': figure.median} for figure in figures.values()]
            for name, figures in results.items()
        },
        indent=1,
    )

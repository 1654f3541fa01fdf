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
"""Parameters that something else than the configuration changed in a node."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from oht50_bridge.vehicle.config_table import Item


@dataclass(frozen=True)
class Drift:
    """What a node has that it should not have.

    Attributes:
        found: what was read, name to value.
        wanted: what it should have, the same names to values.
        is_new: whether it was not reported yet.

    """

    found: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, Any] = field(default_factory=dict)
    is_new: bool = False


class ConfigDrift:
    """Compares what a node has with what it should have, one node after another.

    What is configured is known. What is not has the value of the node's parameter files: the one
    read when the node had just started or, after a start of config_node alone, read first. What
    was changed before that cannot be noticed.

    Args:
        items: what may be configured; those that are not kept are not looked at.

    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._kept = {item.name for item in items if item.kept}
        self._initial: dict[str, dict[str, Any]] = {}  # by node
        self._reported: dict[str, dict[str, Any]] = {}  # by node, what was found last

    def started(self, node: str, values: Mapping[str, Any]) -> None:
        """Note the values of a node that has just started, name to value."""
        self._initial[node] = dict(values)

    def initial(self, node: str, name: str) -> Any:
        """Return the value of the parameter files, None while it is not known."""
        return self._initial.get(node, {}).get(name)

    def check(self, node: str, values: Mapping[str, Any], configured: Mapping[str, Any]) -> Drift:
        """Compare the values of a node that has the version in force.

        Args:
            node: its name.
            values: what was read, name to value.
            configured: what is configured, also of other nodes, name to value.

        Returns:
            What differs; empty when nothing does.

        """
        initial = self._initial.setdefault(node, dict(values))
        wanted = {**initial, **configured}
        found = {
            name: value
            for name, value in values.items()
            if name in self._kept and name in wanted and value != wanted[name]
        }
        is_new = bool(found) and found != self._reported.get(node)
        self._reported[node] = found
        return Drift(found, {name: wanted[name] for name in found}, is_new)

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
"""Settings as fields of a dataclass: each carries its default, text, unit and range.

A settings dataclass is the only definition of its parameters. Nodes declare them from it
(`nodes.declaring.declare_settings`), and `config/vehicle.yaml` is tested against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import replace
from typing import Any
from typing import TypeVar

_KEY = 'setting'

SettingsT = TypeVar('SettingsT')


@dataclass(frozen=True)
class Setting:
    """What a field of a settings dataclass says of itself, besides its default.

    Attributes:
        description: meaning, without the unit.
        unit: SI unit, empty for none.
        minimum: least value allowed, for numbers.
        maximum: greatest value allowed, for numbers.
        read_only: whether it can be set only at the start of a node.

    """

    description: str
    unit: str = ''
    minimum: float | None = None
    maximum: float | None = None
    read_only: bool = True

    @property
    def text(self) -> str:
        """Meaning and unit, as the description of a parameter."""
        return f'{self.description}, {self.unit}' if self.unit else self.description


def setting(
    default: Any,
    description: str,
    *,
    unit: str = '',
    minimum: float | None = None,
    maximum: float | None = None,
    read_only: bool = True,
) -> Any:
    """Return a dataclass field for a setting.

    Args:
        default: its value without an override; its type is the parameter's type. Arrays are
            tuples with at least one element, which gives the type of the elements.
        description: meaning, without the unit.
        unit: SI unit.
        minimum: least value allowed, for numbers.
        maximum: greatest value allowed, for numbers.
        read_only: whether it can be set only at the start of a node.

    """
    metadata = {_KEY: Setting(description, unit, minimum, maximum, read_only)}
    return field(default=default, metadata=metadata)


def settings_of(cls: type[Any]) -> Iterator[tuple[str, Any, Setting]]:
    """Yield name, default and description of each setting of a dataclass, in order."""
    for each in fields(cls):
        if _KEY in each.metadata:
            yield each.name, each.default, each.metadata[_KEY]


def updated_settings(settings: SettingsT, values: Mapping[str, Any]) -> SettingsT:
    """Return settings with new values, the same object when none of the values belongs to it.

    Args:
        settings: an instance of a settings dataclass.
        values: new values by name; names that are not its settings are ignored.

    Raises:
        ValueError: the values contradict one another; the settings stay as they are.

    """
    changes = {
        name: tuple(values[name]) if isinstance(default, tuple) else values[name]
        for name, default, _ in settings_of(type(settings))
        if name in values
    }
    return replace(settings, **changes) if changes else settings  # type: ignore[type-var]  # a dataclass, see Args

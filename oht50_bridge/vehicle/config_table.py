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
"""What may be configured: names, their parameters, and the values allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oht50_bridge.settings import setting

# What the configuration must never contain: every viewer and every client can read it.
SECRET = re.compile(
    r'secret|token|passw|passphrase|credential|private|jwt|api_?key|(^|[_.])key([_.]|$)',
    re.IGNORECASE,
)
# Types of a parameter, by the names that ROS 2 has for them.
ELEMENTS: dict[str, Any] = {'bool': bool, 'integer': int, 'double': float, 'string': str}
TYPES = (*ELEMENTS, 'bool_array', 'integer_array', 'double_array', 'string_array')
MAXIMUM_LENGTH = 256  # characters of a text, elements of an array
MAX_CHANGE = 300  # characters of a change: those of all items must fit into one event


class ConfigError(ValueError):
    """A change is refused; the message names the parameter and the remedy."""


@dataclass(frozen=True)
class ConfigNodeSettings:
    """What may be configured, and how often the nodes are checked."""

    check_period: float = setting(
        0.5,
        'Period of requesting the configuration version of each node',
        unit='s',
        minimum=0.1,
        maximum=10.0,
    )
    table_version: str = setting(
        '1.0',
        'MAJOR.MINOR of the items: a new item raises MINOR; an item that is removed or changes '
        'its meaning raises MAJOR',
    )
    items: tuple[str, ...] = setting(('telemetry_rate',), 'Names of what may be configured')


@dataclass(frozen=True)
class ItemSettings:
    """One item: `item.NAME.*`."""

    node: str = setting('', 'Node that has the parameter')
    parameter: str = setting('', 'Name of the parameter in that node')
    type: str = setting('double', 'Type of the parameter')
    unit: str = setting('', 'Unit')
    minimum: float = setting(-math.inf, 'Least value allowed')
    maximum: float = setting(math.inf, 'Greatest value allowed')
    description: str = setting('', 'Meaning')
    kept: bool = setting(
        True, 'Whether a value that something else than the configuration sets is put back'
    )


@dataclass(frozen=True)
class Item:
    """A configurable parameter.

    Attributes:
        name: its name for clients.
        node: the node that has the parameter.
        parameter: the parameter's name there.
        type: one of TYPES.
        unit: unit of its value, empty without one.
        minimum: least value (of each element) allowed, for numbers.
        maximum: greatest value (of each element) allowed, for numbers.
        description: what it means.
        kept: whether a value that something else than the configuration sets is put back.

    """

    name: str
    node: str
    parameter: str
    type: str
    unit: str = ''
    minimum: float = -math.inf
    maximum: float = math.inf
    description: str = ''
    kept: bool = True

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ConfigError(f'{self.name}: type {self.type!r} must be one of {", ".join(TYPES)}')
        if not self.node:
            raise ConfigError(f'{self.name}: node is missing')
        if self.minimum > self.maximum:
            raise ConfigError(f'{self.name}: minimum is above maximum')
        refuse_secret(self.name)
        refuse_secret(self.parameter)

    def check(self, value: Any) -> Any:
        """Check a value and return it in the type of the parameter; integers count as doubles.

        Raises:
            ConfigError: it is of another type or out of range.

        """
        kind = self.type.removesuffix('_array')
        if kind == self.type:
            return self._check_element(kind, value)
        if not isinstance(value, list):
            raise ConfigError(f'{self.name}: must be an array of {kind}')
        if len(value) > MAXIMUM_LENGTH:
            raise ConfigError(f'{self.name}: at most {MAXIMUM_LENGTH} elements')
        return [self._check_element(kind, element) for element in value]

    def _check_element(self, kind: str, value: Any) -> Any:
        if kind == 'double' and type(value) is int and abs(value) < 2**53:
            value = float(value)
        if type(value) is not ELEMENTS[kind]:  # a bool is no integer here
            raise ConfigError(f'{self.name}: must be {kind}')
        if isinstance(value, str) and len(value) > MAXIMUM_LENGTH:
            raise ConfigError(f'{self.name}: at most {MAXIMUM_LENGTH} characters')
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f'{self.name}: must be a finite number')
        if kind in ('integer', 'double') and not self._in_range(value):
            unit = f' {self.unit}' if self.unit else ''
            raise ConfigError(
                f'{self.name} {value:g}: must be within {self.minimum:g} and '
                f'{self.maximum:g}{unit}'
            )
        return value

    def _in_range(self, value: float) -> bool:
        return self.minimum <= value <= self.maximum


def refuse_secret(name: str) -> None:
    """Refuse a name that is the name of a secret.

    Raises:
        ConfigError: it is one.

    """
    if SECRET.search(name):
        raise ConfigError(
            f'{name}: a secret must not be in the configuration; give it to its node by a file '
            'or an environment variable'
        )


class ConfigTable:
    """Everything that may be configured, by name.

    Raises:
        ConfigError: two items have one name, or one parameter.

    """

    def __init__(self, items: Iterable[Item]) -> None:
        self.items: dict[str, Item] = {}
        parameters: dict[tuple[str, str], str] = {}
        for item in items:
            if item.name in self.items:
                raise ConfigError(f'{item.name}: occurs twice')
            twin = parameters.setdefault((item.node, item.parameter), item.name)
            if twin != item.name:
                raise ConfigError(f'{item.name}: is also the parameter of {twin}')
            self.items[item.name] = item

    def of_node(self, node: str) -> list[Item]:
        """Return the items of a node."""
        return [item for item in self.items.values() if item.node == node]

    def nodes(self, names: Iterable[str] | None = None) -> list[str]:
        """Return the nodes of some names, or of all, each once."""
        names = self.items if names is None else names
        return list(dict.fromkeys(self.items[name].node for name in names))

    def check(self, values: Any) -> dict[str, Any]:
        """Check values by name and return them in the types of their parameters.

        Raises:
            ConfigError: a value is not allowed; it names the parameter and the remedy.

        """
        if not isinstance(values, Mapping):
            raise ConfigError('changes: must be an object, name to value')
        return {name: self._item(name).check(value) for name, value in values.items()}

    def _item(self, name: str) -> Item:
        refuse_secret(name)
        if name not in self.items:
            raise ConfigError(
                f'{name}: cannot be configured; possible are {", ".join(sorted(self.items))}'
            )
        return self.items[name]


def describe(old: Any, new: Any) -> str:
    """Return a change for a person, such as '1.5 -> 2.0' or 'added zone-001', in short."""
    text = _change(old, new)
    return text if len(text) <= MAX_CHANGE else text[: MAX_CHANGE - 1] + '…'


def _change(old: Any, new: Any) -> str:
    if _are_texts(old) and _are_texts(new):
        # An empty name means none: arrays of parameters cannot always be empty.
        added = [text for text in new if text and text not in old]
        removed = [text for text in old if text and text not in new]
        parts = [
            f'{verb} {", ".join(texts)}'
            for verb, texts in (('added', added), ('removed', removed))
            if texts
        ]
        if parts:
            return '; '.join(parts)
    return f'{_text(old)} -> {_text(new)}'


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(element, str) for element in value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f'[{", ".join(map(_text, value))}]'
    return "''" if value == '' else str(value)

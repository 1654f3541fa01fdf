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
"""Roles: the events that a client may read, and the commands that it may give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oht50_bridge.protocol.catalogue import COMMANDS
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import FAMILIES
from oht50_bridge.protocol.catalogue import LEVELS
from oht50_bridge.protocol.patterns import expand
from oht50_bridge.strict_yaml import YamlError
from oht50_bridge.strict_yaml import read_yaml

_COMMANDS = frozenset(name for name, entry in COMMANDS.items() if entry.level is not None)


class RolesError(ValueError):
    """The table of roles is wrong; the message names the entry and the values allowed there."""


@dataclass(frozen=True)
class Role:
    """The rights of a role.

    Attributes:
        events: types of events that it may read.
        commands: commands that it may give to the vehicle.

    """

    events: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()

    @property
    def may(self) -> dict[str, list[str]]:
        """The commands that it may order, and the patterns of all that it may read."""
        read: list[str] = []
        for family in FAMILIES:
            types = [name for name, event in EVENTS.items() if event.family == family]
            allowed = [name for name in types if name in self.events]
            read += [f'{family}.*'] if allowed == types else allowed
        return {'order': [name for name in COMMANDS if name in self.commands], 'read': read}


_NO_RIGHTS = Role()


class Roles:
    """The table of roles. An unknown role has no rights."""

    def __init__(self, table: Mapping[str, Role]) -> None:
        self._table = dict(table)

    def __getitem__(self, role: str) -> Role:
        return self._table.get(role, _NO_RIGHTS)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the roles, in the order of the table."""
        return tuple(self._table)

    def __contains__(self, role: object) -> bool:
        return role in self._table


def load_roles(path: Path) -> Roles:
    """Return the roles of a YAML file in the format of config/roles.yaml.

    Raises:
        OSError: the file cannot be read.
        RolesError: the content is not a table of roles.

    """
    try:
        document = read_yaml(path)
    except YamlError as error:
        raise RolesError(f'{path}: {error}') from error
    return parse_roles(document, str(path))


def parse_roles(document: Any, source: str = 'roles') -> Roles:
    """Return the roles of a parsed document, checked against the catalogue.

    Raises:
        RolesError: the document is not a table of roles.

    """
    if (
        not isinstance(document, dict)
        or set(document) != {'roles'}
        or not isinstance(document['roles'], dict)
        or not document['roles']
    ):
        raise RolesError(f'{source}: needs one key, roles, with a table of roles below it')
    table = {}
    for name, entry in document['roles'].items():
        where = f'{source}: roles.{name}'
        if not isinstance(name, str):
            raise RolesError(f'{where}: the name of a role must be a string')
        if not isinstance(entry, dict) or 'level' not in entry:
            raise RolesError(f'{where}: needs a level, one of {", ".join(LEVELS)}')
        unknown = sorted(set(map(str, entry)) - {'level', 'allow', 'deny'})
        if unknown:
            raise RolesError(f'{where}: {", ".join(unknown)} unknown; allowed: level, allow, deny')
        if entry['level'] not in LEVELS:
            raise RolesError(f'{where}.level: {entry["level"]} is not one of {", ".join(LEVELS)}')
        rights = _rights_of(entry['level'])
        rights |= _named(entry.get('allow', []), f'{where}.allow')
        rights -= _named(entry.get('deny', []), f'{where}.deny')
        table[name] = Role(rights & EVENTS.keys(), rights & _COMMANDS)
    return Roles(table)


def _rights_of(level: str) -> frozenset[str]:
    """Return the events and commands that the catalogue allows at a level."""
    below = LEVELS[: LEVELS.index(level) + 1]
    return frozenset(
        name
        for table in (EVENTS, COMMANDS)
        for name, entry in table.items()
        if entry.level in below
    )


def _named(value: Any, where: str) -> frozenset[str]:
    """Return the event types and commands that a list names."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RolesError(f'{where}: needs a list of commands, event types and family.* patterns')
    names: set[str] = set()
    for item in value:
        found = {item} & _COMMANDS or set(expand(item))
        if not found:
            raise RolesError(
                f'{where}: {item} is neither an event type, nor family.*, nor a command to the '
                f'vehicle ({", ".join(sorted(_COMMANDS))})'
            )
        names |= found
    return frozenset(names)

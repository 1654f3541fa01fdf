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

"""The command line: everything between `--ros-args` and `--`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import NamedTuple

from rclpy._names import expand_topic_name
from rclpy._outside import outside
from rclpy._parameter_values import Override
from rclpy._parameter_values import checked_value
from rclpy._parameter_values import load_yaml
from rclpy._parameter_values import read_parameter_file
from rclpy.exceptions import RCLError

_FLAGS = {
    f'--{verb}-{output}-logs': (output, verb == 'enable')
    for verb in ('enable', 'disable')
    for output in ('rosout', 'stdout', 'external-lib')
}
_SHORT = {'-r': '--remap', '-p': '--param', '-e': '--enclave'}
_OPTIONS = (
    '--remap',
    '--param',
    '--enclave',
    '--params-file',
    '--log-level',
    '--log-config-file',
    '--log-file-name',
)


class Remap(NamedTuple):
    """A rule `[node:]source:=target`."""

    node: str
    source: str
    target: str


@dataclass
class Arguments:
    """What the command line says, in its order."""

    remaps: list[Remap] = field(default_factory=list)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Pattern of nodes to values by parameter, in the order in which patterns were first seen."""
    log_levels: list[tuple[str, str]] = field(default_factory=list)
    """(logger or '', level)"""
    flags: dict[str, bool] = field(default_factory=lambda: {'rosout': True, 'stdout': True})
    enclave: str = '/'

    def remapped(self, kinds: tuple[str, ...], node_name: str) -> str | None:
        """Return the target of the first rule for `__node` or `__ns`, if there is one."""
        return next(
            (
                rule.target
                for rule in self.remaps
                if rule.source in kinds and rule.node in ('', node_name)
            ),
            None,
        )

    def resolve(self, name: str, node_name: str, namespace: str, *, is_service: bool) -> str:
        """Return the full name of a topic or service, expanded and remapped."""
        full = expand_topic_name(name, node_name, namespace, is_service=is_service)
        other_scheme = 'rostopic://' if is_service else 'rosservice://'
        for node, source, target in self.remaps:
            if source.startswith(('__', other_scheme)) or node not in ('', node_name):
                continue
            source = source.rpartition('://')[2]
            if expand_topic_name(source, node_name, namespace) == full:
                return expand_topic_name(target, node_name, namespace, is_service=is_service)
        return full

    def add(self, override: Override) -> None:
        """Put a value into its section, over one that is there."""
        self.sections.setdefault(override.pattern, {})[override.name] = override.value

    def overrides(self, node: str) -> dict[str, Any]:
        """Return the parameters given for the node of this full name.

        As in rcl, the section seen first is the weakest, even if values are added to it later:
        `-p name:=value` belongs to `/**`, over which a section of a file for one node wins.
        """
        found: dict[str, Any] = {}
        for pattern, values in self.sections.items():
            if _matches(pattern, node):
                found.update(values)
        return found


def _matches(pattern: str, node: str) -> bool:
    # As rcl: `/*` is one token of a name, and so `/**` is any number of them, even none.
    # What else is no letter, other asterisks too, is in the name of no node.
    parts = re.split(r'(/\*\*|/\*)', f'/{pattern.removeprefix("/")}')
    expressions = {'/**': r'(?:/\w+)*', '/*': r'/\w+'}
    expression = ''.join(expressions.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(expression, node) is not None


def split(args: list[str]) -> tuple[list[str], list[str]]:
    """Split a command line into ROS arguments and the others."""
    ros: list[str] = []
    others: list[str] = []
    inside = False
    for arg in args:
        if arg == '--ros-args':
            inside = True
        elif inside and arg == '--':
            inside = False
        else:
            (ros if inside else others).append(arg)
    return ros, others


def parse(args: list[str]) -> Arguments:
    """Parse a command line.

    Raises:
        RCLError: an argument is unknown or malformed, or a parameter file is.

    """
    result = Arguments()
    rest = iter(split(args)[0])
    for arg in rest:
        if arg in _FLAGS:
            output, enabled = _FLAGS[arg]
            result.flags[output] = enabled
            continue
        option = _SHORT.get(arg, arg)
        if option not in _OPTIONS:
            raise RCLError(
                f'unknown ROS argument {arg!r}; end ROS arguments with "--" before '
                'arguments of the program'
            )
        value = next(rest, None)
        if value is None:
            raise RCLError(f'ROS argument {arg!r} needs a value')
        if option == '--remap':
            result.remaps.append(_remap(value))
        elif option == '--param':
            result.add(_parameter(value))
        elif option == '--params-file':
            for override in read_parameter_file(value):
                result.add(override)
        elif option == '--log-level':
            logger, _, level = value.rpartition(':=')
            result.log_levels.append((logger, level))
        elif option == '--enclave':
            result.enclave = value
        else:
            outside(f'the ROS argument {arg}')
    return result


def _remap(rule: str) -> Remap:
    found = re.fullmatch(r'(?:(\w+):(?!//|=))?(.+?):=(.+)', rule)
    if not found:
        raise RCLError(f'remap rule {rule!r} is not of the form from:=to')
    if '*' in found[2]:
        outside(f'the wildcard in the remap rule {rule!r}')
    return Remap(found[1] or '', found[2], found[3])


def _parameter(rule: str) -> Override:
    source, found, text = rule.partition(':=')
    node, _, name = source.rpartition(':')
    if not found or not name:
        raise RCLError(f'parameter {rule!r} is not of the form name:=value')
    return Override(node or '/**', name, checked_value(load_yaml(text, rule), name))

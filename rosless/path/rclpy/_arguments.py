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
from typing import ClassVar
from typing import NamedTuple

from rclpy._names import expand_topic_name
from rclpy._outside import outside
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
PARAMETERS_KEY = 'ros__parameters'


class Remap(NamedTuple):
    """A rule `[node:]source:=target`."""

    node: str
    source: str
    target: str


class Override(NamedTuple):
    """The value of a parameter, for all nodes whose full names match a pattern."""

    pattern: str
    name: str
    value: Any


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

        As in rcl, the section seen first is the weakest, whatever is added to it later:
        `-p name:=value` belongs to `/**`, over which a section of a file for one node wins.
        """
        found: dict[str, Any] = {}
        for pattern, values in self.sections.items():
            if _matches(pattern, node):
                found.update(values)
        return found


def _matches(pattern: str, node: str) -> bool:
    # As rcl: `/*` is one token of a name, and so `/**` is any number of them, even none.
    expression = f'/{pattern.removeprefix("/")}'.replace('/*', r'(/\w+)')
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
    """Parse a whole command line.

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
    return Override(node or '/**', name, _value(_yaml(text, rule), name))


def _value(value: Any, name: str) -> Any:
    """Check that a YAML value is one that a parameter can have."""
    items = value if isinstance(value, list) else [value]
    kinds = {type(item) for item in items}
    if len(kinds) > 1 or kinds - {bool, int, float, str}:
        raise RCLError(
            f'parameter {name!r} must be a bool, int, float or str, or a list of one '
            f'of these; got {value!r} (write 1.0 for a float)'
        )
    if int in kinds and not all(-(2**63) <= item < 2**63 for item in items):
        raise RCLError(f'parameter {name!r}: {value} does not fit 64 bits')
    return value


def _yaml(text: str, source: str) -> Any:
    """Load YAML with rcl's scalars: 1e3 is a number, dates and sexagesimals are text."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    for kind, pattern, convert in (
        (
            'bool',
            r'(?i:y|yes|true|on|n|no|false|off)',
            lambda text: text.lower() in ('y', 'yes', 'true', 'on'),
        ),
        (
            'int',
            r'[-+]?(?:0x[0-9a-fA-F]+|[0-9]+)',
            lambda text: int(text, 16 if 'x' in text else 10),
        ),
        (
            'float',
            r'[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?'
            r'|[-+]?[0-9]+[eE][-+]?[0-9]+|(?i:[-+]?\.?inf|\.?nan)',
            lambda text: float(re.sub(r'\.(?=[a-z])', '', text.lower())),
        ),
        ('null', r'~|(?i:null)|', lambda text: None),
    ):
        tag = f'tag:yaml.org,2002:{kind}'
        Loader.add_implicit_resolver(tag, re.compile(f'(?:{pattern})$'), None)
        Loader.add_constructor(
            tag, lambda loader, node, convert=convert: convert(loader.construct_scalar(node))
        )
    try:
        return yaml.load(text, Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        raise RCLError(f'{source}: not valid YAML: {error}') from error


def read_parameter_file(path: str) -> list[Override]:
    """Return the parameters of a YAML file in its order."""
    try:
        with open(path, encoding='utf-8') as stream:
            content = _yaml(stream.read(), path)
    except OSError as error:
        raise RCLError(f'parameter file {path}: {error.strerror}') from error
    found: list[Override] = []

    def values(node: str, prefix: str, tree: dict[Any, Any]) -> None:
        for key, value in tree.items():
            name = f'{prefix}{key}'
            if isinstance(value, dict):
                values(node, f'{name}.', value)
            else:
                found.append(Override(node, name, _value(value, name)))

    def nodes(prefix: str, tree: Any) -> None:
        if not isinstance(tree, dict):
            raise RCLError(
                f'parameter file {path}: {prefix or "the top level"} must be a map of '
                f'node names to {PARAMETERS_KEY}'
            )
        for key, value in tree.items():
            if key != PARAMETERS_KEY:
                nodes(f'{prefix}/{str(key).strip("/")}' if prefix else str(key), value)
            elif prefix and isinstance(value, dict):
                values(prefix, '', value)
            else:
                raise RCLError(
                    f'parameter file {path}: {PARAMETERS_KEY} must be a map inside a node name'
                )

    nodes('', {} if content is None else content)
    return found

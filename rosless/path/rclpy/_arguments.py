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

from rclpy._names import expand_topic_name
from rclpy.exceptions import RCLError

_FLAGS = {'--enable-rosout-logs': ('rosout', True), '--disable-rosout-logs': ('rosout', False),
          '--enable-stdout-logs': ('stdout', True), '--disable-stdout-logs': ('stdout', False),
          '--enable-external-lib-logs': ('external', True),
          '--disable-external-lib-logs': ('external', False)}
_OPTIONS = {'-r': '--remap', '-p': '--param', '-e': '--enclave', '--remap': '--remap',
            '--param': '--param', '--enclave': '--enclave', '--params-file': '--params-file',
            '--log-level': '--log-level', '--log-config-file': '--log-config-file',
            '--log-file-name': '--log-file-name'}
PARAMETERS_KEY = 'ros__parameters'


@dataclass
class Remap:
    """A rule `[node:]from:=to`."""

    node: str
    source: str
    target: str


@dataclass
class Arguments:
    """What the command line says, in its order."""

    remaps: list[Remap] = field(default_factory=list)
    parameters: list[tuple[str, str, Any]] = field(default_factory=list)
    """(pattern of a node's full name, parameter, value)"""
    log_levels: list[tuple[str, str]] = field(default_factory=list)
    """(logger or '', level)"""
    flags: dict[str, bool] = field(default_factory=lambda: {'rosout': True, 'stdout': True})
    enclave: str = '/'

    def remapped(self, kind: str, node_name: str) -> str | None:
        """Return the target of the first rule for `__node` or `__ns`, if there is one."""
        kinds = ('__node', '__name') if kind == '__node' else (kind,)
        for rule in self.remaps:
            if rule.source in kinds and rule.node in ('', node_name):
                return rule.target
        return None

    def resolve(self, name: str, node_name: str, namespace: str, *, is_service: bool) -> str:
        """Return the full name of a topic or service, expanded and remapped."""
        full = expand_topic_name(name, node_name, namespace, is_service=is_service)
        for rule in self.remaps:
            source = rule.source
            scheme = re.match(r'(rostopic|rosservice)://', source)
            if scheme:
                if (scheme[1] == 'rosservice') != is_service:
                    continue
                source = source[scheme.end():]
            if source.startswith('__') or rule.node not in ('', node_name):
                continue
            if expand_topic_name(source, node_name, namespace) == full:
                return expand_topic_name(rule.target, node_name, namespace,
                                         is_service=is_service)
        return full

    def overrides(self, node: str) -> dict[str, Any]:
        """Return the parameters given for the node of this full name; the last one wins."""
        return {name: value for pattern, name, value in self.parameters
                if _matches(pattern, node)}


def _matches(pattern: str, node: str) -> bool:
    if not pattern.startswith('/'):
        pattern = '/' + pattern
    # As rcl: `/*` is one token of a name, and so `/**` is any number of them, even none.
    expression = pattern.replace('/*', r'(/\w+)')
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
    """
    Parse a whole command line.

    Raises:
        RCLError: an argument is unknown or malformed, or a parameter file is.

    """
    result = Arguments()
    overrides: list[tuple[str, str, Any]] = []
    ros, _ = split(args)
    position = 0
    while position < len(ros):
        arg = ros[position]
        position += 1
        if arg in _FLAGS:
            name, value = _FLAGS[arg]
            result.flags[name] = value
            continue
        if arg not in _OPTIONS:
            raise RCLError(f'unknown ROS argument {arg!r}; end ROS arguments with "--" before '
                           'arguments of the program')
        if position == len(ros):
            raise RCLError(f'ROS argument {arg!r} needs a value')
        value = ros[position]
        position += 1
        option = _OPTIONS[arg]
        if option == '--remap':
            result.remaps.append(_remap(value))
        elif option == '--param':
            overrides.append(_parameter(value))
        elif option == '--params-file':
            result.parameters += read_parameter_file(value)
        elif option == '--log-level':
            logger, found, level = value.rpartition(':=')
            result.log_levels.append((logger if found else '', level))
        elif option == '--enclave':
            result.enclave = value
        else:
            raise NotImplementedError(f'rosless: {arg} is not supported; install ROS 2 for it')
    # As rcl: single parameters win over files wherever they stand.
    result.parameters += overrides
    return result


def _remap(rule: str) -> Remap:
    source, found, target = rule.partition(':=')
    if not found or not source or not target:
        raise RCLError(f'remap rule {rule!r} is not of the form from:=to')
    if '*' in source:
        raise NotImplementedError(
            f'rosless: wildcards in the remap rule {rule!r} are not supported; install ROS 2')
    prefix = re.match(r'(\w+):(?!//)', source)
    node = prefix[1] if prefix else ''
    return Remap(node, source[prefix.end():] if prefix else source, target)


def _parameter(rule: str) -> tuple[str, str, Any]:
    source, found, text = rule.partition(':=')
    node, has_node, name = source.rpartition(':')
    if not found or not name:
        raise RCLError(f'parameter {rule!r} is not of the form name:=value')
    return (node if has_node else '/**'), name, _value(_yaml(text, rule), name)


def _value(value: Any, name: str) -> Any:
    """Check that a YAML value is one that a parameter can have."""
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        if len(kinds) > 1 or kinds - {bool, int, float, str}:
            raise RCLError(f'parameter {name!r}: the elements of an array must all be bool, int, '
                           f'float or str; got {value!r} (write 1.0 for a float)')
    elif not isinstance(value, (bool, int, float, str)):
        raise RCLError(f'parameter {name!r} has no value that a parameter can have: {value!r}')
    elif isinstance(value, int) and not -2**63 <= value < 2**63:
        raise RCLError(f'parameter {name!r}: {value} does not fit 64 bits')
    return value


def _yaml(text: str, source: str) -> Any:
    """Load YAML with rcl's scalars: 1e3 is a number, dates and sexagesimals are text."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    tag = 'tag:yaml.org,2002:'
    for kind, pattern, first in (
            ('bool', r'y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON'
                     r'|n|N|no|No|NO|false|False|FALSE|off|Off|OFF', 'yYnNtTfFoO'),
            ('int', r'[-+]?(0x[0-9a-fA-F]+|[0-9]+)', '-+0123456789'),
            ('float', r'[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?'
                      r'|[-+]?[0-9]+[eE][-+]?[0-9]+'
                      r'|[-+]?\.?(inf|Inf|INF)|\.?(nan|NaN|NAN)', '-+0123456789.inIN'),
            ('null', r'~|null|Null|NULL|', '~nN')):
        firsts = [*first, ''] if kind == 'null' else list(first)
        Loader.add_implicit_resolver(tag + kind, re.compile(f'(?:{pattern})$'), firsts)

    def number(loader: Any, node: Any) -> float:
        return float(loader.construct_scalar(node).lower().replace('.inf', 'inf')
                     .replace('.nan', 'nan'))

    def integer(loader: Any, node: Any) -> int:
        text = loader.construct_scalar(node)
        return int(text, 16 if 'x' in text else 10)

    def boolean(loader: Any, node: Any) -> bool:
        return loader.construct_scalar(node).lower() in ('y', 'yes', 'true', 'on')

    Loader.add_constructor(tag + 'float', number)
    Loader.add_constructor(tag + 'int', integer)
    Loader.add_constructor(tag + 'bool', boolean)
    try:
        return yaml.load(text, Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        raise RCLError(f'{source}: not valid YAML: {error}') from error


def read_parameter_file(path: str) -> list[tuple[str, str, Any]]:
    """Return (pattern of a node's full name, parameter, value) in the file's order."""
    try:
        with open(path, encoding='utf-8') as stream:
            content = _yaml(stream.read(), path)
    except OSError as error:
        raise RCLError(f'parameter file {path}: {error.strerror}') from error
    found: list[tuple[str, str, Any]] = []

    def values(node: str, prefix: str, tree: dict[Any, Any]) -> None:
        for key, value in tree.items():
            name = f'{prefix}{key}'
            if isinstance(value, dict):
                values(node, f'{name}.', value)
            else:
                found.append((node, name, _value(value, name)))

    def nodes(prefix: str, tree: Any) -> None:
        if not isinstance(tree, dict):
            raise RCLError(f'parameter file {path}: {prefix or "the top level"} must be a map of '
                           f'node names to {PARAMETERS_KEY}')
        for key, value in tree.items():
            if key == PARAMETERS_KEY:
                if not prefix or not isinstance(value, dict):
                    raise RCLError(f'parameter file {path}: {PARAMETERS_KEY} must be a map inside '
                                   'a node name')
                values(prefix, '', value)
            else:
                nodes(f'{prefix}/{str(key).strip("/")}' if prefix else str(key), value)

    if content is not None:
        nodes('', content)
    return found

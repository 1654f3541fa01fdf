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
"""Values of parameters from YAML: of the command line, and of parameter files."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from typing import NamedTuple

from rclpy.exceptions import RCLError

PARAMETERS_KEY = 'ros__parameters'
_SCALARS: dict[str, tuple[str, Callable[[str], Any]]] = {
    'bool': (
        r'(?i:y|yes|true|on|n|no|false|off)',
        lambda text: text.lower() in ('y', 'yes', 'true', 'on'),
    ),
    'int': (r'[-+]?(?:0x[0-9a-fA-F]+|[0-9]+)', lambda text: int(text, 16 if 'x' in text else 10)),
    'float': (
        r'[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?'
        r'|[-+]?[0-9]+[eE][-+]?[0-9]+|(?i:[-+]?\.?inf|\.?nan)',
        lambda text: float(re.sub(r'\.(?=[a-z])', '', text.lower())),
    ),
    'null': (r'~|(?i:null)|', lambda text: None),
}
"""The pattern and the conversion of each kind of scalar that is no text, as in rcl."""


class Override(NamedTuple):
    """The value of a parameter, for all nodes whose full names match a pattern."""

    pattern: str
    name: str
    value: Any


def _construct(convert: Callable[[str], Any], loader: Any, node: Any) -> Any:
    return convert(loader.construct_scalar(node))


def checked_value(value: Any, name: str) -> Any:
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


def load_yaml(text: str, source: str) -> Any:
    """Load YAML with rcl's scalars: 1e3 is a number, dates and sexagesimals are text."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    # Not those of YAML 1.1.
    Loader.yaml_implicit_resolvers = {}
    for kind, (pattern, convert) in _SCALARS.items():
        tag = f'tag:yaml.org,2002:{kind}'
        Loader.add_implicit_resolver(tag, re.compile(f'(?:{pattern})$'), None)
        Loader.add_constructor(tag, partial(_construct, convert))
    try:
        return yaml.load(text, Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        raise RCLError(f'{source}: not valid YAML: {error}') from error


def read_parameter_file(path: str) -> list[Override]:
    """Return the parameters of a YAML file in its order."""
    try:
        content = load_yaml(Path(path).read_text('utf-8'), path)
    except OSError as error:
        raise RCLError(f'parameter file {path}: {error.strerror}') from error
    found: list[Override] = []

    def values(node: str, prefix: str, tree: dict[Any, Any]) -> None:
        for key, value in tree.items():
            name = f'{prefix}{key}'
            if isinstance(value, dict):
                values(node, f'{name}.', value)
            else:
                found.append(Override(node, name, checked_value(value, name)))

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

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
"""ROS parameter files as rcl reads them, with the place of each value.

Not `yaml.safe_load`: its YAML 1.1 reads `1:30` as 90 and `1e3` as a text, loses a section that is
there twice, and does not tell where a value stands.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from oht50_bridge.text import shown

PARAMETERS_KEY = 'ros__parameters'
MAXIMUM_SIZE = 256 * 1024  # bytes of a file
MAXIMUM_DEPTH = 16  # of maps in maps
SHOWN = 60  # characters of a value in a message

_NULL = re.compile(r'~|(?i:null)|')
_BOOLEAN = re.compile(r'(?i:y|yes|true|on|n|no|false|off)')
_INTEGER = re.compile(r'[-+]?(?:0[xX][0-9a-fA-F]+|[0-9]+)')
_WILDCARDS = {'/**': r'(?:/\w+)*', '/*': r'/\w+'}
_DOUBLE = re.compile(
    r'[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?'
    r'|[-+]?[0-9]+[eE][-+]?[0-9]+|(?i:[-+]?\.?inf|\.?nan)'
)


class ParameterFileError(Exception):
    """A file is no parameter file; the message has the line, the reason and the remedy.

    Args:
        text: reason and remedy.
        line: where it is, counted from 1; 0 for the whole file.

    """

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True)
class Scalar:
    """A value that is neither a list nor a map.

    Attributes:
        text: as it is written, without quotes.
        plain: whether it is without quotes, so that it can be more than a text.
        line: where it is, counted from 1.

    """

    text: str
    plain: bool
    line: int

    @property
    def value(self) -> bool | int | float | str | None:
        """What rcl takes it for."""
        if not self.plain:
            return self.text
        if _NULL.fullmatch(self.text):
            return None
        if _BOOLEAN.fullmatch(self.text):
            return self.text.lower() in ('y', 'yes', 'true', 'on')
        if _INTEGER.fullmatch(self.text):
            return int(self.text, 16 if 'x' in self.text.lower() else 10)
        if _DOUBLE.fullmatch(self.text):
            return float(re.sub(r'\.(?=[a-z])', '', self.text.lower()))
        return self.text

    def __str__(self) -> str:
        if self.value is None:
            return 'nothing'
        text = shortened(self.text)
        return text if self.plain and not isinstance(self.value, str) else repr(text)


@dataclass(frozen=True)
class ValueList:
    """A list of values."""

    items: tuple[Scalar, ...]
    line: int

    def __str__(self) -> str:
        return f'[{shortened(", ".join(str(item) for item in self.items[:SHOWN]))}]'


@dataclass(frozen=True)
class _Map:
    entries: tuple[tuple[Scalar, _Tree], ...]
    line: int


Value = Scalar | ValueList
_Tree = Scalar | ValueList | _Map


@dataclass(frozen=True)
class Given:
    """The value that a file gives a parameter.

    Attributes:
        section: names the nodes, as in the file, such as `/**/safety_node`.
        name: of the parameter, with the names of the maps around it.
        value: what is there.

    """

    section: str
    name: str
    value: Value


def shortened(text: str) -> str:
    """Return a text of bounded length in which no character can do anything to a terminal."""
    return shown(text if len(text) <= SHOWN else f'{text[: SHOWN - 3]}...')


def read_parameter_file(path: Path) -> list[Given]:
    """Return what a parameter file gives, in its order.

    Raises:
        ParameterFileError: it cannot be read, or is no parameter file.

    """
    events = _events(_text(path))
    found: list[Given] = []
    for event in events:
        if isinstance(event, (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentEndEvent)):
            continue
        if isinstance(event, yaml.DocumentStartEvent):
            continue
        tree = _tree(event, events, 1)
        if isinstance(tree, Scalar) and tree.value is None:
            continue
        found += _nodes('', tree)
    return found


def _text(path: Path) -> str:
    """Return the text of a file; a directory, a pipe or a device is none, and none is waited for.

    Raises:
        ParameterFileError: it cannot be read, is too large or no UTF-8.

    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ParameterFileError('not a file; name a file with parameters')
        with path.open('rb') as file:
            content = file.read(MAXIMUM_SIZE + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise ParameterFileError(
            f'{getattr(error, "strerror", None) or error}; name a file that can be read'
        ) from error
    if len(content) > MAXIMUM_SIZE:
        raise ParameterFileError(
            f'longer than {MAXIMUM_SIZE} bytes; name a file with parameters alone'
        )
    try:
        return content.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ParameterFileError(
            f'byte 0x{content[error.start]:02x} is not UTF-8; save the file in UTF-8',
            content.count(b'\n', 0, error.start) + 1,
        ) from error


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count('\n', 0, error.position) + 1
        raise ParameterFileError(
            f'character U+{ord(text[error.position]):04X} is not allowed in YAML; remove it', line
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = shortened(' '.join((error.problem or error.context or '').split()))
        raise ParameterFileError(
            f'not valid YAML: {problem}; correct the indentation, brackets or quotes there',
            0 if mark is None else mark.line + 1,
        ) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # such as \UFFFFFFFF
        raise ParameterFileError(
            f'not valid YAML: {shortened(str(error))}; correct or remove it'
        ) from error


def _tree(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> _Tree:
    """Return the value that begins with an event.

    Raises:
        ParameterFileError: rcl does not read such a value.

    """
    line = event.start_mark.line + 1 if event.start_mark else 0
    if depth > MAXIMUM_DEPTH:
        raise ParameterFileError(f'more than {MAXIMUM_DEPTH} maps or lists in one another', line)
    if isinstance(event, yaml.AliasEvent) or getattr(event, 'anchor', None) is not None:
        raise ParameterFileError('ROS 2 knows no anchors (&, *); write the values out', line)
    if getattr(event, 'tag', None) is not None:
        raise ParameterFileError('ROS 2 knows no tags (!, !!); write the value without it', line)
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(event.value, event.style is None, line)
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        for each in events:
            if isinstance(each, yaml.SequenceEndEvent):
                break
            item = _tree(each, events, depth + 1)
            if not isinstance(item, Scalar):
                raise ParameterFileError('a list may not hold lists or maps; write values', line)
            items.append(item)
        return ValueList(tuple(items), line)
    entries = []
    for each in events:
        if isinstance(each, yaml.MappingEndEvent):
            break
        key = _tree(each, events, depth + 1)
        if not isinstance(key, Scalar) or not key.text:
            raise ParameterFileError('a name is missing before the colon; write one', line)
        entries.append((key, _tree(next(events), events, depth + 1)))
    return _Map(tuple(entries), line)


def _nodes(section: str, tree: _Tree) -> Iterator[Given]:
    if not isinstance(tree, _Map):
        where = shortened(section) or 'the top level'
        raise ParameterFileError(
            f'{where} must be a map: name of a node, {PARAMETERS_KEY}, names and values', tree.line
        )
    if section and not tree.entries:
        raise ParameterFileError(
            f'{shortened(section)}: {PARAMETERS_KEY} is missing; write it between the name of the '
            'node and the values',
            tree.line,
        )
    for key, value in tree.entries:
        if key.text != PARAMETERS_KEY and re.sub('[^a-z]', '', key.text) == 'rosparameters':
            raise ParameterFileError(
                f'{shortened(key.text)}: write {PARAMETERS_KEY}, with two underscores', key.line
            )
        if key.text != PARAMETERS_KEY:
            name = key.text.strip('/') if section else key.text
            yield from _nodes(f'{section}/{name}' if section else name, value)
        elif not section or not isinstance(value, _Map):
            raise ParameterFileError(
                f'{PARAMETERS_KEY} must be a map inside the name of a node', key.line
            )
        else:
            yield from _values(section, '', value)


def _values(section: str, prefix: str, tree: _Map) -> Iterator[Given]:
    for key, value in tree.entries:
        name = f'{prefix}{key.text}'
        if isinstance(value, _Map):
            yield from _values(section, f'{name}.', value)
        else:
            yield Given(section, name, value)


def applies_to(section: str, node: str) -> bool:
    """Return whether a section is for the node of a full name, as rcl matches them.

    `/*` is one part of a name, and so `/**` any number of them, even none.
    """
    parts = re.split(r'(/\*\*|/\*)', f'/{section.removeprefix("/")}')
    # Any other asterisk is in the name of no node.
    pattern = ''.join(_WILDCARDS.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(pattern, node) is not None

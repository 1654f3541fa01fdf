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

"""Rules of ROS names, and their expansion."""

from __future__ import annotations

import re

from rclpy.exceptions import InvalidNamespaceException
from rclpy.exceptions import InvalidNodeNameException
from rclpy.exceptions import InvalidServiceNameException
from rclpy.exceptions import InvalidTopicNameException

_SUBSTITUTIONS = ('node', 'ns', 'namespace')


def _numeric_token(name: str) -> int | None:
    found = re.search(r'(?:^|/)([0-9])', name)
    return found.start(1) if found else None


def validate_node_name(name: str) -> bool:
    """Return True, or raise InvalidNodeNameException."""
    if not name:
        raise InvalidNodeNameException(name, 'node name must not be empty', 0)
    wrong = re.search(r'[^A-Za-z0-9_]', name)
    if wrong:
        raise InvalidNodeNameException(
            name, "node name must not contain characters other than alphanumerics or '_'",
            wrong.start())
    if name[0].isdigit():
        raise InvalidNodeNameException(name, 'node name must not start with a number', 0)
    return True


def validate_namespace(namespace: str) -> bool:
    """Return True, or raise InvalidNamespaceException."""
    def fail(reason: str, index: int) -> None:
        raise InvalidNamespaceException(namespace, f'namespace {reason}', index)

    if not namespace:
        fail('must not be empty', 0)
    if namespace[0] != '/':
        fail("must be absolute, it must lead with a '/'", 0)
    if len(namespace) > 1 and namespace.endswith('/'):
        fail("must not end with a '/', unless only a '/'", len(namespace) - 1)
    wrong = re.search(r'[^A-Za-z0-9_/]', namespace)
    if wrong:
        fail("must not contain characters other than alphanumerics, '_', or '/'", wrong.start())
    if '//' in namespace:
        fail("must not contain repeated '/'", namespace.index('//') + 1)
    numeric = _numeric_token(namespace)
    if numeric is not None:
        fail('must not have a token that starts with a number', numeric)
    return True


def validate_topic_name(name: str, *, is_service: bool = False) -> bool:
    """Return True, or raise InvalidTopicNameException or InvalidServiceNameException."""
    def fail(reason: str, index: int) -> None:
        kind = InvalidServiceNameException if is_service else InvalidTopicNameException
        raise kind(name, f'topic name {reason}', index)

    if not name:
        fail('must not be empty string', 0)
    if name.endswith('/'):
        fail('must not end with a forward slash', len(name) - 1)
    wrong = re.search(r'[^A-Za-z0-9_/~{}]', name)
    if wrong:
        fail("must not contain characters other than alphanumerics, '_', '~', '{', or '}'",
             wrong.start())
    tilde = name.find('~', 1)
    if tilde > 0:
        fail("must not contain a '~' other than at the beginning", tilde)
    plain = re.sub(r'\{[A-Za-z_][A-Za-z0-9_]*\}', lambda m: 'x' * len(m[0]), name)
    brace = re.search(r'[{}]', plain)
    if brace:
        fail('has an unmatched or empty curly brace', brace.start())
    if '//' in name:
        fail("must not contain repeated '/'", name.index('//') + 1)
    numeric = _numeric_token(name)
    if numeric is not None:
        fail('token must not start with a number', numeric)
    return True


def expand_topic_name(name: str, node_name: str, namespace: str, *,
                      is_service: bool = False) -> str:
    """Return the full name of a topic as a node sees it, before remapping."""
    validate_topic_name(name, is_service=is_service)
    values = {'node': node_name, 'ns': namespace, 'namespace': namespace}
    for key in re.findall(r'\{(\w+)\}', name):
        if key not in _SUBSTITUTIONS:
            raise ValueError(f'topic name {name!r} has an unknown substitution {{{key}}}; known '
                             f'are {", ".join(_SUBSTITUTIONS)}')
        name = name.replace(f'{{{key}}}', values[key])
    prefix = namespace if namespace.endswith('/') else namespace + '/'
    if name.startswith('~'):
        name = prefix + node_name + name[1:]
    elif not name.startswith('/'):
        name = prefix + name
    return name

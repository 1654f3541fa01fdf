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
from rclpy.exceptions import NameValidationException

# Each rule is (pattern of a fault, what the name must not do).
_TOKENS = (
    (r'//', "must not contain repeated '/'"),
    (r'(?:^|/)[0-9]', 'must not have a token that starts with a number'),
)
_NODE_NAME = (
    (r'^$', 'must not be empty'),
    (r'[^A-Za-z0-9_]', "must contain alphanumerics and '_' only"),
    (r'^[0-9]', 'must not start with a number'),
)
_NAMESPACE = (
    (r'^$', 'must not be empty'),
    (r'^[^/]', "must lead with a '/'"),
    (r'(?<=.)/$', "must not end with a '/'"),
    (r'[^A-Za-z0-9_/]', "must contain alphanumerics, '_' and '/' only"),
    *_TOKENS,
)
_TOPIC_NAME = (
    (r'^$', 'must not be empty'),
    (r'/$', "must not end with a '/'"),
    (r'[^A-Za-z0-9_/~{}]', "must contain alphanumerics, '_', '/', '~', '{' and '}' only"),
    (r'(?<=.)~', "must not contain a '~' other than at the beginning"),
    (
        r'\{(?!(?:node|ns|namespace)\})|(?:^|\})[^{]*\}',
        'must not have braces other than {node}, {ns} and {namespace}',
    ),
    *_TOKENS,
)


def _validate(
    name: str, rules: tuple[tuple[str, str], ...], error: type[NameValidationException]
) -> None:
    for pattern, reason in rules:
        fault = re.search(pattern, name)
        if fault:
            raise error(name, f'{error.kind} {reason}', fault.start())


def validate_node_name(name: str) -> None:
    """Raise InvalidNodeNameException if the name is invalid."""
    _validate(name, _NODE_NAME, InvalidNodeNameException)


def validate_namespace(namespace: str) -> None:
    """Raise InvalidNamespaceException if the namespace is invalid."""
    _validate(namespace, _NAMESPACE, InvalidNamespaceException)


def expand_topic_name(
    name: str, node_name: str, namespace: str, *, is_service: bool = False
) -> str:
    """Return the full name of a topic or service as a node sees it, before remapping.

    Raises:
        InvalidTopicNameException, InvalidServiceNameException: the name is invalid.

    """
    _validate(
        name, _TOPIC_NAME, InvalidServiceNameException if is_service else InvalidTopicNameException
    )
    for key, value in (('node', node_name), ('ns', namespace), ('namespace', namespace)):
        name = name.replace(f'{{{key}}}', value)
    prefix = namespace.rstrip('/') + '/'
    if name.startswith('~'):
        return prefix + node_name + name[1:]
    return name if name.startswith('/') else prefix + name

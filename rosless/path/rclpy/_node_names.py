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
"""What a node is called, and what it calls topics and services."""

from __future__ import annotations

from rclpy._arguments import Arguments
from rclpy._names import expand_topic_name
from rclpy._names import validate_namespace
from rclpy._names import validate_node_name
from rclpy._outside import Subset
from rclpy.context import Context


class NodeNames(Subset):
    """The names part of `Node`."""

    def __init__(
        self, name: str, namespace: str, context: Context, arguments: list[Arguments]
    ) -> None:
        """Validate and remap the names.

        Args:
            name: name of the node.
            namespace: its namespace.
            context: where it lives.
            arguments: command lines that hold for it, the strongest first.

        """
        self.__context = context
        self.__arguments = arguments
        validate_node_name(name)
        for each in reversed(arguments):
            namespace = each.remapped(('__ns',), name) or namespace
            name = each.remapped(('__node', '__name'), name) or name
        self.__name = name
        self.__namespace = namespace if namespace.startswith('/') else '/' + namespace
        validate_node_name(self.__name)
        validate_namespace(self.__namespace)

    @property
    def context(self) -> Context:
        """Get the context associated with the node."""
        return self.__context

    def get_name(self) -> str:
        """Get the name of the node."""
        return self.__name

    def get_namespace(self) -> str:
        """Get the namespace of the node."""
        return self.__namespace

    def get_fully_qualified_name(self) -> str:
        """Get the node's fully qualified name."""
        return f'{self.__namespace.rstrip("/")}/{self.__name}'

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """Return a topic name expanded and remapped."""
        return self.__resolve(topic, only_expand, is_service=False)

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """Return a service name expanded and remapped."""
        return self.__resolve(service, only_expand, is_service=True)

    def __resolve(self, name: str, only_expand: bool, *, is_service: bool) -> str:
        where = self.__name, self.__namespace
        full = expand_topic_name(name, *where, is_service=is_service)
        targets = (
            []
            if only_expand
            else [
                arguments.resolve(name, *where, is_service=is_service)
                for arguments in self.__arguments
            ]
        )
        return next((target for target in targets if target != full), full)

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

"""Exceptions, with rclpy's names."""

from __future__ import annotations

from typing import Any


class RCLError(RuntimeError):
    """The middleware refused an operation (rclpy raises it from its C extension)."""


class InvalidHandle(Exception):
    """Raised when a destroyed entity is used."""


class NotInitializedException(Exception):
    """Raised when the rclpy implementation is accessed before rclpy.init()."""

    def __init__(self, message: str | None = None) -> None:
        text = 'rclpy.init() has not been called.'
        super().__init__(f'{text} msg:{message}' if message else text)


class NameValidationException(Exception):
    """Raised when a topic name, node name, or namespace are invalid."""

    kind = 'name'

    def __init__(self, name: str, error_msg: str, invalid_index: int) -> None:
        super().__init__(
            f"Invalid {self.kind}: {error_msg}:\n  '{name}'\n   {' ' * invalid_index}^"
        )


class InvalidNamespaceException(NameValidationException):
    """Raised when a namespace is invalid."""

    kind = 'namespace'


class InvalidNodeNameException(NameValidationException):
    """Raised when a node name is invalid."""

    kind = 'node name'


class InvalidTopicNameException(NameValidationException):
    """Raised when a topic name is invalid."""

    kind = 'topic name'


class InvalidServiceNameException(NameValidationException):
    """Raised when a service name is invalid."""

    kind = 'service name'


class ParameterException(Exception):
    """Base exception for parameter-related errors."""

    text = ''

    def __init__(self, parameters: str | list[str]) -> None:
        super().__init__(f'{self.text}: {parameters}')


class ParameterNotDeclaredException(ParameterException):
    """Raised when handling an undeclared parameter."""

    text = 'Invalid access to undeclared parameter(s)'


class ParameterAlreadyDeclaredException(ParameterException):
    """Raised when declaring a parameter that had been declared before."""

    text = 'Parameter(s) already declared'


class ParameterImmutableException(ParameterException):
    """Raised when a read-only parameter is modified."""

    text = 'Attempted to modify read-only parameter'


class ParameterUninitializedException(ParameterException):
    """Raised when an uninitialized parameter is accessed."""

    text = 'Parameter is not initialized'


class InvalidParameterException(ParameterException):
    """Raised when a parameter to be declared has an invalid name."""

    text = 'Invalid parameter name'


class InvalidParameterTypeException(ParameterException):
    """Raised when a parameter is rejected for having an invalid type."""

    def __init__(self, desired_parameter: Any, expected_type: str) -> None:
        self.text = (
            f'Trying to set parameter to {desired_parameter.value!r} of type '
            f'{desired_parameter.type_.name}, expecting type {expected_type}'
        )
        super().__init__(desired_parameter.name)


class InvalidParameterValueException(ParameterException):
    """Raised when a parameter is rejected by a user callback or when applying a descriptor."""

    def __init__(self, parameter: str, value: Any, reason: str) -> None:
        self.text = f'Invalid parameter value ({value}) for parameter. Reason: {reason}'
        super().__init__(parameter)

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
"""What rosless leaves to a real ROS 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any
from typing import NoReturn


class MissingAttributeError(NotImplementedError, AttributeError):
    """An attribute is not here; `hasattr` and `getattr` with a default see it as missing."""


class Subset:
    """A class of rclpy of which rosless has a part: other names say how to get them."""

    __slots__ = ()

    # Type checkers do not see it: they are to report each name that does not exist.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith('_'):
                raise AttributeError(f'{type(self).__name__!r} object has no attribute {name!r}')
            base = next(c for c in type(self).__mro__ if c.__module__.startswith('rclpy.'))
            outside(f'{base.__name__}.{name} does not exist, or', MissingAttributeError)


def outside(name: str, error: type[NotImplementedError] = NotImplementedError) -> NoReturn:
    """Raise an error that names what is missing and says how to get it."""
    raise error(
        f'rosless: {name} is outside the subset of rclpy that works without ROS 2; '
        'install ROS 2 (https://docs.ros.org/en/jazzy/Installation.html) to use it'
    )


def refuse_options(function: str, options: dict[str, Any]) -> None:
    """Refuse keyword arguments of rclpy that are not supported, unless they are empty."""
    for name, value in options.items():
        if value:
            outside(f'{function}({name}=...)')


def refuse(module: str, *names: str) -> Callable[[str], Any]:
    """Return a module's `__getattr__` that refuses names of rclpy that are not supported."""

    def __getattr__(name: str) -> Any:
        if name in names:
            outside(f'{module}.{name}')
        raise AttributeError(f'module {module!r} has no attribute {name!r}')

    return __getattr__


class _MissingModules:
    """Refuses a module of rclpy when no other finder knows it."""

    @staticmethod
    def find_spec(name: str, path: Any, target: Any = None) -> None:
        if name.startswith('rclpy.'):
            outside(name)


sys.meta_path.append(_MissingModules)

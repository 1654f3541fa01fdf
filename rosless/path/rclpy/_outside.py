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

from collections.abc import Callable
from typing import Any
from typing import NoReturn


def outside(name: str) -> NoReturn:
    """Raise NotImplementedError that says what to do."""
    raise NotImplementedError(
        f'rosless: {name} is outside the subset of rclpy that works without ROS 2; '
        'install ROS 2 (https://docs.ros.org/en/jazzy/Installation.html) to use it')


def refuse(module: str, names: tuple[str, ...]) -> Callable[[str], Any]:
    """Return a module `__getattr__` that refuses rclpy's names that are not supported."""
    def __getattr__(name: str) -> Any:
        if name in names:
            outside(f'{module}.{name}')
        raise AttributeError(f'module {module!r} has no attribute {name!r}')
    return __getattr__

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
"""Settings get their values from what declares them: a node, or the check of its files.

What a node declares is a function of a `Declarer`, without ROS. So the parameter files are checked
by the same code before any node starts (`bringup.declared`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from typing import Protocol
from typing import TypeVar

from oht50_bridge.settings import Setting
from oht50_bridge.settings import setting
from oht50_bridge.settings import settings_of

SettingsT = TypeVar('SettingsT')


class Declarer(Protocol):
    """Declares the parameters of one node and knows their values."""

    @property
    def node(self) -> str:
        """Name of the node, without its namespace."""

    def declare(self, name: str, default: Any, setting: Setting) -> Any:
        """Declare a parameter and return its value.

        Args:
            name: its name.
            default: value without an override; its type is the parameter's type.
            setting: its description.

        Raises:
            StartError: the given value is of another type or out of range; the message names
                node, parameter and value.

        """

    def refuse(self, error: ValueError) -> None:
        """Refuse values that contradict one another.

        A node raises. The check of files notes it and goes on, to find what else is wrong.

        Args:
            error: names the parameters and the remedy.

        Raises:
            StartError: the node cannot start; the message names it.

        """


def declare_settings(
    declarer: Declarer, cls: type[SettingsT], prefix: str = '', **defaults: Any
) -> SettingsT:
    """Declare each field of a settings dataclass as a parameter and return the values.

    Args:
        declarer: declares the parameters.
        cls: a dataclass whose fields are made by `settings.setting`.
        prefix: comes before each field's name, such as `dock.`.
        defaults: replace the defaults of some fields.

    Raises:
        StartError: a value is of another type or out of range, or the values contradict one
            another; the message names node and parameter.

    """
    values: dict[str, Any] = {}
    for name, default, each in settings_of(cls):
        default = defaults.get(name, default)
        is_array = isinstance(default, tuple)
        value = declarer.declare(prefix + name, list(default) if is_array else default, each)
        values[name] = tuple(value) if is_array else value
    try:
        return cls(**values)
    except ValueError as error:
        declarer.refuse(error)
        return cls()


@dataclass(frozen=True)
class StateSettings:
    """Where a node keeps its state."""

    state_dir: str = setting(
        '', 'Directory of what must outlive a restart; empty: oht50 in ~/.local/state'
    )

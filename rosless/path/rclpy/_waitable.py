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

"""What an executor waits for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from rclpy import _dds
from rclpy._outside import Subset
from rclpy.callback_groups import CallbackGroup

_numbers = count(1)


class Waitable(Subset):
    """A reader whose samples end in callbacks, sometimes with a writer."""

    callback_group: CallbackGroup
    _writer = 0
    _reader = 0
    _condition = 0
    _number = 0
    """By which a wait set knows it."""

    def _attach(self, reader: int) -> None:
        self._reader = reader
        self._condition = _dds.create_read_condition(reader)
        self._number = next(_numbers)

    def _take(self) -> Callable[[], Any] | None:
        """Take one sample and return the call that handles it, None if there is none."""
        raise NotImplementedError

    def destroy(self) -> None:
        """Destroy the entity; use the destroy functions of Node."""
        entities = self._writer, self._condition, self._reader
        # 0 is never a handle: calls on it fail without harm.
        self._writer = self._reader = 0
        for entity in entities:
            _dds.delete(entity)

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

"""Which callbacks may run while another one awaits."""

from __future__ import annotations

from typing import Any


class CallbackGroup:
    """The base class for a callback group."""

    def has_entity(self, entity: Any) -> bool:
        """Determine if an entity has been added to this group."""
        return getattr(entity, 'callback_group', None) is self

    def can_execute(self, entity: Any) -> bool:
        """Determine if a callback for an entity can be executed now."""
        raise NotImplementedError

    def beginning_execution(self, entity: Any) -> bool:
        """Get permission for the callback from the group to begin executing an entity."""
        raise NotImplementedError

    def ending_execution(self, entity: Any) -> None:
        """Notify group that a callback has finished executing."""
        raise NotImplementedError


class ReentrantCallbackGroup(CallbackGroup):
    """Allow callbacks to be executed while others of the group await."""

    def can_execute(self, entity: Any) -> bool:
        """Determine if a callback for an entity can be executed now."""
        return True

    def beginning_execution(self, entity: Any) -> bool:
        """Get permission to begin executing an entity."""
        return True

    def ending_execution(self, entity: Any) -> None:
        """Notify group that a callback has finished executing."""
        pass


class MutuallyExclusiveCallbackGroup(CallbackGroup):
    """Allow only one callback to be executing at a time; one that awaits is executing."""

    def __init__(self) -> None:
        self._active: Any = None

    def can_execute(self, entity: Any) -> bool:
        """Determine if a callback for an entity can be executed now."""
        return self._active is None

    def beginning_execution(self, entity: Any) -> bool:
        """Get permission to begin executing an entity."""
        if self._active is None:
            self._active = entity
            return True
        return False

    def ending_execution(self, entity: Any) -> None:
        """Notify group that a callback has finished executing."""
        self._active = None

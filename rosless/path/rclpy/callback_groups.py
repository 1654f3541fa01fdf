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


class CallbackGroup:
    """The base class for a callback group."""

    _exclusive = False
    _running = False
    """Whether the callbacks of the group must wait for one that runs; executors set it."""


class ReentrantCallbackGroup(CallbackGroup):
    """Allow callbacks to be executed while others of the group await."""


class MutuallyExclusiveCallbackGroup(CallbackGroup):
    """Allow only one callback to be executing at a time; one that awaits is executing."""

    _exclusive = True

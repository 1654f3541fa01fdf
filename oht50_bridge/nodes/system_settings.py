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
"""Parameters of system_node beside those that several nodes have alike."""

from __future__ import annotations

from dataclasses import dataclass

from oht50_bridge.settings import setting


@dataclass(frozen=True)
class SystemNodeSettings:
    """Rate and frames of the node."""

    rate: float = setting(1.0, 'Rate of the status', unit='Hz', minimum=0.1, maximum=10.0)
    map_frame: str = setting('map', 'Frame of positions')
    base_frame: str = setting('base_link', 'Frame of the vehicle')

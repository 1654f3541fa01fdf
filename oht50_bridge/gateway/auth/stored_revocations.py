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
"""The format of the list of revoked tokens."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from oht50_bridge.state_file import StateModel

Moment = Annotated[float, Field(ge=-(2.0**53), le=2.0**53)]


class StoredRevocations(StateModel):
    """The content of the file; see `revocations`."""

    subjects: dict[str, Moment]
    tokens: dict[str, Moment]
    everybody: Moment = 0.0

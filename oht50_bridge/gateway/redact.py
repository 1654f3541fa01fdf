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
"""Removes tokens from texts that are sent, logged or audited, wherever a client put them."""

from __future__ import annotations

import re
from typing import Any

# A JWT begins with the base64 of {". It may be cut off anywhere, since some texts show only its
# beginning.
_TOKEN = re.compile(r'eyJ[\w-]{8,}(?:\.[\w-]*){0,2}')


def redact(value: Any) -> Any:
    """Return a JSON value in whose strings every token is replaced by "(token)"."""
    if isinstance(value, str):
        return _TOKEN.sub('(token)', value) if 'eyJ' in value else value
    if isinstance(value, dict):
        return {redact(key): redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value

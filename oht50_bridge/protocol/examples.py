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
"""An example of every message and of every error.

For messages of the specification they are its examples, with the first of alternative values.
"""

from __future__ import annotations

from types import MappingProxyType

from oht50_bridge.protocol.catalogue import MODELS
from oht50_bridge.protocol.errors import ErrorCode

#: Descriptions of the errors; the first three are those of section 7 of the specification.
DESCRIPTIONS = MappingProxyType(
    {
        ErrorCode.AUTHENTICATION_FAILED: 'Invalid or expired token',
        ErrorCode.INVALID_EVENT_TYPE: 'Unknown event type: invalid.event',
        ErrorCode.RATE_LIMIT_EXCEEDED: 'Too many events per second',
        ErrorCode.INVALID_MESSAGE: 'rate: Input should be greater than 0',
        ErrorCode.PAYLOAD_TOO_LARGE: 'message above 16384 bytes',
        ErrorCode.PERMISSION_DENIED: 'role viewer may not emergency_stop',
        ErrorCode.CONNECTION_LIMIT_REACHED: '100 connections are open',
        ErrorCode.AUTHENTICATION_REQUIRED: 'send auth first',
        ErrorCode.COMMAND_FAILED: 'start_mission: no answer from the vehicle within 2 s',
        ErrorCode.SLOW_CONSUMER: (
            'a message waited 10 s for the connection; read faster or subscribe to less'
        ),
    }
)

#: An error of each code, in the order of the codes.
ERRORS = tuple(
    {
        'type': 'error',
        'error_code': error.code,
        'error_name': error.title,
        'description': description,
        'timestamp': '2024-12-19T10:30:00Z',
        'temporary': error.temporary,
    }
    for error, description in DESCRIPTIONS.items()
)

#: A message of every type except `error`, by type.
EXAMPLES = MappingProxyType(
    {name: {'type': name, **model.example} for name, model in MODELS.items() if name != 'error'}
)

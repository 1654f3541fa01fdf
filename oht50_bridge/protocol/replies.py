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
"""The messages of the server that are not events of the vehicle."""

from __future__ import annotations

from typing import Annotated
from typing import Any
from typing import ClassVar
from typing import Literal

from pydantic import ConfigDict

from oht50_bridge.protocol.base import Known
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.base import Model
from oht50_bridge.protocol.base import Timestamp
from oht50_bridge.protocol.base import in_unit


class Limits(Model):
    """Limits that apply to a client; 0 events per second: no limit."""

    max_connections: int
    max_events_per_second: Annotated[Known, in_unit('1/s')]
    max_payload_bytes: Annotated[int, in_unit('bytes')]
    commands_per_second: Annotated[Known, in_unit('1/s')]
    command_burst: int
    idle_timeout: Annotated[Known, in_unit('s')]
    ping_interval: Annotated[Known, in_unit('s')]


class ConnectionEstablishedData(Model):
    """Data of `connection.established`."""

    client_id: str
    session_id: str
    role: str
    expires_at: Timestamp
    protocol_version: str
    server_version: str
    limits: Limits
    epoch: str


class ConnectionEstablished(Message):
    """The token was accepted."""

    type: Literal['connection.established'] = 'connection.established'
    data: ConnectionEstablishedData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'client_id': 'panel-1',
            'session_id': 'Zk3nQ0v1b7uXh2Lw',
            'role': 'operator',
            'expires_at': '2024-12-19T10:45:00Z',
            'protocol_version': '1.0',
            'server_version': '1.0.0',
            'limits': {
                'max_connections': 100,
                'max_events_per_second': 1000.0,
                'max_payload_bytes': 16384,
                'commands_per_second': 20.0,
                'command_burst': 40,
                'idle_timeout': 300.0,
                'ping_interval': 30.0,
            },
            'epoch': '3vQpZ0aXw1Yb',
        },
    }


class SubscriptionConfirmedData(Model):
    """Patterns in force, granted rate of each type (Hz), patterns denied to the role."""

    events: list[str]
    rates: Annotated[dict[str, float], in_unit('Hz')]
    denied: list[str]


class SubscriptionConfirmed(Message):
    """Reply to `subscribe`."""

    type: Literal['subscription.confirmed'] = 'subscription.confirmed'
    data: SubscriptionConfirmedData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {
            'events': ['telemetry.realtime', 'safety.*'],
            'rates': {
                'telemetry.realtime': 10.0,
                'safety.zone_entered': 1.0,
                'safety.estop': 1.0,
                'safety.clear': 1.0,
            },
            'denied': ['config.*'],
        },
    }


class SubscriptionRemovedData(Model):
    """Patterns that were removed."""

    events: list[str]


class SubscriptionRemoved(Message):
    """Reply to `unsubscribe`."""

    type: Literal['subscription.removed'] = 'subscription.removed'
    data: SubscriptionRemovedData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {'events': ['telemetry.realtime']},
    }


class Empty(Model):
    """No data."""


class Pong(Message):
    """Reply to `ping`."""

    type: Literal['pong'] = 'pong'
    data: Empty = Empty()
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {},
        'request_id': 'req-102',
    }


class CommandResultData(Model):
    """Outcome of a command; further keys depend on the command."""

    model_config = ConfigDict(extra='allow')

    command: str
    accepted: bool
    message: str


class CommandResult(Message):
    """Reply to a command to the vehicle."""

    type: Literal['command.result'] = 'command.result'
    data: CommandResultData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {'command': 'emergency_stop', 'accepted': True, 'message': 'stopped and latched'},
        'request_id': 'req-124',
    }


class AuthExpiringData(Model):
    """Time at which the session ends unless it is extended."""

    expires_at: Timestamp


class AuthExpiring(Message):
    """The token expires soon."""

    type: Literal['auth.expiring'] = 'auth.expiring'
    data: AuthExpiringData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:44:00Z',
        'data': {'expires_at': '2024-12-19T10:45:00Z'},
    }


class AuthRefreshedData(Model):
    """Data of `auth.refreshed`; the tokens are null if the client sent its own."""

    role: str
    expires_at: Timestamp
    token: str | None = None
    refresh_token: str | None = None


class AuthRefreshed(Message):
    """The session was extended without losing subscriptions or events."""

    type: Literal['auth.refreshed'] = 'auth.refreshed'
    data: AuthRefreshedData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:44:01Z',
        'data': {
            'role': 'operator',
            'expires_at': '2024-12-19T10:59:01Z',
            'token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...',
            'refresh_token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...',
        },
        'request_id': 'req-101',
    }


class ResumeResultData(Model):
    """Whether all missed events were sent; `seq` is the newest sequence number of this epoch."""

    recovered: bool
    replayed: int
    epoch: str
    seq: int


class ResumeResult(Message):
    """Reply to `resume`, sent after the replayed events."""

    type: Literal['resume.result'] = 'resume.result'
    data: ResumeResultData
    example: ClassVar[dict[str, Any]] = {
        'timestamp': '2024-12-19T10:30:00Z',
        'data': {'recovered': True, 'replayed': 2, 'epoch': '3vQpZ0aXw1Yb', 'seq': 43},
        'request_id': 'req-103',
    }


class Error(Message):
    """An error; `temporary` states whether the client may try again later."""

    type: Literal['error'] = 'error'
    error_code: str
    error_name: str
    description: str
    temporary: bool

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
"""The commands of a client: those of section 3 of the specification, and additional ones."""

from __future__ import annotations

from typing import Annotated
from typing import Any
from typing import ClassVar
from typing import Literal

from pydantic import ConfigDict
from pydantic import Field
from pydantic import model_validator

from oht50_bridge.protocol.base import Known
from oht50_bridge.protocol.base import Model
from oht50_bridge.protocol.base import Name
from oht50_bridge.protocol.base import in_unit
from oht50_bridge.protocol.events import MissionType
from oht50_bridge.protocol.events import NextAction
from oht50_bridge.protocol.events import RollbackReason

#: Limited, since the reply names each unknown pattern; no useful subscription has more.
Patterns = Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=64)]
Token = Annotated[str, Field(min_length=1, max_length=8192)]
#: Characters of a reason and of a request id.
MAX_REASON = 512
MAX_REQUEST_ID = 128
Rate = Annotated[Known, Field(gt=0), in_unit('Hz')]


class Command(Model):
    """A command of a client.

    Attributes:
        request_id: chosen by the client; the reply has the same.
        example: an example of the command without its type.

    """

    request_id: Annotated[str, Field(max_length=MAX_REQUEST_ID)] | None = None
    example: ClassVar[dict[str, Any]]


class Auth(Command):
    """Authenticate as the first message, or extend the session with a new token."""

    type: Literal['auth']
    token: Token
    client_id: Annotated[str, Field(pattern=r'^[A-Za-z0-9._:@-]{1,64}$')] | None = None
    subscription: Patterns | None = None
    refresh_token: Token | None = None
    resume: bool = False
    example: ClassVar[dict[str, Any]] = {'token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...'}


class RefreshToken(Command):
    """Exchange a refresh token for a new pair of tokens."""

    type: Literal['refresh_token']
    refresh_token: Token
    example: ClassVar[dict[str, Any]] = {
        'refresh_token': 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...',
        'request_id': 'req-101',
    }


class Ping(Command):
    """Request a `pong`."""

    type: Literal['ping']
    example: ClassVar[dict[str, Any]] = {'request_id': 'req-102'}


class Subscribe(Command):
    """Subscribe to events by type, `family.*` or `*`; `rate` limits state-class events, Hz."""

    type: Literal['subscribe']
    events: Annotated[Patterns, Field(min_length=1)]
    rate: Rate | None = None
    example: ClassVar[dict[str, Any]] = {
        'events': ['telemetry.realtime', 'system.status', 'mission.*'],
        'rate': 10,
    }


class Unsubscribe(Command):
    """End subscriptions."""

    type: Literal['unsubscribe']
    events: Annotated[Patterns, Field(min_length=1)]
    example: ClassVar[dict[str, Any]] = {'events': ['telemetry.realtime']}


class Resume(Command):
    """Request the event-class events after sequence number `after` of the server's `epoch`."""

    type: Literal['resume']
    epoch: Annotated[str, Field(max_length=64)]
    after: Annotated[int, Field(ge=0)]
    example: ClassVar[dict[str, Any]] = {
        'epoch': '3vQpZ0aXw1Yb',
        'after': 41,
        'request_id': 'req-103',
    }


class SetTelemetryRate(Command):
    """Set the vehicle's publishing rate, Hz."""

    type: Literal['set_telemetry_rate']
    rate: Annotated[Known, Field(ge=0.1, le=10), in_unit('Hz')]
    example: ClassVar[dict[str, Any]] = {'rate': 5}


class GetSystemStatus(Command):
    """Request a `system.status`."""

    type: Literal['get_system_status']
    example: ClassVar[dict[str, Any]] = {'request_id': 'req-123'}


class EmergencyStop(Command):
    """Stop the vehicle and latch it; other faults of the message than `type` are ignored."""

    type: Literal['emergency_stop']
    reason: Annotated[str, Field(max_length=MAX_REASON)] = ''
    example: ClassVar[dict[str, Any]] = {'reason': 'manual_trigger', 'request_id': 'req-124'}


class ClearEstop(Command):
    """Clear the emergency stop `estop_id`, the newest; `next_action` is for information only."""

    type: Literal['clear_estop']
    estop_id: Name | None = None
    next_action: NextAction | None = None
    example: ClassVar[dict[str, Any]] = {
        'estop_id': 'estop-0f3a5c7e9b1d',
        'next_action': 'manual_control',
        'request_id': 'req-125',
    }


class SetMaintenance(Command):
    """Lock while the sender is at work, or release; `override` releases the others' locks too."""

    type: Literal['set_maintenance']
    active: bool
    override: bool = False
    example: ClassVar[dict[str, Any]] = {'active': True, 'request_id': 'req-135'}


class Target(Model):
    """A target position in the frame of the rail."""

    x: Annotated[Known, in_unit('mm')]
    y: Annotated[Known, in_unit('mm')]
    z: Annotated[Known, in_unit('mm')]


class AcknowledgeAlarm(Command):
    """Acknowledge an alarm of `system.alarms`; it changes nothing on the vehicle."""

    type: Literal['acknowledge_alarm']
    alarm_id: Name
    example: ClassVar[dict[str, Any]] = {'alarm_id': 'alarm-5f0c9b1e44a2', 'request_id': 'req-137'}


class StartMission(Command):
    """Start a mission to either a position or a station."""

    model_config = ConfigDict(
        json_schema_extra={
            'oneOf': [
                {
                    'required': ['target_position'],
                    'properties': {'target_position': {'type': 'object'}},
                },
                {'required': ['station'], 'properties': {'station': {'type': 'string'}}},
            ]
        }
    )

    type: Literal['start_mission']
    mission_type: MissionType
    target_position: Target | None = None
    station: Name | None = None
    payload_kg: Annotated[Annotated[Known, Field(ge=0)] | None, in_unit('kg')] = None
    mission_id: Name | None = None
    example: ClassVar[dict[str, Any]] = {
        'mission_type': 'transport',
        'target_position': {'x': 1250.5, 'y': 0.0, 'z': 0.0},
        'payload_kg': 12.5,
        'request_id': 'req-126',
    }

    @model_validator(mode='after')
    def _one_destination(self) -> StartMission:
        if (self.target_position is None) == (self.station is None):
            raise ValueError('give exactly one of target_position and station')
        return self


class PauseMission(Command):
    """Pause a mission; without `mission_id`, the active one."""

    type: Literal['pause_mission']
    mission_id: Name | None = None
    example: ClassVar[dict[str, Any]] = {'mission_id': 'mission-123', 'request_id': 'req-127'}


class ResumeMission(Command):
    """Resume a paused mission."""

    type: Literal['resume_mission']
    mission_id: Name | None = None
    example: ClassVar[dict[str, Any]] = {'mission_id': 'mission-123', 'request_id': 'req-128'}


class CancelMission(Command):
    """Cancel a mission."""

    type: Literal['cancel_mission']
    mission_id: Name | None = None
    example: ClassVar[dict[str, Any]] = {'mission_id': 'mission-123', 'request_id': 'req-129'}


class UpdateConfig(Command):
    """Change the configuration; `changes` maps names to new values."""

    type: Literal['update_config']
    changes: Annotated[dict[str, Any], Field(min_length=1)]
    example: ClassVar[dict[str, Any]] = {'changes': {'max_velocity': 2.0}, 'request_id': 'req-130'}


class RollbackConfig(Command):
    """Restore an earlier version of the configuration."""

    type: Literal['rollback_config']
    to_version: Name
    reason: RollbackReason
    example: ClassVar[dict[str, Any]] = {
        'to_version': '1.2.2',
        'reason': 'performance_issue',
        'request_id': 'req-131',
    }


class GetConfig(Command):
    """Request the configuration in force."""

    type: Literal['get_config']
    example: ClassVar[dict[str, Any]] = {'request_id': 'req-132'}


class GetVehicle(Command):
    """Request what the vehicle is, its rail and stations, and what the sender may do."""

    type: Literal['get_vehicle']
    example: ClassVar[dict[str, Any]] = {'request_id': 'req-136'}


class ListModules(Command):
    """Request the list of known modules."""

    type: Literal['list_modules']
    example: ClassVar[dict[str, Any]] = {'request_id': 'req-133'}


class ScanModules(Command):
    """Search for modules at addresses 1 to 16, not beside a safety board nor while driving."""

    type: Literal['scan_modules']
    example: ClassVar[dict[str, Any]] = {'request_id': 'req-134'}

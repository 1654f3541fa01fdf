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
"""The one table of what may travel: events, commands, replies. Everything else derives from it.

Who may read an event or give a command is data: config/roles.yaml, checked against this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any
from typing import Literal

from oht50_bridge.protocol import commands
from oht50_bridge.protocol import events
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message


def name_of(model: type[Message] | type[commands.Command]) -> str:
    """Return the type's name on the wire."""
    (name,) = model.model_fields['type'].annotation.__args__  # type: ignore[union-attr]
    return str(name)


@dataclass(frozen=True)
class EventType:
    """One type of event.

    Attributes:
        model: its class.
        delivery: 'state' (newest wins) or 'event' (every one, in order).
        rate: limit per client, Hz.
        immediate: the limit holds back only identical repeats.
        urgent: overtakes everything that waits for a client.
        latched: the newest of the urgent types is what a new subscriber must know.
        key: of a state-class event, what its newest value is kept by.
        ends: of an event that ends a state: the type whose value of the same key is void then.

    """

    model: type[Message]
    delivery: Literal['state', 'event']
    rate: float
    immediate: bool = False
    urgent: bool = False
    latched: bool = False
    key: Callable[[Any], str] | None = None
    ends: str | None = None

    @cached_property
    def name(self) -> str:
        """Return the type's name on the wire."""
        return name_of(self.model)

    @cached_property
    def family(self) -> str:
        """Return the part of the name before the dot."""
        return self.name.partition('.')[0]

    @cached_property
    def is_state(self) -> bool:
        """Return whether only the newest value matters."""
        return self.delivery == 'state'


@dataclass(frozen=True)
class CommandType:
    """One command.

    Attributes:
        model: its class.
        target: 'session' (answered by the gateway itself) or 'vehicle' (needs a right).
        replies: what answers it, one of these or an error.
        exempt: the inbound rate limit never holds it back.

    """

    model: type[commands.Command]
    target: Literal['session', 'vehicle']
    replies: tuple[type[Message], ...] = (replies.CommandResult,)
    exempt: bool = False

    @cached_property
    def name(self) -> str:
        """Return the command's name on the wire."""
        return name_of(self.model)


def _mission(event: Any) -> str:
    return str(event.data.mission_id)


_EVENTS = (
    EventType(events.SystemStatus, 'state', 1),
    EventType(events.SystemErrorEvent, 'event', 5),
    EventType(events.TelemetryRealtime, 'state', 10),
    EventType(events.TelemetryStatus, 'state', 1),
    EventType(events.MissionStarted, 'event', 5, immediate=True),
    EventType(events.MissionProgress, 'state', 5, key=_mission),
    EventType(events.MissionCompleted, 'event', 5, immediate=True, key=_mission,
              ends='mission.progress'),
    EventType(events.SafetyZoneEntered, 'event', 1),
    EventType(events.SafetyEstop, 'event', 1, immediate=True, urgent=True, latched=True),
    # Urgent too: were a clear to stay behind, a later stop would overtake it, and the client
    # would read "cleared" last.
    EventType(events.SafetyClear, 'event', 1, immediate=True, urgent=True, latched=True),
    EventType(events.ConfigUpdated, 'event', 0.1),
    EventType(events.ConfigRollback, 'event', 0.1),
    EventType(events.ModuleDiscovered, 'event', 5),
    EventType(events.ModuleStatusChange, 'event', 5),
)

_COMMANDS = (
    CommandType(commands.Auth, 'session',
                (replies.ConnectionEstablished, replies.AuthRefreshed)),
    CommandType(commands.RefreshToken, 'session', (replies.AuthRefreshed,)),
    CommandType(commands.Ping, 'session', (replies.Pong,)),
    CommandType(commands.Subscribe, 'session', (replies.SubscriptionConfirmed,)),
    CommandType(commands.Unsubscribe, 'session', (replies.SubscriptionRemoved,)),
    CommandType(commands.Resume, 'session', (replies.ResumeResult,)),
    CommandType(commands.SetTelemetryRate, 'vehicle'),
    CommandType(commands.GetSystemStatus, 'vehicle', (events.SystemStatus,)),
    CommandType(commands.EmergencyStop, 'vehicle', exempt=True),
    CommandType(commands.ClearEstop, 'vehicle'),
    CommandType(commands.StartMission, 'vehicle'),
    CommandType(commands.PauseMission, 'vehicle'),
    CommandType(commands.ResumeMission, 'vehicle'),
    CommandType(commands.CancelMission, 'vehicle'),
    CommandType(commands.UpdateConfig, 'vehicle'),
    CommandType(commands.RollbackConfig, 'vehicle'),
    CommandType(commands.GetConfig, 'vehicle'),
    CommandType(commands.ListModules, 'vehicle'),
    CommandType(commands.ScanModules, 'vehicle'),
)

_REPLIES: tuple[type[Message], ...] = (
    replies.ConnectionEstablished,
    replies.AuthExpiring,
    replies.AuthRefreshed,
    replies.SubscriptionConfirmed,
    replies.SubscriptionRemoved,
    replies.ResumeResult,
    replies.Pong,
    replies.CommandResult,
    replies.Error,
)

EVENTS = MappingProxyType({entry.name: entry for entry in _EVENTS})
COMMANDS = MappingProxyType({entry.name: entry for entry in _COMMANDS})
REPLIES = MappingProxyType({name_of(model): model for model in _REPLIES})
FAMILIES = tuple(dict.fromkeys(entry.family for entry in _EVENTS))

PROTOCOL_VERSION = '1.0'
PATH = '/ws/telemetry'
MAX_PAYLOAD_BYTES = 16 * 1024

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
"""The one table of what may travel: events, commands, replies. Everything else derives from it."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any
from typing import Literal
from typing import get_args

from oht50_bridge.protocol import commands
from oht50_bridge.protocol import events
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message

Level = Literal['viewer', 'operator', 'admin']

#: Levels of rights, each with those of the ones before it. config/roles.yaml gives roles a level.
LEVELS: tuple[Level, ...] = get_args(Level)


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
        level: least level of rights that reads it.
        immediate: the limit holds back only identical repeats.
        urgent: overtakes everything that waits for a client.
        latched: the newest of the urgent types is what a new subscriber must know.
        key: of a state-class event, what its newest value is kept by.
        ends: of an event that ends a state: the type whose value of the same key is void then.

    """

    model: type[Message]
    delivery: Literal['state', 'event']
    rate: float
    level: Level
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
        level: least level of rights that gives it to the vehicle; None: it is about the
            connection, the gateway answers it itself, and everyone may give it.
        replies: what answers it, one of these or an error.
        exempt: the inbound rate limit never holds it back.

    """

    model: type[commands.Command]
    level: Level | None
    replies: tuple[type[Message], ...] = (replies.CommandResult,)
    exempt: bool = False

    @cached_property
    def name(self) -> str:
        """Return the command's name on the wire."""
        return name_of(self.model)


def _mission(event: Any) -> str:
    return str(event.data.mission_id)


_EVENTS = (
    EventType(events.SystemStatus, 'state', 1, 'viewer'),
    EventType(events.SystemErrorEvent, 'event', 5, 'viewer'),
    EventType(events.TelemetryRealtime, 'state', 10, 'viewer'),
    EventType(events.TelemetryStatus, 'state', 1, 'viewer'),
    EventType(events.MissionStarted, 'event', 5, 'viewer', immediate=True),
    EventType(events.MissionProgress, 'state', 5, 'viewer', key=_mission),
    EventType(
        events.MissionCompleted,
        'event',
        5,
        'viewer',
        immediate=True,
        key=_mission,
        ends='mission.progress',
    ),
    EventType(events.SafetyZoneEntered, 'event', 1, 'viewer'),
    EventType(events.SafetyEstop, 'event', 1, 'viewer', immediate=True, urgent=True, latched=True),
    # Urgent too: were a clear to stay behind, a later stop would overtake it, and the client
    # would read "cleared" last.
    EventType(events.SafetyClear, 'event', 1, 'viewer', immediate=True, urgent=True, latched=True),
    EventType(events.ConfigUpdated, 'event', 0.1, 'operator'),
    EventType(events.ConfigRollback, 'event', 0.1, 'operator'),
    EventType(events.ModuleDiscovered, 'event', 5, 'operator'),
    EventType(events.ModuleStatusChange, 'event', 5, 'operator'),
)

_COMMANDS = (
    CommandType(commands.Auth, None, (replies.ConnectionEstablished, replies.AuthRefreshed)),
    CommandType(commands.RefreshToken, None, (replies.AuthRefreshed,)),
    CommandType(commands.Ping, None, (replies.Pong,)),
    CommandType(commands.Subscribe, None, (replies.SubscriptionConfirmed,)),
    CommandType(commands.Unsubscribe, None, (replies.SubscriptionRemoved,)),
    CommandType(commands.Resume, None, (replies.ResumeResult,)),
    CommandType(commands.SetTelemetryRate, 'operator'),
    CommandType(commands.GetSystemStatus, 'viewer', (events.SystemStatus,)),
    CommandType(commands.EmergencyStop, 'operator', exempt=True),
    CommandType(commands.ClearEstop, 'admin'),
    CommandType(commands.StartMission, 'operator'),
    CommandType(commands.PauseMission, 'operator'),
    CommandType(commands.ResumeMission, 'operator'),
    CommandType(commands.CancelMission, 'operator'),
    CommandType(commands.UpdateConfig, 'admin'),
    CommandType(commands.RollbackConfig, 'admin'),
    CommandType(commands.GetConfig, 'viewer'),
    CommandType(commands.ListModules, 'viewer'),
    CommandType(commands.ScanModules, 'admin'),
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
#: The class of every message, either way.
MODELS: Mapping[str, type[Message] | type[commands.Command]] = MappingProxyType(
    {
        **{name: entry.model for name, entry in EVENTS.items()},
        **{name: entry.model for name, entry in COMMANDS.items()},
        **REPLIES,
    }
)
FAMILIES = tuple(dict.fromkeys(entry.family for entry in _EVENTS))

PROTOCOL_VERSION = '1.0'
PATH = '/ws/telemetry'
#: TCP port that the bridge listens on by default.
DEFAULT_PORT = 8000
MAX_PAYLOAD_BYTES = 16 * 1024

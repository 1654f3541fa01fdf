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
"""The table of all messages: events, commands and replies. Everything else derives from it."""

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
from oht50_bridge.protocol import states
from oht50_bridge.protocol.base import Message

Level = Literal['viewer', 'operator', 'admin']

#: Levels of rights, each of which includes those before it. config/roles.yaml assigns them.
LEVELS: tuple[Level, ...] = get_args(Level)


def name_of(model: type[Message] | type[commands.Command]) -> str:
    """Return the type's name on the wire."""
    (name,) = model.model_fields['type'].annotation.__args__  # type: ignore[union-attr]
    return str(name)


@dataclass(frozen=True)
class EventType:
    """A type of event.

    Attributes:
        model: class of its messages.
        delivery: 'state' (only the newest value matters) or 'event' (every event, in order).
        rate: limit per client, Hz.
        level: lowest level of rights that may read it.
        immediate: whether the limit delays only identical repetitions.
        urgent: whether it overtakes everything that waits for a client.
        latched: whether a new subscriber receives the newest event of all latched types.
        key: for a state-class event, returns the key under which the newest value is kept.
        ends: the type whose value of the same key this event makes obsolete.

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
        """Return the part of the name before the dot, such as mission."""
        return self.name.partition('.')[0]

    @cached_property
    def is_state(self) -> bool:
        """Return whether only the newest value matters."""
        return self.delivery == 'state'


@dataclass(frozen=True)
class CommandType:
    """A type of command.

    Attributes:
        model: class of its messages.
        level: lowest level of rights that may give it; None: the command concerns the connection,
            so the gateway replies itself and every client may give it.
        replies: types of its reply, one of which is sent unless there is an error.

    """

    model: type[commands.Command]
    level: Level | None
    replies: tuple[type[Message], ...] = (replies.CommandResult,)

    @cached_property
    def name(self) -> str:
        """Return the command's name on the wire."""
        return name_of(self.model)


def _mission(event: Any) -> str:
    return str(event.data.mission_id)


_EVENTS = (
    EventType(events.SystemStatus, 'state', 1, 'viewer'),
    EventType(events.SystemErrorEvent, 'event', 5, 'viewer'),
    EventType(states.SystemAlarms, 'state', 1, 'viewer'),
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
    EventType(states.MissionState, 'state', 5, 'viewer'),
    EventType(events.SafetyZoneEntered, 'event', 1, 'viewer'),
    EventType(events.SafetyEstop, 'event', 1, 'viewer', immediate=True, urgent=True, latched=True),
    # Urgent too: otherwise a later stop would overtake the clear, and the client would read
    # "cleared" last.
    EventType(events.SafetyClear, 'event', 1, 'viewer', immediate=True, urgent=True, latched=True),
    EventType(states.SafetyState, 'state', 1, 'viewer'),
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
    CommandType(commands.EmergencyStop, 'operator'),
    CommandType(commands.ClearEstop, 'admin'),
    CommandType(commands.SetMaintenance, 'admin'),
    CommandType(commands.AcknowledgeAlarm, 'operator'),
    CommandType(commands.StartMission, 'operator'),
    CommandType(commands.PauseMission, 'operator'),
    CommandType(commands.ResumeMission, 'operator'),
    CommandType(commands.CancelMission, 'operator'),
    CommandType(commands.UpdateConfig, 'admin'),
    CommandType(commands.RollbackConfig, 'admin'),
    CommandType(commands.GetVehicle, 'viewer'),
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
#: The class of every message, in both directions.
MODELS: Mapping[str, type[Message] | type[commands.Command]] = MappingProxyType(
    {
        **{name: entry.model for name, entry in EVENTS.items()},
        **{name: entry.model for name, entry in COMMANDS.items()},
        **REPLIES,
    }
)
FAMILIES = tuple(dict.fromkeys(entry.family for entry in _EVENTS))

PROTOCOL_VERSION = '1.0'
MAX_PAYLOAD_BYTES = 16 * 1024

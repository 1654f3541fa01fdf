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
"""What was seen of a vehicle while something in it was broken. All moments are monotonic, s."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any
from typing import NamedTuple


class Frame(NamedTuple):
    """A frame on a line: `sent` by the host, `arrived` at the boards, or `replied` by one."""

    at: float
    line: str
    way: str
    data: bytes


class Truth(NamedTuple):
    """Where the simulated carrier is, and how fast."""

    at: float
    position: float  # m
    velocity: float  # m/s


class Published(NamedTuple):
    """A message on a topic: when it was sent, by its stamp, and when it was received."""

    at: float
    received: float
    topic: str
    fields: dict[str, Any]


class Message(NamedTuple):
    """A message that a WebSocket client received."""

    at: float
    client: str
    body: dict[str, Any]


class Command(NamedTuple):
    """A command of a client, and what was answered: None when nothing was."""

    at: float
    answered_at: float
    name: str
    fields: dict[str, Any]
    answer: dict[str, Any] | None

    @property
    def failed(self) -> bool:
        """Whether its sender was informed that it is not carried out."""
        if self.answer is None:
            return False
        return self.answer['type'] == 'error' or not self.answer['data']['accepted']


class Usage(NamedTuple):
    """What a process uses."""

    name: str
    pid: int
    memory: int  # B, resident
    files: int
    threads: int


class Window(NamedTuple):
    """A fault while it lasted. `line` is the serial line that it disturbs, '' for none."""

    start: float
    end: float
    fault: str
    line: str = ''


@dataclasses.dataclass
class Recording:
    """All of it, in the order of its moments.

    Attributes:
        vehicle: its identity.
        seams: moments at which a client resumed and was informed that events are missing.
        delays: moment and s between a `ping` and its `pong`, of a good client.
        log: what the vehicle printed.
        before, after: what its processes use, before the faults and after their end.
        stalls: moment of the end and s of each stall of the host.

    """

    vehicle: str = ''
    windows: list[Window] = dataclasses.field(default_factory=list)
    frames: list[Frame] = dataclasses.field(default_factory=list)
    truth: list[Truth] = dataclasses.field(default_factory=list)
    topics: list[Published] = dataclasses.field(default_factory=list)
    messages: list[Message] = dataclasses.field(default_factory=list)
    commands: list[Command] = dataclasses.field(default_factory=list)
    seams: list[float] = dataclasses.field(default_factory=list)
    delays: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    log: str = ''
    before: list[Usage] = dataclasses.field(default_factory=list)
    after: list[Usage] = dataclasses.field(default_factory=list)
    stall: float = 0.0  # s, the longest of the host

    def save(self, path: Path) -> None:
        """Write it, for a person and for a test."""
        plain = dataclasses.asdict(self)
        plain['frames'] = [[f.at, f.line, f.way, f.data.hex()] for f in self.frames]
        path.write_text(json.dumps(plain), encoding='utf-8')

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read what was written."""
        plain = json.loads(path.read_text(encoding='utf-8'))
        kinds = {
            'windows': Window, 'truth': Truth, 'topics': Published, 'messages': Message,
            'commands': Command, 'before': Usage, 'after': Usage,
        }  # fmt: skip
        for name, kind in kinds.items():
            plain[name] = [kind(*item) for item in plain[name]]
        plain['delays'] = [tuple(pair) for pair in plain['delays']]
        plain['frames'] = [Frame(a, b, c, bytes.fromhex(d)) for a, b, c, d in plain['frames']]
        return cls(**plain)

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
"""Which of the events that the bridge receives are new, and which are from before its start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from typing import TypeAlias

from oht50_bridge.gateway.continuation import Continuation
from oht50_bridge.gateway.journal import Origin
from oht50_bridge.gateway.journal import Past
from oht50_bridge.msg import NodePresence
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.stamps import LATEST
from oht50_bridge.nodes.stamps import from_stamp

KEPT_REPORTS = 100  # of which it is known that they were published
EARLIER_WITHIN = 5.0  # s, after the start, that what the nodes have kept may take to arrive

LATCH_TOPICS = (topics.SAFETY_ESTOP.name, topics.SAFETY_CLEAR.name)

Publish: TypeAlias = Callable[[Any, Origin | None], None]


class EventIntake:
    """Publishes each event once, from whichever thread it comes.

    The nodes keep events for a bridge that was away. After its start a bridge receives them
    again: what it had published before is dropped. Where it does not continue what the bridge
    before has left, it drops all that is older than itself.

    Args:
        publish: receives each event that is new, and where it comes from.
        skip: receives where an event comes from that is not, as it is from before the start: to
            the bridge after this one it is no event that was missed.
        past: what the bridge before has left; None: there is nothing to continue.
        started: when this bridge was started, ns since the Unix epoch.

    """

    def __init__(
        self, publish: Publish, skip: Callable[[Origin], None], past: Past | None, started: int
    ) -> None:
        self._publish = publish
        self._skip = skip
        self._started = min(started, LATEST)
        self._began = time.monotonic()
        self._past = past
        self._lock = threading.Lock()
        self._waiting: Continuation[Any] | None = None if past is None else Continuation(past)
        self._last: dict[tuple[str, str], int] = {}  # number by topic and publisher
        # Those of before the start, which come again when the network was away for long.
        self._dropped: dict[tuple[str, str], int] = {}
        self._reports: list[tuple[str, Any]] = []  # while it waits
        self._reported: dict[Origin, None] = {}  # of the latest stops and clears
        self._shown: Origin | None = None  # the stop or clear that was published last
        # Published by the bridge before; and while none ran.
        self._before: dict[tuple[str, str], int] = {}
        self._missed: set[Origin] = set()
        # Stops and clears from before the start, until it is known which of them are reported.
        self._earlier: list[Origin] = []
        self._settled = False

    def take(self, topic: str, message: Any) -> None:
        """Use an event of a topic."""
        origin = _origin(topic, message)
        with self._lock:
            if origin is None:
                self._publish(message, None)
            elif self._waiting is not None:
                self._waiting.add(origin, from_stamp(message.header.stamp), message)
            elif self._is_new(origin, message):
                self._pass(message, origin)
            elif origin[:2] not in self._last:
                self._drop(origin)

    def collect(self, topic: str, message: Any) -> None:
        """Use a stop or clear as it was received, which `report` may leave out as overtaken."""
        with self._lock:
            origin = _origin(topic, message)
            if origin is None:
                return
            if self._waiting is not None:
                self._waiting.add(origin, from_stamp(message.header.stamp), message)
            elif not self._settled and not self._is_new(origin, message):
                self._earlier.append(origin)

    def settle(self) -> None:
        """Take it that every stop and clear from before the start was received or reported."""
        with self._lock:
            self._settled = True
            if self._waiting is None:
                self._skip_earlier()

    def _skip_earlier(self) -> None:
        earlier, self._earlier = self._earlier, []
        for origin in earlier:
            if origin not in self._reported:
                self._drop(origin)

    def _drop(self, origin: Origin) -> None:
        self._dropped[origin[:2]] = max(origin.number, self._dropped.get(origin[:2], 0))
        self._skip(origin)

    def report(self, topic: str, message: Any) -> None:
        """Publish a stop or clear that is to be reported, perhaps once more.

        The bridge before has reported the earlier ones.
        """
        with self._lock:
            if self._waiting is not None:
                self._reports.append((topic, message))
            else:
                self._report(topic, message)

    def _report(self, topic: str, message: Any) -> None:
        origin = _origin(topic, message)
        if origin is None:
            self._publish(message, None)
            return
        again = origin in self._reported
        self._reported[origin] = None
        if len(self._reported) > KEPT_REPORTS:
            del self._reported[next(iter(self._reported))]
        if again:
            # Where another one has been published since; of one that was dropped nobody knows.
            if self._shown not in (None, origin):
                self._shown = origin
                self._publish(message, None)
        elif origin.number > self._before.get(origin[:2], 0) and origin not in self._missed:
            self._pass(message, origin)

    def _is_new(self, origin: Origin, message: Any) -> bool:
        last = self._last.get(origin[:2])
        if last is not None:
            return origin.number > last
        if origin.number <= self._dropped.get(origin[:2], 0):
            return False
        # Later on the date may have been set back, and what the nodes had kept is there.
        since = time.monotonic() - self._began
        return since > EARLIER_WITHIN or from_stamp(message.header.stamp) >= self._started

    def _pass(self, message: Any, origin: Origin) -> None:
        self._last[origin[:2]] = max(origin.number, self._last.get(origin[:2], 0))
        if origin.topic in LATCH_TOPICS:
            self._shown = origin
        self._publish(message, origin)

    def presence(self, message: NodePresence) -> None:
        """Use a sign of life of a node of this vehicle."""
        with self._lock:
            if self._waiting is not None:
                last = dict(zip(message.event_topics, message.last_numbers, strict=False))
                self._waiting.presence(message.node, message.instance, last)

    @property
    def decided(self) -> bool:
        """Whether it is certain that what the bridge before has left can be continued or not."""
        with self._lock:
            return self._waiting is None or bool(self._waiting.broken) or self._waiting.whole

    def outcome(self) -> str:
        """Return why it is not continued, as it stands now; empty where it is."""
        with self._lock:
            if self._waiting is None:
                return 'nothing was left'
            return self._waiting.broken or self._waiting.lacking

    def release(self, *, whole: bool) -> None:
        """Publish what was collected and wait for nothing any more.

        Args:
            whole: it continues what the bridge before has left.

        """
        with self._lock:
            waiting, self._waiting = self._waiting, None
            reports, self._reports = self._reports, []
            if waiting is None:
                return
            if whole and self._past is not None:
                self._before = self._past.numbers
                self._last = dict(self._before)
            elif self._past is not None:
                # A new epoch has begun, which knows no numbers yet.
                for (topic, publisher), number in self._past.numbers.items():
                    self._skip(Origin(topic, publisher, number))
            for message, origin in waiting.missed():
                # Of stops and clears, which come in any order, the reports say what holds.
                if whole or (origin.topic not in LATCH_TOPICS and self._is_new(origin, message)):
                    self._missed.add(origin)
                    self._pass(message, origin)
                else:
                    self._earlier.append(origin)
            for topic, message in reports:
                self._report(topic, message)
            if self._settled:
                self._skip_earlier()


def _origin(topic: str, message: Any) -> Origin | None:
    number = message.event_number
    return Origin(topic, number.publisher, number.number) if number.number else None

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
"""Everything that makes a simulated vehicle send events, over and over.

Missions one after the other, stops and clears, boards that are lost and found, changes of the
configuration. A step that a starved host has made impossible is counted and left.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from support import Connection
from support import RefusedError
from support import Up
from support import wait_for
from websockets.exceptions import WebSocketException

from oht50_bridge.simulator.control import SimulatorClient

BOARDS = ('dock', 'power', 'safety', 'travel_motor')
PLACES = (6000.0, 8000.0)  # mm
PATIENCE = 60.0  # s


class EventLoad:
    """Loads a vehicle; each `round` takes about 20 s.

    Args:
        vehicle: the vehicle.
        simulator: of its boards.
        new_token: returns a token, when that of the connection runs out.

    Attributes:
        done: steps by name.
        failed: steps that did not come to their end.

    """

    def __init__(
        self, vehicle: Up, simulator: SimulatorClient, new_token: Callable[[], str]
    ) -> None:
        self.done = Counter[str]()
        self.failed = Counter[str]()
        self._vehicle = vehicle
        self._simulator = simulator
        self._new_token = new_token
        self._stack = contextlib.ExitStack()
        self._connect()
        self._places = itertools.cycle(PLACES)
        self._rates = itertools.cycle((9.0, 10.0))

    def __enter__(self) -> EventLoad:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _connect(self) -> None:
        """Connect the client that commands, and that reads everything too."""
        self._stack.close()
        self._admin: Connection = self._stack.enter_context(
            self._vehicle.client(subscribe=['*'], token=self._new_token())
        )

    def round(self) -> None:
        """Do each step once, and lose each board."""
        self._do('mission', self.mission)
        self._do('stop', self.stop)
        for board in BOARDS:
            self._do('board', partial(self.lose, board))
        self._do('configuration', self.configure)

    def _do(self, name: str, step: Callable[[], object]) -> None:
        try:
            step()
            self.done[name] += 1
        except (AssertionError, RefusedError, TimeoutError):
            self.failed[name] += 1
        except (OSError, WebSocketException):
            # It was too slow itself: the bridge waits for no client.
            self.failed['connection'] += 1
            wait_for(self._again, PATIENCE, 'the client connects again', pause=1.0)
        finally:
            if any(message['type'] == 'auth.expiring' for message in self._admin.received):
                self._admin.send('auth', token=self._new_token())
            self._admin.received.clear()

    def _again(self) -> bool:
        with contextlib.suppress(OSError, WebSocketException, AssertionError):
            self._connect()
            return True
        return False

    def clear(self) -> None:
        """Clear what is latched, and wait until the vehicle is ready."""

        def ready() -> bool:
            self._admin.attempt('clear_estop')
            status = self._admin.wait('system.status')['data']
            return bool(status['state'] == 'ready')

        wait_for(ready, PATIENCE, 'the vehicle is ready')

    def start(self) -> None:
        """Start a mission."""
        wait_for(
            lambda: self._admin.attempt(
                'start_mission',
                mission_type='transport',
                target_position={'x': next(self._places), 'y': 0.0, 'z': 0.0},
            )['accepted'],
            PATIENCE,
            'a mission is accepted',
            pause=0.2,
        )

    def mission(self) -> None:
        """Drive a mission to its end."""
        self.clear()
        self.start()
        self._admin.wait('mission.completed', PATIENCE)

    def stop(self) -> None:
        """Stop the vehicle on its way, and clear the stop."""
        self.clear()
        self.start()
        self._admin.wait('mission.progress', PATIENCE)
        self._admin.call('emergency_stop', reason='load')
        self._admin.wait('mission.completed', PATIENCE)
        self.clear()

    def lose(self, board: str) -> None:
        """Take a board from its line, and put it back."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._simulator.misbehave, board, absent=False)
            self._simulator.misbehave(board, absent=True)
            self._wait_for_change(board, 'offline')
        self._wait_for_change(board, 'online')
        self.clear()

    def _wait_for_change(self, board: str, status: str) -> None:
        self._admin.wait(
            'module.status_change',
            PATIENCE,
            lambda event: board in str(event['data']) and event['data']['new_status'] == status,
        )

    def configure(self) -> None:
        """Change the configuration."""
        self._admin.call('update_config', changes={'telemetry_rate': next(self._rates)})
        # It may have come before the answer.
        if not any(message['type'] == 'config.updated' for message in self._admin.received):
            self._admin.wait('config.updated', PATIENCE)

    def rest(self, seconds: float) -> None:
        """Do nothing but read for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError, WebSocketException):
                self._admin.receive(1.0)
        self._admin.received.clear()

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
"""How many commands a client may give. No clock."""

from __future__ import annotations

from collections.abc import Callable

from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.protocol.rates import TokenBucket

#: Part of a client's commands that other clients of its address cannot use up.
ASSURED = 0.1


class CommandLimit:
    """The limit of one client, and its part of the limit of its address.

    Args:
        config: the limits.
        charge: takes one command from the limit of the address; returns whether there was one.

    """

    def __init__(self, config: GatewayConfig, charge: Callable[[], bool]) -> None:
        self._own = TokenBucket(config.commands_per_second, config.command_burst)
        self._assured = TokenBucket(
            ASSURED * config.commands_per_second, ASSURED * config.command_burst
        )
        self._charge = charge
        self._most_violations = config.violations
        self._violations = 0

    def allow(self, now: float) -> bool:
        """Return whether one more command is allowed at a moment, s."""
        if not self._own.take(now):
            self._violations += 1
            return False
        self._violations = 0
        # Other clients of its address are not this client's fault.
        return self._assured.take(now) or self._charge()

    @property
    def exhausted(self) -> bool:
        """Whether the client exceeded its own limit too often in a row."""
        return self._violations >= self._most_violations

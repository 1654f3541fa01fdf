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
"""What every connected client uses of the gateway."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.admission.handshake import Handshake
from oht50_bridge.gateway.admission.limits import Addresses
from oht50_bridge.gateway.admission.listener import Listener
from oht50_bridge.gateway.admission.scheduler import FairScheduler
from oht50_bridge.gateway.audit.trail import Trail
from oht50_bridge.gateway.auth.roles import Roles
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.clock import Clock
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.dispatcher import Dispatcher
from oht50_bridge.gateway.history import EventHistory
from oht50_bridge.gateway.hub import Hub
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.registry import Registry
from oht50_bridge.gateway.responses import Responses
from oht50_bridge.gateway.state_fanout import StateFanout
from oht50_bridge.gateway.tasks import Tasks
from oht50_bridge.protocol.rates import TokenBucket


@dataclass(frozen=True)
class GatewayContext:
    """The collaborators of one running gateway.

    `budget` is that of the event frames of the whole server. State-class events wait for it;
    event-class events never do, but use it.
    """

    config: GatewayConfig
    loop: asyncio.AbstractEventLoop
    clock: Clock
    authority: TokenAuthority
    roles: Roles
    addresses: Addresses
    scheduler: FairScheduler
    answers: Answers
    listener: Listener
    handshake: Handshake
    registry: Registry
    history: EventHistory
    hub: Hub
    states: StateFanout
    budget: TokenBucket
    dispatcher: Dispatcher
    responses: Responses
    counts: Counts
    trail: Trail
    tasks: Tasks

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
"""Client library for the WebSocket bridge of a vehicle.

A client stays connected: it connects again when the connection is lost, restores its
subscriptions, and has what it missed sent again. docs/clients.md describes it.

Example:
    async with Client('ws://127.0.0.1:8000/ws/telemetry', token) as vehicle:
        async for item in vehicle.events('telemetry.*', 'safety.*'):
            print('events may be missing' if isinstance(item, Gap) else item['data'])

"""

from __future__ import annotations

from oht50_bridge.client.blocking import BlockingClient
from oht50_bridge.client.client import Client
from oht50_bridge.client.errors import BadFrameError
from oht50_bridge.client.errors import BridgeError
from oht50_bridge.client.errors import ClientError
from oht50_bridge.client.errors import Denied
from oht50_bridge.client.errors import NotSent
from oht50_bridge.client.errors import OutcomeUnknown
from oht50_bridge.client.errors import SlowReader
from oht50_bridge.client.options import BackoffLimits
from oht50_bridge.client.options import Subscription
from oht50_bridge.client.reports import Gap
from oht50_bridge.client.reports import LinkState
from oht50_bridge.client.reports import StopResult
from oht50_bridge.client.reports import Tokens
from oht50_bridge.client.streams import EventStream
from oht50_bridge.client.typed import Event

__all__ = [
    'Client',
    'BlockingClient',
    'Event',
    'EventStream',
    'Gap',
    'LinkState',
    'StopResult',
    'Tokens',
    'BackoffLimits',
    'Subscription',
    'ClientError',
    'NotSent',
    'BridgeError',
    'OutcomeUnknown',
    'Denied',
    'SlowReader',
    'BadFrameError',
]

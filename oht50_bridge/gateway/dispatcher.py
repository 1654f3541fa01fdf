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
"""Passes commands to the vehicle and turns the outcome into an answer."""

from __future__ import annotations

import asyncio
import logging

from oht50_bridge.gateway.commands import Caller
from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.gateway.commands import CommandHandler
from oht50_bridge.gateway.responses import Responses
from oht50_bridge.protocol import commands
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import name_of
from oht50_bridge.protocol.errors import ErrorCode

_log = logging.getLogger(__name__)


class Dispatcher:
    """Carries out commands by a handler, within a time limit.

    Args:
        handler: carries out commands.
        responses: makes the answers.
        timeout: s, after which a command has failed.

    """

    def __init__(self, handler: CommandHandler, responses: Responses, timeout: float) -> None:
        self._handler = handler
        self._responses = responses
        self._timeout = timeout

    async def run(self, command: commands.Command, caller: Caller) -> Message:
        """Return the answer to a command, an error when it failed."""
        name = name_of(type(command))
        try:
            outcome = await asyncio.wait_for(self._handler(command, caller), self._timeout)
            return self._responses.result(name, outcome)
        except asyncio.TimeoutError:
            description = f'{name}: no answer from the vehicle within {self._timeout:g} s'
        except CommandFailedError as error:
            description = f'{name}: {error}'
        except Exception:
            _log.exception('command %s failed', name)
            description = f'{name}: internal error of the bridge'
        return self.refuse(description)

    def refuse(self, description: str) -> Message:
        """Return the answer to a command that is not passed to the vehicle."""
        return self._responses.error(ErrorCode.COMMAND_FAILED, description)

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
"""Runs the commands of one client, and sends and records the answers."""

from __future__ import annotations

import asyncio

from oht50_bridge.gateway.commands import Caller
from oht50_bridge.gateway.context import GatewayContext
from oht50_bridge.gateway.redact import redact
from oht50_bridge.gateway.sender import Sender
from oht50_bridge.gateway.session import Session
from oht50_bridge.protocol import commands
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message

#: Emergency stops, and other commands to the vehicle, that one client may have in progress. Beyond
#: this its next stop waits unread, and any other command is refused.
MAX_RUNNING = 32


class CommandRunner:
    """The commands of one client that are in progress.

    Args:
        context: the collaborators of the gateway.
        session: who gives the commands.
        sender: sends the answers.

    """

    def __init__(self, context: GatewayContext, session: Session, sender: Sender) -> None:
        self._context = context
        self._session = session
        self._sender = sender
        self._running: set[asyncio.Task[None]] = set()
        self._stops: set[asyncio.Task[None]] = set()  # apart: no stop waits for what hangs

    async def run(self, command: commands.Command, ignored: tuple[str, ...] = ()) -> None:
        """Start a command; beyond the limit a stop waits for another one, and others are refused.

        Args:
            command: the command.
            ignored: the parts of its message that could not be used; the answer names them.

        """
        is_stop = isinstance(command, commands.EmergencyStop)
        running = self._stops if is_stop else self._running
        if len(running) >= MAX_RUNNING:
            if not is_stop:
                self._answer(
                    command,
                    self._context.dispatcher.refuse(
                        f'{MAX_RUNNING} commands are in progress, wait for their results'
                    ),
                )
                return
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        if isinstance(command, commands.ClearEstop) and command.estop_id is None:
            meant = self._sender.reported_stops.meant(self._context.loop.time())
            command = command.model_copy(update={'estop_id': meant})
        task = self._context.tasks.spawn(self._dispatch(command, ignored))
        running.add(task)
        task.add_done_callback(running.discard)

    async def _dispatch(self, command: commands.Command, ignored: tuple[str, ...]) -> None:
        session = self._session
        caller = Caller(session.client_id, session.session_id, session.subject, session.role)
        answer = await self._context.dispatcher.run(command, caller)
        self._answer(command, _naming(answer, ignored))

    def _answer(self, command: commands.Command, answer: Message) -> None:
        """Send the answer to a command, then record both."""
        self._sender.send(answer.model_copy(update={'request_id': command.request_id}))
        # The answer to a stop, and to a refused clear, names every stop that is latched.
        estop_id = getattr(getattr(answer, 'data', None), 'estop_id', None)
        if isinstance(estop_id, str):
            self._sender.reported_stops.add(estop_id, self._context.loop.time())
        self._context.trail.command(self._session, command, answer)


def _naming(answer: Message, ignored: tuple[str, ...]) -> Message:
    """Return an answer that also says which parts of the command were ignored."""
    if not ignored:
        return answer
    note = redact(f'ignored: {"; ".join(ignored)}')
    match answer:
        case replies.CommandResult(data=data):
            message = f'{data.message}; {note}' if data.message else note
            return answer.model_copy(update={'data': data.model_copy(update={'message': message})})
        case replies.Error(description=description):
            return answer.model_copy(update={'description': f'{description}; {note}'})
    return answer

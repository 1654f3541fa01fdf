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
"""Turns topics into WebSocket events and client commands into service calls.

The gateway runs in the main thread's asyncio loop, rclpy in a thread of its own. They meet in two
places only: `Gateway.publish_threadsafe`, and the futures of service calls.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import rclpy
from rclpy.client import Client
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

from oht50_bridge.gateway.audit.chain import AUDIT_FILE
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.auth.keys import keys_path
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.private_files import revocations_path
from oht50_bridge.gateway.auth.roles import RolesError
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.auth.token_files import TokenFiles
from oht50_bridge.gateway.commands import Caller
from oht50_bridge.gateway.commands import CommandFailedError
from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.config import GatewaySettings
from oht50_bridge.gateway.journal import EventJournal
from oht50_bridge.gateway.server import Gateway
from oht50_bridge.gateway.tasks import LoopErrors
from oht50_bridge.gateway.tasks import run_loop
from oht50_bridge.gateway.tls import InsecureError
from oht50_bridge.gateway.tls import TlsError
from oht50_bridge.heap import HeapTrimmer
from oht50_bridge.heap import end_without_memory
from oht50_bridge.msg import BridgeStatus
from oht50_bridge.msg import StopRequest
from oht50_bridge.msg import StopRequests
from oht50_bridge.nodes import REPLAY_NAMESPACE
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.bridge_settings import BridgeNodeSettings
from oht50_bridge.nodes.bridge_settings import gateway_config
from oht50_bridge.nodes.deadline import deadline_in
from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.from_wire import SERVICE_CALLS
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.presence import announce
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import fail
from oht50_bridge.nodes.process import initialise
from oht50_bridge.nodes.received_events import ReceivedEvents
from oht50_bridge.nodes.ros_log import log_to
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.nodes.stop_relay import StopRelay
from oht50_bridge.nodes.stop_relay import send
from oht50_bridge.nodes.to_wire import RECORDED_VEHICLE
from oht50_bridge.nodes.to_wire import to_wire
from oht50_bridge.paths import config_dir
from oht50_bridge.paths import journal_path
from oht50_bridge.protocol import commands
from oht50_bridge.signals import handle_signals
from oht50_bridge.signals import ignore_signals
from oht50_bridge.signals import stop_requested
from oht50_bridge.text import escape_logs

CONTINUES_WITHIN = 1.5  # s, for the events that were missed while no bridge ran to arrive
LOOK_PERIOD = 0.01  # s
REPORT_PERIOD = 1.0  # s
TRIM_PERIOD = 1.0  # s
#: Of the time limit of a command: after which the sender of a stop learns that it is not latched,
#: and after which a node may not carry out any other command. The rest is for the answer.
ANSWER_WITHIN = 0.75


class BridgeNode(Node):
    """Subscribes to every event topic, calls every service, and owns the gateway."""

    def __init__(self) -> None:
        super().__init__('bridge_node')
        declarer = NodeDeclarer(self)
        gateway_settings = declare_settings(declarer, GatewaySettings)
        settings = declare_settings(declarer, BridgeNodeSettings)
        directory = state_directory(self)
        config = gateway_config(gateway_settings, settings)
        try:
            self._roles = load_roles(config_dir() / 'roles.yaml')
            self.audit = AuditWriter(
                directory / AUDIT_FILE,
                max_bytes=settings.audit_bytes,
                max_files=settings.audit_files,
            )
            self.tokens = TokenFiles(
                keys=keys_path(settings.keys, directory, strict=False),
                revocations=revocations_path(directory),
                used=directory / 'refresh_tokens.json',
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                record=self.audit.record,
            )
        except (TokenFileError, RolesError, OSError) as error:
            raise StartError(f'bridge_node: {error}') from error
        self._is_replay = settings.replay
        self.journal = (
            None if self._is_replay else EventJournal(journal_path(directory), config.history)
        )
        self.gateway = Gateway(
            config,
            self.tokens.authority,
            self._roles,
            self.command,
            audit=self.audit,
            journal=self.journal,
        )
        self._answer_within = ANSWER_WITHIN * config.command_timeout
        # A replay has no service clients, so it cannot command a vehicle even if one is there.
        self._service_clients: dict[str, Client] = (
            {}
            if self._is_replay
            else {
                call.name: self.create_client(call.service, call.name)
                for call in SERVICE_CALLS.values()
            }
        )
        self._stop_requests = topics.STOP_REQUESTS.publisher(self)
        stop = SERVICE_CALLS[commands.EmergencyStop].name
        self._relay = (
            None
            if self._is_replay
            else StopRelay(
                self._service_clients[stop], self._publish_requests, self._answer_within
            )
        )
        self.events = ReceivedEvents(self, self.gateway, is_replay=self._is_replay)
        self._status = topics.BRIDGE_STATUS.publisher(self)
        # Anybody can have it need much for a while. Not in the loop of the clients: it takes ms.
        steady_timer(self, TRIM_PERIOD, HeapTrimmer().check)
        announce(self)

    async def report(self) -> None:
        """Publish the figures of the gateway every second; belongs to the gateway's loop."""
        while True:
            stats = self.gateway.stats()
            self._status.publish(
                BridgeStatus(
                    header=header(self),
                    connected_clients=stats.clients,
                    deliveries=stats.deliveries,
                    state_events_replaced=stats.replaced,
                    slow_consumers_closed=stats.slow_consumers,
                    non_finite_values=stats.non_finite,
                )
            )
            await asyncio.sleep(REPORT_PERIOD)

    async def command(self, command: commands.Command, caller: Caller) -> CommandOutcome:
        """Execute a client's command; called in the loop of the gateway.

        Raises:
            CommandFailedError: no node serves it.

        """
        if self._relay is None:
            if isinstance(command, commands.GetVehicle):
                return CommandOutcome(data=self._describe(RECORDED_VEHICLE, caller))
            raise CommandFailedError('this is a recording: there is no vehicle to command')
        call = SERVICE_CALLS[type(command)]
        client = self._service_clients[call.name]
        response: Any
        if isinstance(command, commands.EmergencyStop):
            response = await self._relay.stop(command.reason, caller.subject)
        elif isinstance(command, commands.ClearEstop) and self._relay.pending:
            raise CommandFailedError(
                'an emergency stop is on its way to safety_node; clear it when it is latched'
            )
        elif not client.service_is_ready():
            raise CommandFailedError('no node serves it now; try again')
        else:
            request = call.request(command, caller.subject)
            if hasattr(request, 'deadline'):
                request.deadline = deadline_in(self._answer_within)
            response = await send(client, request)
        if isinstance(command, commands.GetSystemStatus):
            return CommandOutcome(event=to_wire(response.status))
        data = call.data(response)
        if isinstance(command, commands.GetVehicle):
            data = self._describe(data, caller)
        accepted = getattr(response, 'accepted', True)
        return CommandOutcome(accepted, getattr(response, 'message', ''), data)

    def _describe(self, vehicle: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the answer to get_vehicle: what the vehicle is, and what the sender may do."""
        name = self.get_namespace().removeprefix(REPLAY_NAMESPACE).strip('/')
        return {'name': name, **vehicle, 'may': self._roles[caller.role].may}

    def _publish_requests(self, requests: Sequence[StopRequest]) -> None:
        self._stop_requests.publish(StopRequests(header=header(self), requests=list(requests)))

    def destroy_node(self) -> None:
        """Close the token files, the logs, then the node."""
        self.tokens.close()
        self.audit.close()
        if self.journal is not None:
            self.journal.close()
        super().destroy_node()


async def _start(node: BridgeNode) -> None:
    """Start the gateway.

    Raises:
        StartError: it cannot be started.

    """
    try:
        await node.gateway.start()
    except InsecureError as error:
        raise StartError(
            f'bridge_node: {error}: set tls_certificate and tls_key, or, in a network where '
            'nobody else is connected, insecure'
        ) from error
    except TlsError as error:
        raise StartError(f'bridge_node: TLS: {error}') from error
    except OSError as error:
        raise StartError(
            f'bridge_node: cannot listen ({error.strerror}); set the parameters host and port'
        ) from error


async def serve(node: BridgeNode, requested: Callable[[], bool]) -> None:
    """Run the gateway until SIGINT, SIGTERM or the end of the ROS context.

    Args:
        node: its node.
        requested: returns whether such a signal came before.

    """
    loop = asyncio.get_running_loop()
    LoopErrors(loop)
    ending = asyncio.Event()

    def end() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(ending.set)

    # Not by loop.add_signal_handler: the loop restores the handlers of Python when it ends.
    handle_signals(end)
    if requested():
        return
    failed: list[BaseException] = []

    def spin() -> None:
        try:
            rclpy.spin(node)
        except ExternalShutdownException:
            pass
        except BaseException as error:
            end_without_memory(error)  # in order, the journal would be closed: clients resume
            # As in `process.run`: while ROS is up, a failure of this thread must be reported.
            if rclpy.ok():
                failed.append(error)
        finally:
            end()

    thread = threading.Thread(target=spin, name='rclpy')
    report = asyncio.create_task(node.report())
    try:
        if node.events.waiting:
            thread.start()
            end_of_wait = loop.time() + CONTINUES_WITHIN
            while node.events.waiting and loop.time() < end_of_wait and not ending.is_set():
                await asyncio.sleep(LOOK_PERIOD)
        node.events.decide()
        await _start(node)
        node.events.release()
        # The objects that exist now remain. Without the freeze, a full pass of the garbage
        # collector over them delays every client by about 20 ms (the ages of bench/run.py).
        gc.collect()
        gc.freeze()
        if thread.ident is None:
            thread.start()
        await ending.wait()
    finally:
        report.cancel()
        await node.gateway.close()
        rclpy.try_shutdown()
        if thread.ident is not None:
            await asyncio.to_thread(thread.join)
    if failed:
        raise failed[0]


def main() -> None:
    """Run the node."""
    requested = stop_requested()
    escape_logs()
    node = None
    try:
        initialise()
        node = BridgeNode()
        log_to(node.get_logger())
        run_loop(serve(node, requested))
    except StartError as error:
        fail(error)
    except Exception as error:
        end_without_memory(error)
        raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        ignore_signals()


if __name__ == '__main__':
    main()

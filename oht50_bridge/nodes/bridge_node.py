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
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import rclpy
from pydantic import ValidationError
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from oht50_bridge.gateway.admission.limits import networks
from oht50_bridge.gateway.audit.chain import AUDIT_FILE
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.auth.keys import keys_path
from oht50_bridge.gateway.auth.private_files import TokenFileError
from oht50_bridge.gateway.auth.revocations import revocations_path
from oht50_bridge.gateway.auth.roles import RolesError
from oht50_bridge.gateway.auth.roles import load_roles
from oht50_bridge.gateway.auth.token_files import TokenFiles
from oht50_bridge.gateway.commands import Caller
from oht50_bridge.gateway.commands import CommandFailed
from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.server import Gateway
from oht50_bridge.gateway.tls import InsecureError
from oht50_bridge.gateway.tls import TlsError
from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.msg import BridgeStatus
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.from_wire import SERVICE_CALLS
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import fail
from oht50_bridge.nodes.stamps import from_stamp
from oht50_bridge.nodes.stamps import header
from oht50_bridge.nodes.to_wire import to_wire
from oht50_bridge.paths import config_dir
from oht50_bridge.protocol import commands
from oht50_bridge.protocol.catalogue import DEFAULT_PORT
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.signals import ignore_signals
from oht50_bridge.signals import stop_requested
from oht50_bridge.version import VERSION

SETTLING = 1.0  # s, for messages from before the start to arrive
REPORT_PERIOD = 1.0  # s


def tls_files(certificate: str, key: str, client_ca: str) -> TlsFiles | None:
    """Return the files of TLS that the parameters name, None for no TLS.

    Raises:
        StartError: one of them is of no use without another.

    """
    if not certificate and not key and not client_ca:
        return None
    if not certificate or not key:
        raise StartError('bridge_node: TLS wants both tls_certificate and tls_key')
    return TlsFiles(Path(certificate), Path(key), Path(client_ca) if client_ca else None)


class BridgeNode(Node):
    """Subscribes to every event topic, calls every service, and owns the gateway."""

    def __init__(self):
        super().__init__('bridge_node')
        host = declare(self, 'host', '127.0.0.1', 'Address the WebSocket server listens on')
        port = declare(
            self,
            'port',
            DEFAULT_PORT,
            'TCP port the WebSocket server listens on; 0 takes a free one',
            minimum=0,
            maximum=65535,
        )
        deliveries = declare(
            self,
            'max_deliveries',
            1000.0,
            'Deliveries above which state-class events thin out, 1/s of all clients; 0: never',
            minimum=0.0,
            maximum=1e6,
        )
        connections = declare(
            self, 'max_connections', 100, 'Connections at the same time', minimum=1, maximum=10000
        )
        unauthenticated = declare(
            self,
            'max_unauthenticated',
            64,
            'Peers at the same time that have not authenticated, besides the connections',
            minimum=1,
            maximum=10000,
        )
        address_connections = declare(
            self,
            'address_connections',
            0,
            'Connections at the same time of one address; 0: max_connections is the only limit',
            minimum=0,
            maximum=10000,
        )
        address_handshakes = declare(
            self,
            'address_handshakes',
            100.0,
            'Handshakes of one address, 1/s; 0: no limit',
            minimum=0.0,
            maximum=1e6,
        )
        address_commands = declare(
            self,
            'address_commands',
            200.0,
            'Commands of all clients of one address, 1/s; 0: no limit',
            minimum=0.0,
            maximum=1e6,
        )
        files = [
            declare(self, name, '', description)
            for name, description in (
                ('tls_certificate', 'PEM file of the certificate and its issuers; empty: no TLS'),
                ('tls_key', 'PEM file of the private key of the certificate'),
                (
                    'tls_client_ca',
                    'PEM file of who issues the certificates that clients then need; '
                    'empty: clients need none',
                ),
            )
        ]
        insecure = declare(
            self,
            'insecure',
            False,
            'Listen without TLS where other machines can connect and read everything',
        )
        origins = declare(
            self,
            'origins',
            [''],
            'Whose pages may connect besides those of this host, such as '
            'https://panel.example:8443; *: all',
        )
        proxies = declare(
            self,
            'trusted_proxies',
            [''],
            'Addresses or networks of proxies whose X-Forwarded-For is believed',
        )
        query_token = declare(
            self,
            'query_token',
            False,
            'Take tokens from the query of the URL, which ends up in logs',
        )
        keys = declare(
            self,
            'keys',
            '',
            'Directory of the keys that verify tokens, or file of a secret; '
            'empty: of OHT50_KEYS, else a secret made in state_dir',
        )
        issuer = declare(
            self,
            'token_issuer',
            '',
            'What `iss` of a token must be; empty: of '
            'OHT50_TOKEN_ISSUER, else it is not looked at',
        )
        audience = declare(
            self,
            'token_audience',
            '',
            'What `aud` of a token must be; empty: of '
            'OHT50_TOKEN_AUDIENCE, else a token must have none',
        )
        audit_bytes = declare(
            self,
            'audit_bytes',
            16 * 1024 * 1024,
            'Size at which the audit log begins a new file',
            minimum=4096,
            maximum=2**40,
        )
        audit_files = declare(
            self,
            'audit_files',
            32,
            'Older files of the audit log that are kept',
            minimum=1,
            maximum=10**6,
        )
        self._is_replay = declare(
            self,
            'replay',
            False,
            'Serve a recording: no command is passed on, and events are as old as they are',
        )
        directory = state_directory(self)
        try:
            trusted = networks([proxy for proxy in proxies if proxy])
        except ValueError as error:
            raise StartError(
                f'bridge_node: trusted_proxies: {error}; give addresses or networks '
                'such as 10.0.0.0/8'
            ) from error
        config = GatewayConfig(
            host=host,
            port=port,
            server_version=VERSION,
            max_deliveries=deliveries,
            max_connections=connections,
            query_token=query_token,
            tls=tls_files(*files),
            insecure=insecure,
            origins=[origin for origin in origins if origin],
            proxies=trusted,
            max_unauthenticated=unauthenticated,
            address_connections=address_connections,
            address_handshakes_per_second=address_handshakes,
            address_commands_per_second=address_commands,
        )
        try:
            roles = load_roles(config_dir() / 'roles.yaml')
            self.audit = AuditWriter(
                directory / AUDIT_FILE, max_bytes=audit_bytes, max_files=audit_files
            )
            self.tokens = TokenFiles(
                keys=keys_path(keys, directory),
                revocations=revocations_path(directory),
                used=directory / 'refresh_tokens.json',
                issuer=issuer,
                audience=audience,
                record=self.audit.record,
            )
        except (TokenFileError, RolesError, OSError) as error:
            raise StartError(f'bridge_node: {error}') from error
        self.gateway = Gateway(
            config, self.tokens.authority, roles, self.command, audit=self.audit
        )

        self._started = self.get_clock().now().nanoseconds
        self._history: list[Any] | None = None if self._is_replay else []
        # Without clients a replay could not command a vehicle even if one were there.
        self._service_clients = (
            {}
            if self._is_replay
            else {
                call.name: self.create_client(call.service, call.name)
                for call in SERVICE_CALLS.values()
            }
        )
        for name, topic in topics.EVENT_TOPICS.items():
            topic.subscribe(self, self._on_latched if EVENTS[name].latched else self._on_event)
        self._settling = self.create_timer(SETTLING, self._settle)
        self._status = topics.BRIDGE_STATUS.publisher(self)

    def _on_event(self, message: Any) -> None:
        try:
            event = to_wire(message)
        except ValidationError as error:
            # A node broke the contract. The others' events must go on.
            self.get_logger().error(
                f'{type(message).__name__} is not what the specification allows: {error}',
                throttle_duration_sec=1.0,
            )
            return
        self.gateway.publish_threadsafe(event)

    def _on_latched(self, message: Any) -> None:
        if self._history is not None and from_stamp(message.header.stamp) < self._started:
            self._history.append(message)
        else:
            self._on_event(message)

    def _settle(self) -> None:
        """Tell the last of the stops and clears from before the start; they come in any order."""
        self._settling.cancel()
        history, self._history = self._history, None
        if history:
            self._on_event(max(history, key=lambda message: from_stamp(message.header.stamp)))

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
        """Do a client's command; called in the gateway's loop.

        Raises:
            CommandFailed: no node serves it.

        """
        if self._is_replay:
            raise CommandFailed('this is a recording: there is no vehicle to command')
        call = SERVICE_CALLS[type(command)]
        client = self._service_clients[call.name]
        if not client.service_is_ready():
            raise CommandFailed('no node serves it now; try again')
        future = client.call_async(call.request(command, caller.subject))
        done: Future[Any] = Future()
        future.add_done_callback(lambda response: done.set_result(response.result()))
        try:
            response = await asyncio.wrap_future(done)
        finally:
            client.remove_pending_request(future)
        if isinstance(command, commands.GetSystemStatus):
            return CommandOutcome(event=to_wire(response.status))
        accepted = getattr(response, 'accepted', True)
        return CommandOutcome(accepted, getattr(response, 'message', ''), call.data(response))

    def destroy_node(self) -> None:
        """End what follows the files of tokens, the audit log, then the node."""
        self.tokens.close()
        self.audit.close()
        super().destroy_node()


async def serve(node: BridgeNode, told: Callable[[], bool]) -> None:
    """Run the gateway until SIGINT, SIGTERM or the end of the ROS context.

    Args:
        node: its node.
        told: whether there was such a signal before.

    """
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()

    def end(*_: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(ending.set)

    # Not by loop.add_signal_handler: at its end the loop would give the signals back to Python.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    if told():
        return
    try:
        await node.gateway.start()
    except InsecureError as error:
        raise StartError(
            f'bridge_node: {error}: set tls_certificate and tls_key, or, in a network where '
            'nobody else is, insecure'
        ) from error
    except TlsError as error:
        raise StartError(f'bridge_node: TLS: {error}') from error
    except OSError as error:
        raise StartError(
            f'bridge_node: cannot listen ({error.strerror}); set the parameters host and port'
        ) from error
    # What is there by now stays. Were the garbage collector to look through it again, every
    # client would wait for some 20 ms (bench/slow_reader.py).
    gc.collect()
    gc.freeze()
    failed: list[BaseException] = []

    def spin() -> None:
        try:
            rclpy.spin(node)
        except ExternalShutdownException:
            pass
        except BaseException as error:
            # As in `process.run`; while ROS is up the thread must not die unnoticed.
            if rclpy.ok():
                failed.append(error)
        finally:
            end()

    thread = threading.Thread(target=spin, name='rclpy')
    thread.start()
    report = asyncio.create_task(node.report())
    try:
        await ending.wait()
    finally:
        report.cancel()
        await node.gateway.close()
        rclpy.try_shutdown()
        await asyncio.to_thread(thread.join)
    if failed:
        raise failed[0]


def main() -> None:
    """Run the node."""
    told = stop_requested()
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = None
    try:
        node = BridgeNode()
        asyncio.run(serve(node, told))
    except StartError as error:
        fail(error)
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        ignore_signals()


if __name__ == '__main__':
    main()

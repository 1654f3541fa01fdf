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
"""The WebSocket server: starts, accepts connections, closes. Others do the rest."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
import weakref
from collections.abc import Callable
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve
from websockets.http11 import Request
from websockets.http11 import Response

from oht50_bridge.gateway.admission.answers import Answers
from oht50_bridge.gateway.admission.handshake import Handshake
from oht50_bridge.gateway.admission.limits import Addresses
from oht50_bridge.gateway.admission.listener import Listener
from oht50_bridge.gateway.admission.scheduler import FairScheduler
from oht50_bridge.gateway.audit.trail import Trail
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.auth.roles import Roles
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.clock import Clock
from oht50_bridge.gateway.commands import CommandHandler
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.connected_client import ConnectedClient
from oht50_bridge.gateway.connection import Connection
from oht50_bridge.gateway.context import GatewayContext
from oht50_bridge.gateway.delivery import restored
from oht50_bridge.gateway.dispatcher import Dispatcher
from oht50_bridge.gateway.history import EventHistory
from oht50_bridge.gateway.hub import Hub
from oht50_bridge.gateway.ingress import Ingress
from oht50_bridge.gateway.journal import EventJournal
from oht50_bridge.gateway.journal import Origin
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.metrics import Metrics
from oht50_bridge.gateway.metrics import Stats
from oht50_bridge.gateway.page_files import Document
from oht50_bridge.gateway.pages import Pages
from oht50_bridge.gateway.pages import documents
from oht50_bridge.gateway.redact import redact
from oht50_bridge.gateway.registry import Registry
from oht50_bridge.gateway.responses import Responses
from oht50_bridge.gateway.state_fanout import StateFanout
from oht50_bridge.gateway.tasks import Tasks
from oht50_bridge.gateway.tls import Certificate
from oht50_bridge.gateway.tls import check_listening
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.errors import CLOSE_GOING_AWAY
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.rates import TokenBucket
from oht50_bridge.text import shown

#: Bytes above which the write buffer of a connection counts as full.
WRITE_LIMIT = 16 * 1024
#: Messages up to this size are read and refused with WS-005; larger ones only with close 1009.
HARD_LIMIT = 4 * MAX_PAYLOAD_BYTES
#: Frames that are no complete message (pings, fragments) may arrive this many times as often as
#: commands.
FRAMES_PER_COMMAND = 10
#: Cost of the end of a handshake, s.
HANDSHAKE_COST = 0.0005
CERTIFICATE_PERIOD = 1.0  # s, between two checks of the certificate's files
REPORT_PERIOD = 60.0  # s, between two reports to the audit log
#: s, within which a session ends after its token was revoked or the date changed.
CHECK_PERIOD = 1.0
#: Log lines on failed handshakes: at once, and then per second.
LINES, LINES_PER_SECOND = 10, 0.1
#: Characters of the description of a failed handshake.
DESCRIPTION = 200
#: Iterations of the event loop from the acceptance of a connection to its registration here:
#: asyncio creates the transport, calls `connection_made`, and starts the handler.
ACCEPT_ITERATIONS = 3


class _HandshakeFilter(logging.Filter):
    """Logs a failed handshake in one line, and of many only a few: the audit log counts them.

    The library logs these with a traceback, although the peer causes them and not a defect. Its
    texts differ from version to version. A traceback is left to the one record that only a defect
    of the gateway causes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines = TokenBucket(LINES_PER_SECOND, LINES)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.msg != 'connection handler failed':
            error = shown(redact(repr(record.exc_info[1])), DESCRIPTION)
            record.msg, record.args = '%s: %s', (record.msg, error)
            record.exc_info, record.levelno, record.levelname = None, logging.WARNING, 'WARNING'
            return self._lines.take(time.monotonic())
        return True


# At DEBUG the library logs whole frames, tokens included.
_log = logging.getLogger(__name__)
_wire_log = logging.getLogger(f'{__name__}.wire')
_wire_log.setLevel(logging.WARNING)
_wire_log.addFilter(_HandshakeFilter())


class Gateway:
    """Serves the WebSocket events on `/ws/telemetry`; over HTTP a page, `/healthz`, `/metrics`.

    All methods but `publish_threadsafe` and `stats` belong to the thread of the event loop in
    which `start` was awaited.

    Attributes:
        past: what the process before has left; set to None before `start` where it cannot be
            continued.

    Args:
        config: settings.
        authority: verifies tokens.
        roles: rights of each role.
        handler: carries out commands.
        audit: the audit log; None: none is kept. The caller closes it.
        journal: keeps events for clients that resume after a restart; None: none is kept. The
            caller closes it.
        wall: clock, s since the Unix epoch.

    """

    def __init__(
        self,
        config: GatewayConfig,
        authority: TokenAuthority,
        roles: Roles,
        handler: CommandHandler,
        *,
        audit: AuditWriter | None = None,
        journal: EventJournal | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.history = EventHistory(secrets.token_urlsafe(9), config.history, journal)
        self._journal = journal
        self.past = journal.past if journal is not None else None
        self.clients: dict[ConnectedClient, None] = {}
        self._authority = authority
        self._roles = roles
        self._handler = handler
        self._audit = audit
        self._wall = wall
        self._counts = Counts()
        self._responses = Responses(self._counts, wall)
        self._registry = Registry(config)
        self._trail = Trail(audit, self._counts, time.monotonic)
        self._metrics = Metrics(self.stats, self._counts)
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._context: GatewayContext | None = None
        self._server: Server | None = None
        self._ingress: Ingress | None = None
        self._certificate: Certificate | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._started = 0.0

    # Life

    def _begin(self) -> None:
        """Continue the epoch of the journal where the past is whole, or else begin one."""
        if self._journal is None:
            return
        if self.past is not None:
            try:
                events = [
                    restored(payload, self._responses.encode, seq)
                    for seq, payload in self.past.events
                ]
                self.history.restore(self.past.epoch, events)
                return
            except ValueError as error:
                _log.warning('an event of the journal cannot be read: %s', error)
                self.past = None
        self._journal.begin(self.history.epoch)

    async def start(self) -> None:
        """Listen.

        Raises:
            InsecureError: others could connect without TLS.
            TlsError: the certificate cannot be used.
            OSError: the address cannot be used.
            RuntimeError: it is started already.

        """
        if self._server is not None:
            raise RuntimeError('the gateway is started already')
        config = self.config
        check_listening(config.host, config.tls is not None, config.insecure)
        if config.tls is not None:
            self._certificate = Certificate(config.tls, self._trail.certificate)
        self._begin()
        loop = asyncio.get_running_loop()
        self._started = loop.time()
        served = documents(config.page)
        self._context = context = self._make_context(loop, served)
        self._ingress = Ingress(loop, self.publish)
        timeouts: dict[str, Any] = (
            {} if config.tls is None else {'ssl_handshake_timeout': config.handshake_timeout}
        )
        self._server = await serve(
            self._handle,
            sock=context.listener.handoff,
            ssl=self._certificate.context if self._certificate else None,
            create_connection=self._connect,  # type: ignore[arg-type]  # a factory, not a class
            process_request=self._process_request,
            compression='deflate' if config.compression else None,
            # The listener ends handshakes that take too long, with a reason.
            open_timeout=2 * config.handshake_timeout,
            max_size=HARD_LIMIT,
            write_limit=WRITE_LIMIT,
            logger=_wire_log,
            server_header=None,
            # The session sends pings and has its own time limits.
            ping_interval=None,
            close_timeout=config.close_timeout,
            **timeouts,
        )
        if self._certificate is not None:
            self._repeat('certificate', CERTIFICATE_PERIOD, self._certificate.reload)
        self._repeat('report', REPORT_PERIOD, self._trail.report)
        self._repeat('clients', CHECK_PERIOD, self._check_clients)

    def _make_context(
        self, loop: asyncio.AbstractEventLoop, served: Mapping[str, Document]
    ) -> GatewayContext:
        config = self.config
        addresses, scheduler = Addresses(config), FairScheduler(loop)
        answers = Answers(config.tls is not None)
        listener = Listener(config, scheduler, addresses, self._trail.refused, answers)
        rate = config.max_deliveries
        # So much at once that passes to as many clients as fit do not depend on their jitter.
        budget = TokenBucket(rate, max(1.0, rate / 5))
        states = StateFanout(loop, budget, config.rate_of, self._counts)
        reports = {'/healthz': self._health, '/metrics': self._metrics_page}
        pages = Pages(answers, served, reports)
        return GatewayContext(
            config=config,
            loop=loop,
            clock=Clock(loop.time, self._wall),
            authority=self._authority,
            roles=self._roles,
            addresses=addresses,
            scheduler=scheduler,
            answers=answers,
            listener=listener,
            handshake=Handshake(config, listener, addresses, self._trail.refused, pages),
            registry=self._registry,
            history=self.history,
            hub=Hub(self._responses.encode, self.history, states),
            states=states,
            budget=budget,
            dispatcher=Dispatcher(self._handler, self._responses, config.command_timeout),
            responses=self._responses,
            counts=self._counts,
            trail=self._trail,
            tasks=Tasks(loop),
        )

    def _repeat(self, name: str, period: float, work: Callable[[], object]) -> None:
        """Run some work in each period until the gateway closes."""

        def run() -> None:
            self._timers[name] = asyncio.get_running_loop().call_later(period, run)
            work()

        self._timers[name] = asyncio.get_running_loop().call_later(period, run)

    def _check_clients(self) -> None:
        for client in list(self.clients):
            client.check()

    @property
    def port(self) -> int:
        """TCP port on which it listens."""
        if self._server is None or self._context is None:
            raise RuntimeError('the gateway is not started')
        return self._context.listener.port

    async def close(self) -> None:
        """Close every connection with 1001 and stop listening. Repeating it has no effect."""
        server, self._server = self._server, None
        context = self._context
        if server is None or context is None or self._ingress is None:
            return
        self._ingress.close()
        for timer in self._timers.values():
            timer.cancel()
        context.states.close()
        context.listener.close()
        context.scheduler.drain()
        server.close(close_connections=False)
        for client in list(self.clients):
            client.close(CLOSE_GOING_AWAY, 'server shutdown')
        # Commands in progress finish or reach their own timeout; connections may not linger.
        waiting: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(server.wait_closed()),
            *context.tasks.running,
        ]
        _, late = await asyncio.wait(waiting, timeout=self.config.shutdown_timeout)
        for _ in range(ACCEPT_ITERATIONS):
            await asyncio.sleep(0)
        left = [each for each in list(self._connections) if not each.is_ending]
        for connection in left:
            connection.abort()
        for task in context.tasks.running & late:
            task.cancel()
        late |= {
            asyncio.ensure_future(connection.wait_closed())
            for connection in left
            if hasattr(connection, 'transport')
        }
        if late:
            await asyncio.wait(late, timeout=self.config.shutdown_timeout)
        context.scheduler.close()
        self._trail.report()

    # Connections

    def _connect(self, *args: Any, **kwargs: Any) -> Connection:
        assert self._context is not None
        connection = Connection(*args, **kwargs)
        connection.scheduler = self._context.scheduler
        connection.answers = self._context.answers
        connection.frames = TokenBucket(
            FRAMES_PER_COMMAND * self.config.commands_per_second,
            FRAMES_PER_COMMAND * self.config.command_burst,
        )
        connection.on_made = self._on_made
        connection.on_lost = self._on_lost
        self._connections.add(connection)
        return connection

    def _on_made(self, connection: Connection) -> None:
        assert self._context is not None
        connection.pending = self._context.listener.find(connection.transport)
        if connection.pending is None:
            connection.abort()

    def _on_lost(self, connection: Connection) -> None:
        assert self._context is not None
        connection.on_made = connection.on_lost = None
        pending, failure = connection.pending, connection.protocol.handshake_exc
        if pending is None:
            return
        if failure is not None and not connection.answered and not pending.gone:
            self._trail.refused(pending.address, 'request', shown(str(failure), DESCRIPTION))
        self._context.listener.leave(pending)

    async def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | None:
        context = self._context
        assert isinstance(connection, Connection) and context is not None

        def respond(status: HTTPStatus, text: str) -> Response:
            return connection.respond(status, text)

        response = await context.scheduler.call(
            connection.address,
            lambda: context.handshake.respond(
                connection.pending, request, connection.method, respond, context.loop.time()
            ),
            HANDSHAKE_COST,
        )
        connection.answered = response is not None
        return response

    async def _handle(self, connection: ServerConnection) -> None:
        context = self._context
        assert isinstance(connection, Connection) and context is not None
        if connection.is_ending:
            return  # its clean-up is scheduled
        client = ConnectedClient(context, connection)
        self.clients[client] = None
        self._registry.add(client)
        self._trail.unauthenticated('connect', client.session, client.address)
        try:
            await client.serve()
            await client.drain()
        finally:
            self.clients.pop(client, None)
            self._registry.remove(client)
            client.sender.close()
            code = connection.protocol.close_code
            if connection.authenticated:
                self._trail.client('disconnect', client.session, code=code)
            else:
                self._trail.unauthenticated(
                    'disconnect', client.session, client.address, code=code
                )

    # Events

    def publish(self, event: Message, origin: Origin | None = None) -> None:
        """Send an event to every client that subscribed to it and may read it.

        It must be started. The audit log comes after the sending: nothing delays a stop.
        """
        assert self._context is not None
        self._trail.event(self._context.hub.publish(event, origin))

    def note_threadsafe(self, node: str, publisher: str) -> None:
        """Note from any thread which publisher a node is, for who continues after a restart."""
        if self._context is not None and self._journal is not None:
            self._context.loop.call_soon_threadsafe(self._journal.note, node, publisher)

    def skip_threadsafe(self, origin: Origin) -> None:
        """Note from any thread an event that is not published, as it is from before the start."""
        if self._context is not None and self._journal is not None:
            self._context.loop.call_soon_threadsafe(self._journal.skip, origin)

    def publish_threadsafe(self, event: Message, origin: Origin | None = None) -> None:
        """Publish from any thread. Of the state class the newest value replaces queued ones.

        Has no effect before `start` and after `close`.

        Raises:
            IngressFullError: the event loop is blocked.

        """
        if self._ingress is not None:
            self._ingress.put(event, origin)

    # Figures

    def stats(self) -> Stats:
        """Return the figures; callable from any thread."""
        listening = self._server is not None and self._context is not None
        return Stats(
            clients=self._registry.authenticated_count,
            connections=self._registry.open_count,
            unauthenticated=len(self._context.listener) if listening and self._context else 0,
            waiting=self._waiting(),
            deliveries=self._counts.delivered.total(),
            replaced=self._counts.replaced,
            slow_consumers=self._counts.errors[ErrorCode.SLOW_CONSUMER.code],
            non_finite=self._responses.non_finite,
            oversized=self._counts.oversized,
            audit_lost=self._trail.lost,
            errors={error.code: self._counts.errors[error.code] for error in ErrorCode},
            refused=dict(self._counts.refused),
            certificate=dict(self._counts.certificate),
        )

    def _waiting(self) -> int:
        states = len(self._context.states) if self._context is not None else 0
        return states + sum(len(client.sender.outbox) for client in list(self.clients))

    def _health(self) -> Document:
        assert self._context is not None
        health = {
            'status': 'ok',
            'clients': self._registry.authenticated_count,
            'uptime': round(self._context.loop.time() - self._started, 3),
            'version': self.config.server_version,
        }
        return Document(json.dumps(health).encode(), 'application/json')

    def _metrics_page(self) -> Document:
        return Document(self._metrics.text(), 'text/plain; version=0.0.4; charset=utf-8')

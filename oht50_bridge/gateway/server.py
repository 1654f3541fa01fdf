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
"""The WebSocket server: connections, fan-out of events, commands to the vehicle."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
import weakref
from collections import Counter
from collections.abc import Callable
from collections.abc import Coroutine
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.core import Metric
from pydantic import ValidationError
from websockets.asyncio.server import Server
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.http11 import Response

from oht50_bridge.gateway import session as steps
from oht50_bridge.gateway.admission.limits import Addresses
from oht50_bridge.gateway.admission.limits import RecordLimit
from oht50_bridge.gateway.admission.limits import address_of
from oht50_bridge.gateway.admission.limits import forwarded
from oht50_bridge.gateway.admission.limits import within
from oht50_bridge.gateway.admission.listener import Listener
from oht50_bridge.gateway.admission.scheduler import FairScheduler
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.auth.roles import Roles
from oht50_bridge.gateway.auth.tokens import TokenAuthority
from oht50_bridge.gateway.commands import Caller
from oht50_bridge.gateway.commands import CommandFailed
from oht50_bridge.gateway.commands import CommandHandler
from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.gateway.connected_client import FRAMES_PER_COMMAND
from oht50_bridge.gateway.connected_client import ConnectedClient
from oht50_bridge.gateway.connected_client import Connection
from oht50_bridge.gateway.history import EventHistory
from oht50_bridge.gateway.ingress import Ingress
from oht50_bridge.gateway.outbox import OutgoingEvent
from oht50_bridge.gateway.outbox import text_frame
from oht50_bridge.gateway.redact import redact
from oht50_bridge.gateway.session import Clock
from oht50_bridge.gateway.session import State
from oht50_bridge.gateway.tls import Certificate
from oht50_bridge.gateway.tls import check_listening
from oht50_bridge.protocol import commands
from oht50_bridge.protocol import replies
from oht50_bridge.protocol.base import Message
from oht50_bridge.protocol.base import timestamp_from_seconds
from oht50_bridge.protocol.catalogue import EVENTS
from oht50_bridge.protocol.catalogue import MAX_PAYLOAD_BYTES
from oht50_bridge.protocol.catalogue import PATH
from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.errors import CLOSE_GOING_AWAY
from oht50_bridge.protocol.errors import ErrorCode
from oht50_bridge.protocol.rates import TokenBucket

__all__ = ['Caller', 'CommandFailed', 'CommandHandler', 'CommandOutcome', 'Gateway', 'Stats']

#: Bytes above which a connection's own write buffer counts as full.
WRITE_LIMIT = 16 * 1024
#: Messages up to this size are read to be refused with WS-005; larger ones only with close 1009.
HARD_LIMIT = 4 * MAX_PAYLOAD_BYTES
#: Bytes that the number of an event may yet add to its payload.
SEQ_ROOM = 24
#: Headers that say what a connection is; two of one kind are somebody's attempt to be taken for
#: one thing here and for another by a proxy.
SINGLE_HEADERS = (
    'Host',
    'Origin',
    'Authorization',
    'Upgrade',
    'Content-Length',
    'Sec-WebSocket-Key',
    'Sec-WebSocket-Version',
)
MAX_HEADERS = 64
MAX_URL = 4096
#: s that the end of a handshake takes.
HANDSHAKE_WORK = 0.0005
#: s between two looks at the files of the certificate.
CERTIFICATE_PERIOD = 1.0
#: Lines in the log on handshakes that failed: at once, and per second after that.
LINES, LINES_PER_SECOND = 10, 0.1
#: Missions whose progress is kept for new subscribers.
KEPT_PER_TYPE = 16

_log = logging.getLogger(__name__)
# At DEBUG the library writes whole frames, tokens included.
_wire_log = logging.getLogger(f'{__name__}.wire')
_wire_log.setLevel(logging.WARNING)


class _Brief(logging.Filter):
    """Tells of a failed handshake in a line: that is the other side's doing, not a defect.

    Of many, in a few lines: the audit log counts them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines = TokenBucket(LINES_PER_SECOND, LINES)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.msg in (
            'opening handshake failed',
            'unexpected internal error',
        ):
            record.msg, record.args = '%s: %s', (record.msg, redact(repr(record.exc_info[1])))
            record.exc_info, record.levelno, record.levelname = None, logging.WARNING, 'WARNING'
            return self._lines.take(time.monotonic())
        return True


_wire_log.addFilter(_Brief())


@dataclass(frozen=True)
class Stats:
    """Figures of the gateway; of now: `clients`, `connections`, `unauthenticated`, `waiting`.

    `clients` have authenticated, `connections` are WebSockets of whomever, `unauthenticated` are
    all peers that have not authenticated. The others count since the start; `errors` by code,
    `refused` (peers that never became a connection) by reason.
    """

    clients: int
    connections: int
    unauthenticated: int
    waiting: int
    deliveries: int
    replaced: int
    slow_consumers: int
    non_finite: int
    oversized: int
    audit_lost: int
    errors: Mapping[str, int]
    refused: Mapping[str, int]


class Gateway:
    """Serves the WebSocket events on `/ws/telemetry`, and `/healthz` and `/metrics` over HTTP.

    All methods but `publish_threadsafe` belong to the thread of the event loop in which `start`
    was awaited.

    Args:
        config: settings.
        authority: verifies tokens.
        roles: who may do what.
        handler: carries out commands.
        audit: log of what happened; None: none is kept. Closing it is the caller's part.
        wall: clock, seconds since the Unix epoch.

    """

    def __init__(
        self,
        config: GatewayConfig,
        authority: TokenAuthority,
        roles: Roles,
        handler: CommandHandler,
        *,
        audit: AuditWriter | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.authority = authority
        self.roles = roles
        self.ring = EventHistory(secrets.token_urlsafe(9), config.ring)
        self.loop: asyncio.AbstractEventLoop
        self.clock: Clock
        self.lane: FairScheduler
        self._handler = handler
        self._audit = audit
        self._wall = wall
        self._encoder = Encoder()
        self._server: Server | None = None
        self._inlet: Ingress | None = None
        self._connections: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._clients: set[ConnectedClient] = set()
        self._subscribers: dict[str, dict[ConnectedClient, None]] = {kind: {} for kind in EVENTS}
        self._last: dict[str, dict[str, OutgoingEvent]] = {}
        self._latched: OutgoingEvent | None = None
        self._budget = TokenBucket(config.max_deliveries, max(1.0, config.max_deliveries / 10))
        self._starved: dict[ConnectedClient, None] = {}
        self._starved_timer: asyncio.TimerHandle | None = None
        self._serving_starved = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._minute: asyncio.TimerHandle | None = None
        self._door: Listener
        self._addresses = Addresses(config)
        self._records = RecordLimit()
        self._certificate: Certificate | None = None
        self._renewal: asyncio.TimerHandle | None = None
        self._refused: Counter[str] = Counter()
        self._started = 0.0
        self._counters: Counter[str] = Counter()
        self._delivered: Counter[str] = Counter()
        self._reported: Counter[str] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    # Life

    async def start(self) -> None:
        """Listen.

        Raises:
            InsecureError: others could connect without TLS.
            TlsError: the certificate cannot be used.
            OSError: the address cannot be had.
            RuntimeError: it runs already.

        """
        if self._server is not None:
            raise RuntimeError('the gateway runs already')
        self.loop = asyncio.get_running_loop()
        self.clock = Clock(self.loop.time, self._wall)
        self._inlet = Ingress(self.loop, self.publish)
        self._started = self.loop.time()
        config = self.config
        check_listening(config.host, config.tls is not None, config.insecure)
        if config.tls is not None:
            self._certificate = Certificate(config.tls, self._certificate_changed)
            self._renewal = self.loop.call_later(CERTIFICATE_PERIOD, self._renew)
        self.lane = FairScheduler(self.loop)
        self._door = Listener(
            config, self.lane, self._addresses, self._turned_away, config.tls is not None
        )
        timeouts = (
            {} if config.tls is None else {'ssl_handshake_timeout': config.handshake_timeout}
        )
        self._server = await serve(
            self._handle,
            sock=self._door.hatch,
            ssl=self._certificate.context if self._certificate else None,
            create_connection=self._connect,  # type: ignore[arg-type]
            process_request=self._page,
            compression='deflate' if config.compression else None,
            # The door ends what takes too long, and says so.
            open_timeout=2 * config.handshake_timeout,
            max_size=HARD_LIMIT,
            write_limit=WRITE_LIMIT,
            logger=_wire_log,
            server_header=None,
            # Pings and patience are the session's.
            ping_interval=None,
            close_timeout=config.close_timeout,
            **timeouts,
        )
        self._minute = self.loop.call_later(60, self._report)

    @property
    def port(self) -> int:
        """TCP port on which it listens."""
        if self._server is None:
            raise RuntimeError('the gateway does not run')
        return self._door.port

    async def close(self) -> None:
        """Close every connection with 1001 and stop listening. Repeating it does no harm."""
        server, self._server = self._server, None
        if server is None:
            return
        assert self._inlet is not None and self._minute is not None
        self._inlet.close()
        self._minute.cancel()
        if self._starved_timer is not None:
            self._starved_timer.cancel()
        if self._renewal is not None:
            self._renewal.cancel()
        self._door.close()
        self.lane.hurry()
        server.close(close_connections=False)
        for client in list(self._clients):
            client.close(CLOSE_GOING_AWAY, 'server shutdown')
        # Commands under way finish or run into their own timeout; connections may not linger.
        waiting: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(server.wait_closed()),
            *self._tasks,
        ]
        _, late = await asyncio.wait(waiting, timeout=self.config.shutdown_timeout)
        for _ in range(3):
            await asyncio.sleep(0)  # what was just being accepted is a connection by now
        left = [
            connection
            for connection in list(self._connections)
            if hasattr(connection, 'transport') and not connection.transport.is_closing()
        ]
        for connection in left:
            connection.transport.abort()
        for task in self._tasks & late:
            task.cancel()
        late |= {asyncio.ensure_future(connection.wait_closed()) for connection in left}
        if late:
            await asyncio.wait(late)
        self.lane.close()
        self._report(last=True)

    def _connect(self, *args: Any, **kwargs: Any) -> Connection:
        connection = Connection(*args, **kwargs)
        connection.lane = self.lane
        connection.frames = TokenBucket(
            FRAMES_PER_COMMAND * self.config.commands_per_second,
            FRAMES_PER_COMMAND * self.config.command_burst,
        )
        connection.on_made = self._made
        connection.on_lost = self._lost
        self._connections.add(connection)
        return connection

    def _made(self, connection: Connection) -> None:
        connection.guest = self._door.find(connection.transport)
        if connection.guest is None:
            connection.transport.abort()

    def _lost(self, connection: Connection) -> None:
        connection.on_made = connection.on_lost = None
        guest, failure = connection.guest, connection.protocol.handshake_exc
        if guest is None:
            return
        if failure is not None and connection.response is None and not guest.gone:
            # The library's words, without what the peer sent.
            self._turned_away(guest.address, 'request', str(failure))
        self._door.leave(guest)

    async def _handle(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Connection)
        if connection.transport.is_closing():
            return  # the clearing up waits for its turn
        client = ConnectedClient(self, connection)
        self._clients.add(client)
        self._record_of_stranger('connect', client)
        try:
            if self.authenticated_count >= self.config.max_connections:
                client.session.open()
                client.fail(
                    ErrorCode.CONNECTION_LIMIT_REACHED,
                    f'{self.config.max_connections} connections are open',
                )
            else:
                await client.serve()
            await client.drain()
        finally:
            self._clients.discard(client)
            self.forget(client)
            code = connection.protocol.close_code
            if connection.stranger:
                self._record_of_stranger('disconnect', client, code=code)
            else:
                self.record('disconnect', client, code=code)

    def authenticated(self, client: ConnectedClient, action: steps.Authenticated) -> None:
        """Note that a client presented a valid token."""
        connection = client.connection
        if connection.stranger:
            connection.stranger = False
            if connection.guest is not None:
                self._door.leave(connection.guest)
        self.record(
            'auth.extended' if action.again else 'auth',
            client,
            peer=client.address,
            token=action.claims.token_id,
            family=action.claims.family,
        )

    def failed(self, client: ConnectedClient) -> float:
        """Note that a client's token was not valid; return how long it waits for the news, s."""
        return self._addresses.failed(client.address, self.loop.time())

    def full(self, client: ConnectedClient) -> str | None:
        """Return why no further session may begin; None: one may."""
        known = [other for other in self._clients if other.session.state is State.ACTIVE]
        if len(known) >= self.config.max_connections:
            return f'{self.config.max_connections} connections are open'
        limit = self.config.address_connections
        if limit and sum(other.address == client.address for other in known) >= limit:
            return f'{limit} connections of this address are open'
        return None

    def charge_command(self, client: ConnectedClient) -> bool:
        """Return whether the clients of an address may give one more command."""
        return self._addresses.command(client.address, self.loop.time())

    def _turned_away(self, address: str, reason: str, description: str) -> None:
        self._refused[reason] += 1
        if self._audit is not None and self._records.take(address, reason, self.loop.time()):
            self._audit.record(
                'refused', peer=address, reason=reason, description=redact(description)
            )

    def _renew(self) -> None:
        assert self._certificate is not None
        self._renewal = self.loop.call_later(CERTIFICATE_PERIOD, self._renew)
        self._certificate.reload()

    def _certificate_changed(self, what: str, description: str) -> None:
        self._counters[f'certificate_{what}'] += 1
        if self._audit is not None:
            self._audit.record(f'certificate.{what}', description=description)

    def forget(self, client: ConnectedClient) -> None:
        """Send no event to a client any more."""
        for subscribers in self._subscribers.values():
            subscribers.pop(client, None)
        self._starved.pop(client, None)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine to its end; `close` waits for it."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error('defect in the gateway', exc_info=task.exception())

    # Events

    def publish(self, event: Message) -> None:
        """Send an event to every client that subscribed to it and may read it."""
        kind = EVENTS[event.type]
        if kind.is_state:
            delivery = OutgoingEvent(event, self._encode)
            values = self._last.setdefault(kind.name, {})
            values[delivery.key[1]] = delivery
            if len(values) > KEPT_PER_TYPE:
                del values[next(iter(values))]
        else:
            delivery = OutgoingEvent(event, self._encode, self.ring.next_seq())
            self.ring.append(delivery)
            if kind.latched:
                self._latched = delivery
            if kind.ends is not None:
                self._last.get(kind.ends, {}).pop(delivery.key[1], None)
        subscribers = list(self._subscribers[kind.name])
        if subscribers:
            _ = delivery.frame  # what cannot be encoded fails here, not once per client
        for client in subscribers:
            if not client.session.may_read(kind.name):
                continue
            try:
                client.offer(delivery)
            except Exception:
                # One broken connection must not keep the event from the others.
                _log.exception('client dropped: %s could not be sent', kind.name)
                client.connection.transport.abort()
        # After the sending: nothing stands before an emergency stop.
        if self._audit is not None and not kind.is_state:
            self._audit.record(
                'event', type=kind.name, seq=delivery.seq, event=json.loads(delivery.payload)
            )

    def publish_threadsafe(self, event: Message) -> None:
        """Publish from any thread. Of the state class the newest value wins on the way.

        Does nothing before `start` and after `close`.

        Raises:
            IngressFull: the event loop stands still.

        """
        if self._inlet is not None:
            self._inlet.put(event)

    def last_values(self, kinds: Iterable[str]) -> list[OutgoingEvent]:
        """Return what a new subscriber of these types must know."""
        wanted = set(kinds)
        values = [value for kind in wanted for value in self._last.get(kind, {}).values()]
        if self._latched is not None and self._latched.kind.name in wanted:
            # Unnumbered: it says how things stand, not what was missed.
            values.append(OutgoingEvent(self._latched.event, self._encode))
        return values

    def subscribe(self, client: ConnectedClient, kinds: Iterable[str]) -> None:
        """Have a client receive these types."""
        for kind in kinds:
            self._subscribers[kind][client] = None

    def unsubscribe(self, client: ConnectedClient, kinds: Iterable[str]) -> None:
        """Have a client no longer receive these types."""
        for kind in kinds:
            self._subscribers[kind].pop(client, None)

    def _encode(self, event: Message) -> bytes:
        payload = self._encoder.encode(event)
        if len(payload) <= MAX_PAYLOAD_BYTES - SEQ_ROOM:
            return payload
        self._counters['oversized'] += 1
        _log.error(
            '%s of %d bytes is above %d and is replaced by an error',
            event.type,
            len(payload),
            MAX_PAYLOAD_BYTES,
        )
        return self._encoder.encode(
            self.error(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f'{event.type} of {len(payload)} bytes was not sent',
                event.request_id,
            )
        )

    def frame_of(self, message: Message) -> bytes:
        """Return the WebSocket frame of a message."""
        return text_frame(self._encode(message))

    # The limit of the whole server

    def take_delivery(self, client: ConnectedClient) -> bool:
        """Return whether a state-class frame may go; if not, the client's turn will come."""
        # While others wait, the one whose turn it is goes first.
        if (self._serving_starved or not self._starved) and self._budget.take(self.loop.time()):
            return True
        self._starved[client] = None
        if self._starved_timer is None:
            now = self.loop.time()
            self._starved_timer = self.loop.call_at(
                max(self._budget.ready_at(now), now + 0.005), self._feed
            )
        return False

    def charge_delivery(self) -> None:
        """Count an event-class frame against the limit, which never holds it back."""
        self._budget.charge(self.loop.time())

    def count_delivery(self, delivery: OutgoingEvent) -> None:
        """Count a frame that goes."""
        self._delivered[delivery.kind.name] += 1

    def count_replaced(self) -> None:
        """Count a state value that a newer one replaced while it waited."""
        self._counters['replaced'] += 1

    def _feed(self) -> None:
        self._starved_timer = None
        self._serving_starved = True
        try:
            while self._starved and self._budget.ready_at(self.loop.time()) <= self.loop.time():
                client = next(iter(self._starved))
                del self._starved[client]
                client.pump()
        finally:
            self._serving_starved = False
        if self._starved and self._starved_timer is None:
            now = self.loop.time()
            self._starved_timer = self.loop.call_at(
                max(self._budget.ready_at(now), now + 0.005), self._feed
            )

    # Commands

    async def run(
        self, client: ConnectedClient, command: commands.Command, caller: Caller
    ) -> None:
        """Have the vehicle do something and answer the client."""
        name = command.type  # type: ignore[attr-defined]
        try:
            outcome = await asyncio.wait_for(
                self._handler(command, caller), self.config.command_timeout
            )
            answer = self._answer(name, outcome)
        except asyncio.TimeoutError:
            answer = self.error(
                ErrorCode.COMMAND_FAILED,
                f'{name}: no answer from the vehicle within {self.config.command_timeout:g} s',
            )
        except CommandFailed as error:
            answer = self.error(ErrorCode.COMMAND_FAILED, f'{name}: {error}')
        except Exception:
            _log.exception('command %s failed', name)
            answer = self.error(ErrorCode.COMMAND_FAILED, f'{name}: internal error of the bridge')
        self._tell(client, command, answer)

    def refuse(self, client: ConnectedClient, command: commands.Command, reason: str) -> None:
        """Answer a command that was not put to the vehicle."""
        self._tell(client, command, self.error(ErrorCode.COMMAND_FAILED, reason))

    def _tell(self, client: ConnectedClient, command: commands.Command, answer: Message) -> None:
        client.send(answer.model_copy(update={'request_id': command.request_id}))
        self.record(
            'command', client, command=command.model_dump(mode='json'), outcome=_outcome(answer)
        )

    def _answer(self, name: str, outcome: CommandOutcome) -> Message:
        if outcome.event is not None:
            return outcome.event
        return replies.CommandResult(
            timestamp=self.stamp(),
            data=replies.CommandResultData(
                **{
                    **outcome.data,
                    'command': name,
                    'accepted': outcome.accepted,
                    'message': outcome.message,
                }
            ),
        )

    def error(
        self, error: ErrorCode, description: str, request_id: str | None = None
    ) -> replies.Error:
        """Return the message of an error."""
        self._counters[error.code] += 1
        return replies.Error(
            timestamp=self.stamp(),
            request_id=request_id,
            error_code=error.code,
            error_name=error.title,
            description=redact(description),
            temporary=error.temporary,
        )

    def stamp(self) -> str:
        """Return the wire timestamp of now."""
        return timestamp_from_seconds(self._wall())

    # HTTP

    async def _page(self, connection: ServerConnection, request: Request) -> Response | None:
        assert isinstance(connection, Connection)
        return await self.lane.call(
            connection.address, lambda: self._respond(connection, request), HANDSHAKE_WORK
        )

    def _respond(self, connection: Connection, request: Request) -> Response | None:
        """Return the answer to a request; None: it becomes a WebSocket."""
        guest, headers = connection.guest, request.headers
        if guest is None:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, 'Turned away\n')

        def refuse(status: HTTPStatus, reason: str, description: str) -> Response:
            self._turned_away(guest.address, reason, description)
            return connection.respond(status, f'{description}\n')

        if len(request.path) > MAX_URL:
            return refuse(
                HTTPStatus.REQUEST_URI_TOO_LONG,
                'request',
                f'the URL is longer than {MAX_URL} characters',
            )
        if len(list(headers.raw_items())) > MAX_HEADERS:
            return refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                'request',
                f'more than {MAX_HEADERS} headers',
            )
        if not headers.get_all('Host'):
            return refuse(HTTPStatus.BAD_REQUEST, 'request', 'the header Host is missing')
        for name in SINGLE_HEADERS:
            if len(headers.get_all(name)) > 1:
                return refuse(HTTPStatus.BAD_REQUEST, 'request', f'the header {name} comes twice')
        if within(guest.host, self.config.proxies):
            try:
                host = forwarded(
                    guest.host, headers.get_all('X-Forwarded-For'), self.config.proxies
                )
            except ValueError:
                return refuse(
                    HTTPStatus.BAD_REQUEST,
                    'request',
                    'the header X-Forwarded-For holds no address',
                )
            self._door.move(guest, host)
            if not self._addresses.handshake(address_of(host), self.loop.time()):
                return refuse(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    'handshakes',
                    'too many handshakes of this address',
                )
        path = urlsplit(request.path).path
        if path == PATH:
            origin = headers.get('Origin')
            if origin is not None and not self._may_connect(origin, headers['Host']):
                return refuse(
                    HTTPStatus.FORBIDDEN,
                    'origin',
                    f'pages of {redact(origin)[:200]} may not connect; '
                    'the parameter origins of the bridge lists who may',
                )
            return None  # without an upgrade the library answers 426
        if path == '/healthz':
            return _body(
                'application/json',
                json.dumps(
                    {
                        'status': 'ok',
                        'clients': self.client_count,
                        'uptime': round(self.loop.time() - self._started, 3),
                        'version': self.config.server_version,
                    }
                ).encode(),
            )
        if path == '/metrics':
            return _body(
                'text/plain; version=0.0.4; charset=utf-8', generate_latest(self._registry)
            )
        return refuse(HTTPStatus.NOT_FOUND, 'request', f'Not here; events are on {PATH}')

    def _may_connect(self, origin: str, host: str) -> bool:
        """Return whether a page of an origin may connect to the host it asked for."""
        if '*' in self.config.origins or origin in self.config.origins:
            return True
        page = urlsplit(origin)
        return (
            page.scheme in ('http', 'https')
            and bool(page.hostname)
            and page.hostname == urlsplit(f'//{host}').hostname
        )

    def early_auth(self, connection: ServerConnection) -> commands.Auth | None:
        """Return the `auth` that a connection brought in its header or URL, None if it did not.

        A token that is not one is handed on, to be refused in the protocol's own way.
        """
        assert connection.request is not None
        fields: dict[str, Any] = {'type': 'auth'}
        scheme, _, token = (connection.request.headers.get('Authorization') or '').partition(' ')
        query = parse_qs(urlsplit(connection.request.path).query)
        if scheme.lower() == 'bearer':
            fields['token'] = token.strip()
        elif self.config.query_token and 'token' in query:
            fields['token'] = query['token'][0]
            if 'client_id' in query:
                fields['client_id'] = query['client_id'][0]
            if 'subscription' in query:
                fields['subscription'] = query['subscription'][0].split(',')
        else:
            return None
        try:
            return commands.Auth.model_validate(fields)
        except ValidationError:
            return commands.Auth(type='auth', token='-')  # noqa: S106 - stands for none

    # Figures

    @property
    def client_count(self) -> int:
        """Connections, authenticated or not, those being closed left out."""
        return sum(client.session.state is not State.CLOSED for client in list(self._clients))

    @property
    def authenticated_count(self) -> int:
        """Connections that presented a valid token."""
        return sum(client.session.state is State.ACTIVE for client in list(self._clients))

    def stats(self) -> Stats:
        """Return the figures; callable from any thread."""
        clients = list(self._clients)
        return Stats(
            clients=self.authenticated_count,
            connections=self.client_count,
            unauthenticated=len(self._door) if self._server is not None else 0,
            waiting=sum(len(client.outbox) for client in clients),
            deliveries=self._delivered.total(),
            replaced=self._counters['replaced'],
            slow_consumers=self._counters[ErrorCode.SLOW_CONSUMER.code],
            non_finite=self._encoder.non_finite,
            oversized=self._counters['oversized'],
            audit_lost=self._audit.lost if self._audit else 0,
            errors={error.code: self._counters[error.code] for error in ErrorCode},
            refused=dict(self._refused),
        )

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, as a collector of prometheus_client does."""
        figures = self.stats()
        for name, meaning in (
            ('clients', 'authenticated connections'),
            ('connections', 'open connections'),
            ('unauthenticated', 'peers that have not authenticated'),
            ('waiting', 'messages that wait for clients'),
        ):
            yield GaugeMetricFamily(f'oht50_gateway_{name}', meaning, getattr(figures, name))
        for name, meaning in (
            ('replaced', 'state values replaced by newer ones while they waited'),
            ('slow_consumers', 'clients closed because they did not keep up'),
            ('non_finite', 'NaN and infinities sent as null'),
            ('oversized', 'messages too large to be sent'),
            ('audit_lost', 'audit records that could not be written'),
        ):
            yield CounterMetricFamily(f'oht50_gateway_{name}', meaning, getattr(figures, name))
        delivered = CounterMetricFamily(
            'oht50_gateway_deliveries', 'event frames sent', labels=['type']
        )
        for kind, count in self._delivered.items():
            delivered.add_metric([kind], count)
        errors = CounterMetricFamily(
            'oht50_gateway_errors', 'errors told to clients', labels=['code']
        )
        for code, count in figures.errors.items():
            errors.add_metric([code], count)
        refused = CounterMetricFamily(
            'oht50_gateway_refused',
            'peers turned away before they had a connection',
            labels=['reason'],
        )
        for reason, count in figures.refused.items():
            refused.add_metric([reason], count)
        certificate = CounterMetricFamily(
            'oht50_gateway_certificate', "changes of the certificate's files", labels=['outcome']
        )
        for outcome in ('renewed', 'kept'):
            certificate.add_metric([outcome], self._counters[f'certificate_{outcome}'])
        yield delivered
        yield errors
        yield refused
        yield certificate

    # Audit

    def record(self, what: str, client: ConnectedClient, **fields: Any) -> None:
        """Put something a client did into the audit log."""
        if self._audit is not None:
            session = client.session
            self._audit.record(
                what,
                session=session.session_id,
                client=redact(session.client_id),
                subject=session.subject,
                role=session.role,
                **redact(fields),
            )

    def record_failure(self, client: ConnectedClient, **fields: Any) -> None:
        """Put what a client was refused into the audit log, if there are not too many such."""
        if self._records.take(client.address, str(fields['error']), self.loop.time()):
            self.record('failure', client, peer=client.address, **fields)

    def _record_of_stranger(self, what: str, client: ConnectedClient, **fields: Any) -> None:
        if self._records.take(client.address, what, self.loop.time()):
            self.record(what, client, peer=client.address, **fields)

    def _report(self, last: bool = False) -> None:
        if self._audit is not None:
            since = {
                kind: count - self._reported[kind]
                for kind, count in self._delivered.items()
                if EVENTS[kind].is_state and count > self._reported[kind]
            }
            if since:
                self._audit.record('deliveries', counts=since)
            self._reported = Counter(self._delivered)
            if (not_written := self._records.summary()) is not None:
                self._audit.record('suppressed', **not_written)
        if not last:
            self._minute = self.loop.call_later(60, self._report)


def _outcome(answer: Message) -> dict[str, Any]:
    if isinstance(answer, replies.CommandResult):
        return {'accepted': answer.data.accepted, 'message': answer.data.message}
    if isinstance(answer, replies.Error):
        return {'error': answer.error_code, 'message': answer.description}
    return {'accepted': True, 'message': answer.type}


def _body(content_type: str, body: bytes) -> Response:
    headers = Headers(
        [
            ('Content-Type', content_type),
            ('Content-Length', str(len(body))),
            ('Connection', 'close'),
            ('Cache-Control', 'no-store'),
        ]
    )
    return Response(HTTPStatus.OK.value, HTTPStatus.OK.phrase, headers, body)

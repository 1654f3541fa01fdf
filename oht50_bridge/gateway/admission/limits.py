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
"""Limits per network address. No I/O, no clock.

One address may be a whole building behind a router. So no limit here applies to authenticated
connections, and no count of failures keeps out a peer with a valid token.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections import OrderedDict
from collections.abc import Collection
from collections.abc import Sequence

from oht50_bridge.gateway.config import GatewayConfig
from oht50_bridge.protocol.rates import TokenBucket

#: Addresses remembered; beyond this, the least recently used are forgotten.
ADDRESSES = 4096
#: Failed authentications of an address that are answered at once, and s until the count halves.
FREE_FAILURES = 3
FAILURE_HALF_LIFE = 30.0
#: s by which the next failure is delayed; each further one doubles it.
FIRST_DELAY = 0.1
#: Records per address and in total that are written at once; then so many per second.
RECORDS, RECORDS_PER_SECOND = 50, 0.2
ALL_RECORDS, ALL_RECORDS_PER_SECOND = 500, 5.0
#: Addresses that a summary of suppressed records names.
NAMED = 50

#: Bits before the IPv4 address in an IPv6 address that holds one.
MAPPED_PREFIX = 96
#: What proxies report of a peer whose address they do not know or do not tell (RFC 7239, section
#: 6; nginx: a peer on a Unix socket).
NO_ADDRESS = re.compile(r'unknown|unix:|_[\w.-]+', re.IGNORECASE)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address_of(host: str) -> str:
    """Return the identity of a peer: its IPv4 address, or the /64 of its IPv6 address."""
    try:
        address = ipaddress.ip_address(host.partition('%')[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        if not address.is_loopback:
            return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks of addresses and prefixes such as 10.0.0.0/8.

    An IPv4 address that is written as one of IPv6 becomes one of IPv4, as in `within`.

    Raises:
        ValueError: one of them is neither, or has bits behind its prefix: which addresses it
            means is not certain.

    """
    return tuple(_network(text.strip()) for text in texts)


def _network(text: str) -> Network:
    network = ipaddress.ip_network(text)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.ip_network((mapped, network.prefixlen - MAPPED_PREFIX))
    return network


def within(host: str, trusted: Collection[Network]) -> bool:
    """Return whether an address lies in one of the networks."""
    try:
        address = ipaddress.ip_address(host.partition('%')[0])
    except ValueError:
        return False
    mapped = getattr(address, 'ipv4_mapped', None)
    return any((mapped or address) in network for network in trusted)


def forwarded(host: str, chain: Sequence[str], trusted: Collection[Network]) -> str:
    """Return the peer's address behind trusted proxies.

    Each proxy appends the address of its peer, so entries that a peer wrote itself are left of
    those of the proxies and are ignored. An entry may have a port. A peer of which a proxy knows
    no address counts as that proxy.

    Args:
        host: IP address that connected.
        chain: values of X-Forwarded-For, in order.
        trusted: networks of the proxies.

    Raises:
        ValueError: a proxy's entry is no address.

    """
    hops = [hop for value in chain for hop in map(_hop, value.split(',')) if hop]
    while hops and within(host, trusted):
        hop = hops.pop()
        if NO_ADDRESS.fullmatch(hop):
            break
        host = str(ipaddress.ip_address(hop))
    return host


def _hop(text: str) -> str:
    """Return an entry of X-Forwarded-For without its port, its brackets and its zone."""
    text = text.strip(' \t"')
    if text.startswith('['):
        text = text[1:].partition(']')[0]
    elif text.count(':') == 1 and not NO_ADDRESS.fullmatch(text):
        text = text.partition(':')[0]
    return text.partition('%')[0]


class _Address:
    __slots__ = ('commands', 'failed_at', 'failures', 'handshakes')

    def __init__(self, config: GatewayConfig) -> None:
        self.handshakes = TokenBucket(config.address_handshakes, config.address_handshake_burst)
        self.commands = TokenBucket(config.address_commands, 2 * config.address_commands)
        self.failures = 0.0
        self.failed_at = 0.0


class Addresses:
    """Recent activity of each address."""

    def __init__(self, config: GatewayConfig) -> None:
        self._config = config
        self._known: OrderedDict[str, _Address] = OrderedDict()

    def _of(self, address: str) -> _Address:
        entry = self._known.get(address)
        if entry is None:
            entry = self._known[address] = _Address(self._config)
            if len(self._known) > ADDRESSES:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(address)
        return entry

    def handshake(self, address: str, now: float) -> bool:
        """Return whether an address may begin a handshake."""
        return self._of(address).handshakes.take(now)

    def exhausted(self, address: str, now: float) -> bool:
        """Return whether `handshake` would refuse; counts nothing."""
        entry = self._known.get(address)
        return entry is not None and entry.handshakes.ready_at(now) > now

    def command(self, address: str, now: float) -> bool:
        """Return whether an address may give a command."""
        return self._of(address).commands.take(now)

    def failed(self, address: str, now: float) -> float:
        """Count a failed authentication; return by how much to delay the answer, s."""
        entry = self._of(address)
        passed = max(0.0, now - entry.failed_at)
        entry.failures = entry.failures * 0.5 ** (passed / FAILURE_HALF_LIFE) + 1
        entry.failed_at = now
        beyond = entry.failures - FREE_FAILURES
        if beyond <= 0:
            return 0.0
        # Beyond 30 doublings any ceiling is reached.
        return min(self._config.failure_delay, FIRST_DELAY * 2 ** min(beyond - 1, 30.0))


class RecordLimit:
    """Limits the audit records of refusals; those beyond are counted."""

    def __init__(self) -> None:
        self._all = TokenBucket(ALL_RECORDS_PER_SECOND, ALL_RECORDS)
        self._known: OrderedDict[str, TokenBucket] = OrderedDict()
        self._counts: dict[str, Counter[str]] = {}
        self._others = 0

    def allow(self, address: str, what: str, now: float) -> bool:
        """Return whether a record is to be written; if not, it is counted."""
        bucket = self._known.pop(address, None) or TokenBucket(RECORDS_PER_SECOND, RECORDS)
        self._known[address] = bucket
        if len(self._known) > ADDRESSES:
            self._known.popitem(last=False)
        if bucket.take(now) and self._all.take(now):
            return True
        if address in self._counts or len(self._counts) < NAMED:
            self._counts.setdefault(address, Counter())[what] += 1
        else:
            self._others += 1
        return False

    def summary(self) -> dict[str, object] | None:
        """Return the counts of suppressed records since the last summary; None: there are none."""
        if not self._counts and not self._others:
            return None
        result: dict[str, object] = {
            'addresses': {name: dict(counts) for name, counts in self._counts.items()},
            'others': self._others,
        }
        self._counts, self._others = {}, 0
        return result

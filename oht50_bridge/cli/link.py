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
"""Links that sign a browser in to the page of a bridge."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlencode

from oht50_bridge.cli.options import LOCAL_TTL
from oht50_bridge.cli.options import CommandError
from oht50_bridge.gateway.admission.origins import ANY
from oht50_bridge.gateway.admission.origins import DEFAULT_PORTS
from oht50_bridge.gateway.admission.origins import normalised
from oht50_bridge.paths import NO_PAGE
from oht50_bridge.paths import PAGE_INDEX
from oht50_bridge.paths import page_dir
from oht50_bridge.protocol.endpoint import DEFAULT_PORT

if TYPE_CHECKING:
    from oht50_bridge.gateway.auth.claims import TokenPair

DEFAULT_BRIDGE = f'http://127.0.0.1:{DEFAULT_PORT}'
#: The least role that starts a mission.
ROLE = 'operator'
#: Where a browser finds a server that listens on all addresses.
_REACHED_AT = {'0.0.0.0': '127.0.0.1', '::': '::1'}  # noqa: S104 - nothing listens by it


def bridge_origin(text: str) -> str:
    """Return the origin of the page that a text such as `https://vehicle.example` names."""
    try:
        origin = normalised(text)
    except ValueError:
        origin = ANY
    if origin.partition('://')[0] not in DEFAULT_PORTS:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not the address of a bridge such as {DEFAULT_BRIDGE}'
        )
    return origin


def link(origin: str, pair: TokenPair, *, refreshing: bool) -> str:
    """Return a link to the page with tokens behind its `#`, which no browser sends to a server.

    Args:
        origin: of the page.
        pair: the tokens.
        refreshing: whether the browser may stay signed in when the first of them has expired.

    """
    fragment = {'token': pair.access}
    if refreshing:
        fragment['refresh'] = pair.refresh
    return f'{origin}/#{urlencode(fragment)}'


def origin_of(host: str, port: int, *, encrypted: bool) -> str:
    """Return the origin of the page of a bridge on this computer."""
    name = _REACHED_AT.get(host, host)
    return f'{"https" if encrypted else "http"}://{f"[{name}]" if ":" in name else name}:{port}'


def page_lines(
    arguments: argparse.Namespace,
    given: Mapping[str, Any],
    origin: str,
    command: str,
    *,
    tokens: bool,
) -> list[str]:
    """Return how to reach the page of the vehicle that `oht50 up` has started; none for no page.

    Args:
        arguments: of `oht50 up`.
        given: parameters of bridge_node in the files.
        origin: of the page.
        command: prints a link.
        tokens: whether the lines may have tokens in them: a terminal shows them, and no file or
            journal keeps them.

    """
    page = given.get('page')
    if page == NO_PAGE:
        return []
    if not page and not (page_dir() / PAGE_INDEX).is_file():
        return ['  Page       not built: run `make setup` with Node 20.19 or later']
    pair = _pair(arguments, given) if tokens else None
    if pair is None:
        return [f'  Page       {origin}/ (a link that signs you in: {command})']
    return [
        f'Open this link on this computer within {LOCAL_TTL / 60:.0f} minutes: it signs you in as '
        f'{ROLE}, who sees',
        'the vehicle, starts missions and stops it. Anybody who has the link can do the same.',
        f'  Page       {link(origin, pair, refreshing=True)}',
    ]


def _pair(arguments: argparse.Namespace, given: Mapping[str, Any]) -> TokenPair | None:
    """Return tokens that the bridge of a vehicle accepts; None where its keys sign nothing."""
    # Not above: the supervisor of a vehicle needs neither keys nor roles otherwise.
    from oht50_bridge.cli.credentials import issue_pair

    signing = argparse.Namespace(
        state_dir=arguments.state_dir,
        keys=arguments.keys or given.get('keys', ''),
        issuer=arguments.issuer or given.get('token_issuer', ''),
        audience=arguments.audience or given.get('token_audience', ''),
    )
    try:
        return issue_pair(signing, ROLE, subject='local', ttl=LOCAL_TTL)
    except CommandError:
        return None

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
"""Run the vehicle, each node as a process, until Ctrl-C.

A node that ends is started again. DDS is limited to this machine unless --discovery is subnet.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

from oht50_bridge.bringup.parameters import VehicleParameters
from oht50_bridge.bringup.plan import Plan
from oht50_bridge.bringup.supervisor import Supervisor
from oht50_bridge.bringup.supervisor import cannot_listen
from oht50_bridge.bringup.supervisor import start_preload
from oht50_bridge.cli.link import ROLE
from oht50_bridge.cli.link import origin_of
from oht50_bridge.cli.link import page_lines
from oht50_bridge.cli.options import CommandError
from oht50_bridge.cli.options import add_graph
from oht50_bridge.cli.options import add_keys
from oht50_bridge.cli.options import add_listening
from oht50_bridge.cli.options import add_state_dir
from oht50_bridge.cli.options import graph_environment
from oht50_bridge.gateway.tls import InsecureError
from oht50_bridge.gateway.tls import TlsError
from oht50_bridge.gateway.tls import TlsFiles
from oht50_bridge.gateway.tls import check_listening
from oht50_bridge.gateway.tls import is_loopback
from oht50_bridge.gateway.tls import load
from oht50_bridge.protocol.endpoint import PATH
from oht50_bridge.standard_streams import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--sim', action='store_true', help='simulate the boards')
    source.add_argument(
        '--serial',
        metavar='PORT',
        help='serial port of all boards, where each of them can share it (default: the serial '
        'lines of the parameters)',
    )
    add_listening(parser)
    parser.add_argument(
        '--tls-cert',
        type=Path,
        metavar='FILE',
        help='PEM certificate for wss://; it is read again when it changes',
    )
    parser.add_argument(
        '--tls-key',
        type=Path,
        metavar='FILE',
        help='PEM private key of the certificate; it is read again when it changes',
    )
    parser.add_argument(
        '--tls-client-ca',
        type=Path,
        metavar='FILE',
        help='PEM certificates of issuers; clients then need a certificate of one of them',
    )
    parser.add_argument(
        '--insecure',
        action='store_true',
        help='accept connections from other machines without TLS: everybody in the network can '
        'read all messages and tokens',
    )
    parser.add_argument(
        '--params',
        type=Path,
        metavar='FILE',
        help='ROS parameter file whose values override config/vehicle.yaml',
    )
    add_graph(parser)
    parser.add_argument(
        '--log-level',
        choices=('debug', 'info', 'warn', 'error'),
        default='warn',
        help='lowest level of the log messages that nodes print (default: %(default)s)',
    )
    parser.add_argument(
        '--no-preload',
        action='store_true',
        help='without ROS 2: start each node by itself, not from one process that has imported '
        'what all of them need; it takes more memory and a longer start',
    )
    add_keys(parser)
    add_state_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the vehicle until SIGINT or SIGTERM.

    Raises:
        CommandError, BringUpError: it cannot be started; the message holds the remedy.

    """
    plan = Plan(
        state_dir=arguments.state_dir,
        domain=arguments.domain,
        namespace=arguments.namespace,
        params=arguments.params,
        simulated=arguments.sim,
        serial_port=arguments.serial or '',
        host=arguments.host,
        port=arguments.port,
        keys=arguments.keys,
        token_issuer=arguments.issuer,
        token_audience=arguments.audience,
    )
    environment = graph_environment(arguments)
    preloaded = (
        None if arguments.no_preload else start_preload(plan, environment, arguments.log_level)
    )
    if preloaded is not None:
        plan = replace(plan, check=preloaded.check)
    try:
        tls, insecure = transport(arguments, plan.parameters)
        Supervisor(
            plan.with_transport(tls, insecure=insecure),
            environment,
            arguments.log_level,
            lambda: announce(
                arguments, plan.parameters.given('bridge_node'), encrypted=tls is not None
            ),
            preloaded,
        ).run()
    finally:
        if preloaded is not None:
            preloaded.close()
            preloaded.output.close()
    return 0


def transport(
    arguments: argparse.Namespace, parameters: VehicleParameters
) -> tuple[TlsFiles | None, bool]:
    """Return the files of TLS, None without TLS, and whether other machines may do without it.

    Args:
        arguments: of the command line.
        parameters: of the vehicle, for what the command line does not say.

    Raises:
        CommandError: the files cannot be used, or TLS is needed and missing.
        BringUpError: the host has no address.

    """
    if bool(arguments.tls_cert) != bool(arguments.tls_key) or (
        arguments.tls_client_ca and not arguments.tls_cert
    ):
        raise CommandError('TLS needs both --tls-cert and --tls-key')
    given = parameters.given('bridge_node')
    names = [
        arguments.tls_cert or given.get('tls_certificate'),
        arguments.tls_key or given.get('tls_key'),
        arguments.tls_client_ca or given.get('tls_client_ca'),
    ]
    certificate, key, client_ca = (Path(name).absolute() if name else None for name in names)
    tls = TlsFiles(certificate, key, client_ca) if certificate and key else None
    insecure = arguments.insecure or given.get('insecure') is True
    try:
        if tls is not None:
            load(tls)
        check_listening(arguments.host, tls is not None, insecure)
    except TlsError as error:
        raise CommandError(str(error)) from error
    except InsecureError as error:
        raise CommandError(
            f'{error}: give --tls-cert and --tls-key, or, in a network where nobody else is, '
            '--insecure'
        ) from error
    except OSError as error:
        raise cannot_listen(arguments.host, arguments.port, error) from error
    return tls, insecure


def announce(arguments: argparse.Namespace, given: Mapping[str, Any], *, encrypted: bool) -> None:
    """Print how to reach and watch the vehicle that has been started.

    Args:
        arguments: of the command line.
        given: parameters of bridge_node in the files.
        encrypted: whether its clients use TLS.

    """
    boards = 'simulated boards' if arguments.sim else arguments.serial or 'serial lines'
    host = f'[{arguments.host}]' if ':' in arguments.host else arguments.host
    url = f'{"wss" if encrypted else "ws"}://{host}:{arguments.port}{PATH}'
    origin = origin_of(arguments.host, arguments.port, encrypted=encrypted)
    # As it was called, so that the lines can be copied.
    program = quote(sys.argv[0])
    state = ''
    if 'state_dir' in vars(arguments):
        state = f' --state-dir {quote(str(arguments.state_dir))}'
    lines = [
        f'OHT-50 is up ({boards}).',
        f'  WebSocket  {url}',
        f'  Token      {program} token --role operator{state}',
        f'  Watch      {program} watch {quote(url)}{state}',
        f'  ROS 2      domain {arguments.domain}, topics under {arguments.namespace}, discovery '
        f'{arguments.discovery}',
        '  Stop       Ctrl-C',
        *page_lines(
            arguments,
            given,
            origin,
            f'{program} token --role {ROLE} --pair --link {quote(origin)}{state}',
            # What is printed elsewhere than on a terminal is kept: by a journal, or in a file.
            tokens=arguments.sim and sys.stdout.isatty(),
        ),
    ]
    say('\n'.join(lines), sys.stdout)
    if not encrypted and not is_loopback(arguments.host):
        say(
            'Warning: other machines can reach this port and nothing is encrypted. Anybody on the '
            'network path can read the tokens and stop or drive the vehicle.'
        )

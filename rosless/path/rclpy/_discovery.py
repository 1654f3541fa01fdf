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
"""How far DDS discovery reaches, as rmw_cyclonedds_cpp has it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from rclpy._outside import outside
from rclpy.exceptions import RCLError
from rclpy.logging import get_logger
from rosless import LOCALHOST_URI

Sockets = set[tuple[int, str]]
"""(file descriptor, identity)"""
RECEIVE_BUFFER = '256KiB'
"""
Receive buffers a quarter as large as Cyclone's own.

It fills one from its beginning to its end before it takes another, so that a node whose peers do
little more than announce themselves seems to lose memory for an hour: 0.9 KB/s, until all of a few
MiB have been touched (bench/announcements.py). Two of the largest packets fit into one.
"""
ANNOUNCE_PERIOD = '2s'
"""
How often a participant announces itself, to peers that it lost too.

By default those are tried again after 30 s (`ddsi_spdp_unref_locator` in Cyclone DDS 11.0.1): a
node that had hung for longer than its lease of 10 s received nothing for so long afterwards.
"""
COMMON_URI = (
    f'<CycloneDDS><Domain><Discovery><SPDPInterval>{ANNOUNCE_PERIOD}</SPDPInterval></Discovery>'
    f'<Sizing><ReceiveBufferSize>{RECEIVE_BUFFER}</ReceiveBufferSize></Sizing></Domain>'
    '</CycloneDDS>'
)


def is_local() -> bool:
    """Return whether discovery stays on this machine."""
    return _range() == 'LOCALHOST'


def _range() -> str:
    return os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET').upper()


def configuration() -> str:
    """Return Cyclone's configuration for the range of discovery."""
    given = os.environ.get('CYCLONEDDS_URI', '')
    scope = _range()
    if scope == 'SYSTEM_DEFAULT':
        return given
    if scope == 'LOCALHOST':
        # A user's choice of interfaces wins; Cyclone refuses one that is named twice.
        ours = COMMON_URI if 'NetworkInterface' in given else f'{COMMON_URI},{LOCALHOST_URI}'
        return f'{ours},{given}'
    if scope != 'SUBNET':
        outside(
            f'ROS_AUTOMATIC_DISCOVERY_RANGE={scope} (inside are SUBNET, LOCALHOST and '
            'SYSTEM_DEFAULT)'
        )
    peers = ''.join(
        f'<Peer address="{peer}"/>'
        for peer in os.environ.get('ROS_STATIC_PEERS', '').split(';')
        if peer
    )
    return (
        f'{COMMON_URI},'
        '<CycloneDDS><Domain><Discovery><ParticipantIndex>auto</ParticipantIndex>'
        '<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>'
        f'{peers and f"<Peers>{peers}</Peers>"}</Discovery></Domain></CycloneDDS>,{given}'
    )


def domain_from_environment() -> int:
    """Return the domain that ROS_DOMAIN_ID names, 0 by default.

    Raises:
        RCLError: it is no number.

    """
    text = os.environ.get('ROS_DOMAIN_ID') or '0'
    if not text.isdigit():
        raise RCLError(f'ROS_DOMAIN_ID must be a number from 0 to 232; got {text!r}')
    return int(text)


def open_sockets() -> Sockets:
    """Return all open sockets of this process."""
    found = set()
    for entry in Path('/proc/self/fd').iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue
        if target.startswith('socket:'):
            found.add((int(entry.name), target))
    return found


def bind_to_loopback(sockets: Sockets) -> None:
    """Let the UDP sockets among these receive from the loopback interface only.

    With any configuration Cyclone receives on all addresses of the machine, as rmw_cyclonedds_cpp
    does: anyone in the network could send to a vehicle whose discovery is to stay on its machine.
    """
    for descriptor, _ in sockets:
        with socket.socket(fileno=os.dup(descriptor)) as udp:
            if udp.type != socket.SOCK_DGRAM:
                continue
            try:
                udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'lo')
            except OSError as error:
                get_logger('rosless').warning(
                    f'ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST: DDS receives from the network '
                    f'too ({error}); let a firewall drop UDP ports from 7400 on'
                )

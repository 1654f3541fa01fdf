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
"""Receive buffers are small: what a node has touched of them looks like memory that it loses."""

import os
import re
import socket

import pytest
from contract import rosless_only

PARTICIPANT = 100  # no process gets this number while those below it are free
LARGER = (
    '<CycloneDDS><Domain><Sizing><ReceiveBufferSize>1MiB</ReceiveBufferSize></Sizing></Domain>'
    '</CycloneDDS>'
)


@rosless_only
@pytest.mark.parametrize('scope', ['LOCALHOST', 'SUBNET'])
def test_receive_buffers_are_small_unless_others_are_asked_for(monkeypatch, scope):
    from rclpy._discovery import configuration

    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', scope)
    monkeypatch.delenv('CYCLONEDDS_URI', raising=False)
    assert sizes(configuration()) == ['256KiB']
    monkeypatch.setenv('CYCLONEDDS_URI', LARGER)
    assert sizes(configuration()) == ['256KiB', '1MiB'], 'the last one counts'


@rosless_only
@pytest.mark.parametrize('scope', ['LOCALHOST', 'SUBNET'])
def test_cyclone_takes_them(process, scope):
    status, out, err = process(f"""
import os
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = {scope!r}
os.environ['CYCLONEDDS_URI'] = (
    '<CycloneDDS><Domain><Tracing><Verbosity>config</Verbosity><OutputFile>stdout</OutputFile>'
    '</Tracing></Domain></CycloneDDS>'
)
rclpy.init()
rclpy.shutdown()
""").wait()
    assert status == 0, err
    found = re.findall(r'ReceiveBufferSize[^\n]*', out)
    assert found, out[-2000:]
    assert '262144' in found[0] or '256' in found[0], found


@rosless_only
def test_a_peer_that_does_not_answer_is_tried_again_soon(process):
    """Cyclone's own period is 30 s, also for a peer that was lost while one of both hung."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(('127.0.0.1', discovery_port(int(os.environ['ROS_DOMAIN_ID']), PARTICIPANT)))
        peer.settimeout(5.0)
        process("""
import os
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
rclpy.init()
rclpy.spin(rclpy.create_node('node'))
""")
        for _ in range(3):
            assert peer.recv(65536).startswith(b'RTPS')


def discovery_port(domain, participant):
    """Return the port for announcements to a participant (DDSI-RTPS 2.5, 9.6.2.3)."""
    return 7400 + 250 * domain + 10 + 2 * participant


def sizes(text):
    return re.findall(r'<ReceiveBufferSize>(\w+)<', text)

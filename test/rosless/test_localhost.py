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

"""ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST: nodes of this machine alone."""

from __future__ import annotations

from contract import IS_ROSLESS
from contract import rosless_only

# A real rclpy would use all interfaces for it; the tests keep to the loopback interface.
URI = (
    ''
    if IS_ROSLESS
    else (
        '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
        '</General></Domain></CycloneDDS>'
    )
)
SETUP = f"""
import os
os.environ['CYCLONEDDS_URI'] = {URI!r}
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
rclpy.init()
"""
TALKER = (
    SETUP
    + """
node = rclpy.create_node('talker')
node.create_publisher(String, 'news', LATCHED).publish(String(data='hello'))
print('ready')
rclpy.spin(node)
"""
)
LISTENER = (
    SETUP
    + """
import time
node = rclpy.create_node('listener')
received = []
node.create_subscription(String, 'news', received.append, LATCHED)
end = time.monotonic() + 15
def found():
    return ('talker', '/') in node.get_node_names_and_namespaces()
while time.monotonic() < end and not (received and found()):
    rclpy.spin_once(node, timeout_sec=0.1)
print([message.data for message in received], found())
node.destroy_node()
rclpy.shutdown()
"""
)
SOCKETS = (
    SETUP
    + """
import socket
node = rclpy.create_node('node')
for descriptor in os.listdir('/proc/self/fd'):
    try:
        udp = socket.socket(fileno=os.dup(int(descriptor)))
    except OSError:
        continue
    if udp.type == socket.SOCK_DGRAM:
        device = udp.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
        print(udp.getsockname()[0], device.rstrip(bytes(1)).decode())
    udp.close()
node.destroy_node()
rclpy.shutdown()
"""
)


def test_nodes_find_each_other(process):
    talker = process(TALKER)
    assert talker.read_line() == 'ready'
    status, out, err = process(LISTENER).wait()
    assert status == 0, err
    assert out.split() == ["['hello']", 'True']


@rosless_only
def test_nothing_is_received_from_the_network(process):
    """Each socket is bound to the loopback interface, also one with another address."""
    status, out, err = process(SOCKETS).wait()
    assert (status, err) == (0, '')
    sockets = [line.split(' ') for line in out.splitlines()]
    assert len(sockets) >= 3, 'one to send, two to receive discovery and data'
    assert {device for _, device in sockets} == {'lo'}, sockets


def test_a_named_interface_is_kept(process):
    named = (
        '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
        '</General></Domain></CycloneDDS>'
    )
    status, out, err = process(f"""
import os
os.environ['CYCLONEDDS_URI'] = {named!r}
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
rclpy.init()
print(rclpy.ok())
rclpy.shutdown()
""").wait()
    assert (status, out.strip()) == (0, 'True'), err

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

"""rclpy without a ROS 2 installation: the part of it that the nodes use, on Cyclone DDS.

Nodes are plain rclpy nodes. Where no rclpy can be imported, this package supplies one, so that a
vehicle needs `pip install` alone. A node costs 0.4 to 4 % of a core and about 26 MB of its own on
it, 2.9 to 8.6 % and 75 to 92 MB on rclpy 7.1. The price is 6,500 lines (4,000 of code) that must
behave as rclpy does; test/rosless runs on both.

`path/` holds a package named `rclpy`, and beside it the standard message packages that `idl`
generates. `install()` appends it to `sys.path` after all else, so that a sourced ROS 2 has
precedence. It knows nothing of a particular robot.

There is one executor, of one thread; clients have `call_async` only. There will be no actions,
lifecycle, simulated time, tf listener, QoS events or security: a name of rclpy that is missing
raises `NotImplementedError`. docs/rosless.md has the full account.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

PATH = Path(__file__).parent / 'path'

LOCALHOST_URI = (
    '<CycloneDDS><Domain><General><AllowMulticast>false</AllowMulticast>'
    '<Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces></General>'
    '<Discovery><ParticipantIndex>auto</ParticipantIndex>'
    '<MaxAutoParticipantIndex>120</MaxAutoParticipantIndex>'
    '<Peers><Peer address="localhost"/></Peers></Discovery></Domain></CycloneDDS>'
)
"""
What ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST adds to CYCLONEDDS_URI.

It needs no multicast and leaves room for 121 processes in a domain. A real ROS 2 with
RMW_IMPLEMENTATION=rmw_cyclonedds_cpp and ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST sees these nodes.
"""


def install() -> bool:
    """Make `import rclpy` work.

    Returns:
        True if rclpy is that of rosless, False if a real one was found and nothing was done.

    """
    if str(PATH) not in sys.path:
        if find_spec('rclpy') is not None:
            return False
        sys.path.append(str(PATH))
    return True

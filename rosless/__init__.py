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

"""rclpy without a ROS 2 installation.

`path/` holds a package literally named `rclpy`, and beside it the standard message packages that
`rosless.idl` writes. `install()` puts it last on `sys.path`, so that a sourced ROS 2 always
comes first. Nothing here knows anything of a particular robot.
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
What ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST makes of CYCLONEDDS_URI here.

It needs no multicast and leaves room for 121 processes in a domain. A real ROS 2 with
RMW_IMPLEMENTATION=rmw_cyclonedds_cpp and ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST sees these nodes.
"""


def install() -> bool:
    """Make `import rclpy` work.

    Returns:
        True if rclpy is rosless's, False if a real ROS 2 is there and nothing was done.

    """
    if str(PATH) not in sys.path:
        if find_spec('rclpy') is not None:
            return False
        sys.path.append(str(PATH))
    return True

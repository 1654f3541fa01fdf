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

"""Where the contract tests run: on rosless or on a real rclpy, on the loopback interface."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    # Last: with ROS 2 the installed package is tested, not the one in this folder.
    sys.path.append(str(ROOT))

import rosless  # noqa: E402

_domain_locks = []


def own_domain() -> int:
    """Return a DDS domain that no other test on this machine uses; a UDP port reserves it."""
    for step in range(100):
        domain = 1 + (os.getpid() + step) % 100
        lock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            lock.bind(('127.0.0.1', 61000 + domain))
        except OSError:
            lock.close()
            continue
        _domain_locks.append(lock)
        return domain
    raise RuntimeError('every DDS domain is in use')


os.environ['CYCLONEDDS_URI'] = rosless.LOCALHOST_URI
os.environ['ROS_DOMAIN_ID'] = str(own_domain())
# With Cyclone DDS the range would be added to the URI, and the two name different peers.
FAST_DDS = os.environ.get('RMW_IMPLEMENTATION') == 'rmw_fastrtps_cpp'
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST' if FAST_DDS else 'SYSTEM_DEFAULT'

IS_ROSLESS = rosless.install()

rosless_only = pytest.mark.skipif(not IS_ROSLESS, reason='about rosless itself')
DEADLINE_SEC = 20.0

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
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import rosless  # noqa: E402

os.environ['CYCLONEDDS_URI'] = rosless.LOCALHOST_URI
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
# rclpy checks fields only when it is told to; rosless always does.
os.environ['ROS_PYTHON_CHECK_FIELDS'] = '1'
# The range would come on top of the URI; with it there are two ideas of who the peers are.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SYSTEM_DEFAULT'

IS_ROSLESS = rosless.install()

rosless_only = pytest.mark.skipif(not IS_ROSLESS, reason='about rosless itself')
DEADLINE_SEC = 20.0

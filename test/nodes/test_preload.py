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

import subprocess
import sys

import pytest

from oht50_bridge.bringup.host_check import ros_directory

pytestmark = [
    pytest.mark.processes,
    pytest.mark.cover_processes,
    pytest.mark.skipif(ros_directory() is not None, reason='nodes are forked without ROS 2 only'),
]

LOADED = """
import gc, os, sys
before = os.listdir('/proc/self/fd')
import rosless
rosless.install()
from oht50_bridge.nodes import NODES, preload
preload.load()
assert all(f'oht50_bridge.nodes.{name}' in sys.modules for name in NODES)
assert os.listdir('/proc/self/task') == [str(os.getpid())]
assert os.listdir('/proc/self/fd') == before
assert gc.get_freeze_count() > 10_000
"""


def test_the_imports_of_the_nodes_leave_nothing_that_a_fork_would_break():
    done = subprocess.run([sys.executable, '-c', LOADED], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')

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
"""What the scripts in tools/ do on a machine that lacks what they look for."""

import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[1] / 'tools'

pytestmark = pytest.mark.processes


@pytest.mark.skipif(
    Path('/opt/ros').exists() or shutil.which('ros2') is not None, reason='a ROS 2 is here'
)
def test_without_a_ros_2_the_tests_run_on_the_wheels_of_rclpy(tmp_path):
    scripts = tmp_path / 'tools'
    scripts.mkdir()
    shutil.copy(TOOLS / 'test-ros.sh', scripts)
    wheels = scripts / 'test-rclpy-wheels.sh'
    wheels.write_text('#!/bin/sh\necho "on the wheels: $*"\nexit 5\n')
    wheels.chmod(0o755)
    done = subprocess.run(
        [scripts / 'test-ros.sh', 'test/rosless'], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == 'on the wheels: test/rosless\n', done.stderr
    assert done.returncode == 5

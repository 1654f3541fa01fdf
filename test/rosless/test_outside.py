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

"""What rosless leaves out says so, and how to run it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module

import pytest
import rclpy
from contract import ROOT
from contract import rosless_only
from std_msgs.msg import String
from std_srvs.srv import Trigger

pytestmark = rosless_only
REMEDY = 'install ROS 2'


@pytest.mark.parametrize(
    'module', ['action', 'lifecycle', 'wait_for_message', 'event_handler', 'parameter_client']
)
def test_modules_outside(module):
    with pytest.raises(NotImplementedError, match=REMEDY) as caught:
        import_module(f'rclpy.{module}')
    assert f'rclpy.{module}' in str(caught.value)


def test_names_outside(spinner):
    with pytest.raises(NotImplementedError, match=f'MultiThreadedExecutor.*{REMEDY}'):
        from rclpy.executors import MultiThreadedExecutor  # noqa: F401
    with pytest.raises(NotImplementedError, match=f'LivelinessPolicy.*{REMEDY}'):
        from rclpy.qos import LivelinessPolicy  # noqa: F401
    with pytest.raises(NotImplementedError, match=f'QoSProfile.liveliness.*{REMEDY}'):
        rclpy.qos.QoSProfile(depth=1, liveliness=1)
    with pytest.raises(NotImplementedError, match=f'enable_logger_service.*{REMEDY}'):
        rclpy.create_node('node', enable_logger_service=True)
    with pytest.raises(AttributeError):
        _ = rclpy.no_such_name
    node = spinner.node()
    with pytest.raises(NotImplementedError, match=f'Node.create_rate.*{REMEDY}'):
        node.create_rate(1.0)
    for part in (node, node.context, node.get_logger(), node.get_clock().now()):
        with pytest.raises(AttributeError, match=f'no_such_name.*{REMEDY}'):
            _ = part.no_such_name
        assert not hasattr(part, 'no_such_name')
    with pytest.raises(NotImplementedError, match=REMEDY):
        node.create_publisher(String, 'a', 10, event_callbacks=object())
    with pytest.raises(NotImplementedError, match='call_async'):
        node.create_client(Trigger, 'a').call(Trigger.Request())


@pytest.mark.parametrize('ros', [['--ros-args', '-p', 'use_sim_time:=true']], indirect=True)
def test_simulated_time_is_refused(ros):
    with pytest.raises(NotImplementedError, match='use_sim_time'):
        rclpy.create_node('node')


def test_simulated_time_is_refused_later(spinner):
    node = spinner.node()
    (result,) = node.set_parameters([rclpy.parameter.Parameter('use_sim_time', value=True)])
    assert not result.successful and 'use_sim_time' in result.reason


def run(*args, **env):
    return subprocess.run(
        [sys.executable, '-m', 'rosless', *args],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=60,
        env={**os.environ, **env},
    )


def test_run_a_module(tmp_path):
    (tmp_path / 'talker.py').write_text("""
import sys
import rclpy
def main():
    rclpy.init()
    node = rclpy.create_node('talker')
    print(sys.argv[1:], node.get_name())
    rclpy.shutdown()
if __name__ == '__main__':
    main()
""")
    done = run('talker', 'x', '--ros-args', '-r', '__node:=renamed', PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['x', '--ros-args', '-r', '__node:=renamed'] renamed"


def test_help_and_missing_module():
    done = run('--help')
    assert done.returncode == 0 and 'python -m MODULE' in done.stdout
    assert run('no_such_module_at_all').returncode != 0


def test_a_real_rclpy_has_precedence(tmp_path):
    (tmp_path / 'rclpy').mkdir()
    (tmp_path / 'rclpy' / '__init__.py').write_text('REAL = True\n')
    code = 'import rosless; print(rosless.install()); import rclpy; print(rclpy.REAL)'
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, 'PYTHONPATH': str(tmp_path)},
        timeout=60,
    )
    assert done.stdout.split() == ['False', 'True'], done.stderr

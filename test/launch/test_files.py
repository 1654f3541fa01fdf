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
"""Each launch file by itself."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import free_port
from support import listens
from support import own_domain
from support import started
from support import wait_for

launch_pytest = pytest.importorskip('launch_pytest', reason='needs ROS 2: make test-ros')
from ament_index_python.packages import get_package_share_directory  # noqa: E402
from ament_index_python.packages import get_resources  # noqa: E402
from launch import LaunchDescription  # noqa: E402
from launch.actions import IncludeLaunchDescription  # noqa: E402
from launch.actions import RegisterEventHandler  # noqa: E402
from launch.event_handlers import OnProcessExit  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from launch_pytest.actions import ReadyToTest  # noqa: E402

from oht50_bridge.nodes import NODES  # noqa: E402


@pytest.fixture
def domain(monkeypatch):
    with own_domain() as number:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(number))
        monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        monkeypatch.delenv('CYCLONEDDS_URI', raising=False)
        yield number


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def ends():
    """Give a list that gets (name, exit code) of each process that ended."""
    return []


def files(ends, names, **arguments):
    """Return a description that includes launch files."""
    folder = Path(get_package_share_directory('oht50_bridge')) / 'launch'
    return LaunchDescription(
        [
            RegisterEventHandler(
                OnProcessExit(
                    on_exit=lambda event, _: ends.append((event.process_name, event.returncode))
                )
            ),
            *(
                IncludeLaunchDescription(
                    PythonLaunchDescriptionSource(str(folder / f'{name}_launch.py')),
                    launch_arguments={
                        name: str(value) for name, value in arguments.items()
                    }.items(),
                )
                for name in names
            ),
            ReadyToTest(),
        ]
    )


def ended_well(ends, *names):
    """Check that processes of these names ended, each with exit code 0."""
    assert sorted(name.rpartition('-')[0] for name, _ in ends) == sorted(names)
    assert {code for _, code in ends} == {0}


@launch_pytest.fixture
def simulation(domain, tmp_path, ends):
    return files(ends, ['simulation'], state_dir=tmp_path)


@pytest.mark.launch(fixture=simulation)
def test_simulation(domain, tmp_path, ends):
    directory = tmp_path / f'domain-{domain}' / 'simulator'
    for line in ('drive', 'sense', 'safety'):
        wait_for((directory / line).exists, what=line)
    yield
    ended_well(ends, 'simulator')
    assert list(directory.iterdir()) == []


@launch_pytest.fixture
def nodes(domain, tmp_path, ends):
    return files(
        ends,
        ['simulation', 'nodes', 'description'],
        sim='true',
        state_dir=tmp_path,
        namespace='/hoist',
    )


@pytest.mark.launch(fixture=nodes)
def test_nodes(domain, tmp_path, ends):
    # It is written when the vehicle has its configuration, which needs every node.
    wait_for((tmp_path / f'domain-{domain}-hoist' / 'config').exists, 60.0, 'config_node')
    yield
    ended_well(
        [end for end in ends if not end[0].startswith('robot_state_publisher')],
        'simulator',
        *(name for name in NODES if name != 'bridge_node'),
    )


@launch_pytest.fixture
def bridge(domain, tmp_path, port, ends):
    return files(ends, ['bridge'], state_dir=tmp_path, port=port)


@pytest.mark.launch(fixture=bridge)
def test_bridge(port, ends):
    wait_for(lambda: listens(port), 60.0, 'the bridge listens')
    yield
    ended_well(ends, 'bridge_node')


@launch_pytest.fixture
def record(domain, tmp_path, ends):
    return files(ends, ['record'], state_dir=tmp_path / 'state', output=tmp_path / 'bags' / 'one')


@pytest.mark.launch(fixture=record)
def test_record(tmp_path, ends):
    wait_for(lambda: list((tmp_path / 'bags').glob('one/*.mcap')), 60.0, 'the bag')
    yield
    ended_well(ends, 'record')
    assert list((tmp_path / 'bags' / 'one').iterdir())
    assert (tmp_path / 'bags' / 'one' / 'metadata.yaml').exists()


@pytest.fixture
def screen(monkeypatch):
    """Have programs draw on a screen that nobody sees."""
    if 'rviz2' not in get_resources('packages') or shutil.which('Xvfb') is None:
        pytest.skip('needs rviz2 and Xvfb')
    read, write = os.pipe()
    with started(
        ['Xvfb', '-displayfd', str(write), '-screen', '0', '800x600x24'],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    ) as server:
        os.close(write)
        with os.fdopen(read) as number:
            monkeypatch.setenv('DISPLAY', f':{number.readline().strip()}')
        monkeypatch.setenv('LIBGL_ALWAYS_SOFTWARE', '1')
        monkeypatch.setenv('QT_QPA_PLATFORM', 'xcb')
        yield
        server.terminate()  # it removes its lock
        server.wait(10)


@launch_pytest.fixture
def rviz(domain, screen, tmp_path, ends):
    return files(ends, ['rviz'], state_dir=tmp_path, namespace='/hoist')


@pytest.mark.launch(fixture=rviz)
def test_rviz(ends):
    def listening():
        return (
            'Subscription count: 1'
            in subprocess.run(
                ['ros2', 'topic', 'info', '--no-daemon', '--spin-time', '2', '/hoist/markers'],
                capture_output=True,
                text=True,
                timeout=60,
            ).stdout
        )

    wait_for(listening, 60.0, 'rviz shows the markers of /hoist')
    yield
    ended_well(ends, 'rviz2')

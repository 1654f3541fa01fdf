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
"""The view of rviz: a launched vehicle publishes what it shows, rviz has what it is made of."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support import Launched
from support import own_domain

pytest.importorskip('launch_pytest', reason='needs ROS 2: make test-ros')
from ament_index_python.packages import PackageNotFoundError
from ament_index_python.packages import get_package_prefix
from ament_index_python.packages import get_package_share_directory
from rclpy.qos import DurabilityPolicy
from rclpy.qos import ReliabilityPolicy
from rviz_view import MESSAGES
from rviz_view import shown
from rviz_view import view

PLUGINS = 'rviz_default_plugins'


def path_of(find, package):
    """Return where a package is; skip the test where it is not installed."""
    try:
        return Path(find(package))
    except PackageNotFoundError:
        pytest.skip(f'{package} is not installed')


def test_each_display_receives_the_vehicle(tmp_path):
    path_of(get_package_prefix, 'robot_state_publisher')
    with own_domain() as domain, Launched(tmp_path, domain) as vehicle:
        vehicle.wait_until_up()
        lister = vehicle.spawn(
            'publisher_lister', *(one.topic for one in shown()), stdout=subprocess.PIPE, text=True
        )
        published = json.loads(lister.communicate(timeout=100)[0])
        assert vehicle.stop() == 0
    for one in shown():
        assert published[one.topic], f'nobody publishes {one.topic}'
        for message, reliability, durability in published[one.topic]:
            assert message == MESSAGES[one.display], one.topic
            assert one.receives(ReliabilityPolicy[reliability], DurabilityPolicy[durability]), (
                one.topic
            )


def test_rviz_has_every_class():
    share = path_of(get_package_share_directory, PLUGINS)
    plugins = {
        each.get('name'): each
        for each in ElementTree.parse(share / 'plugins_description.xml').iter('class')
    }
    views = view()['Views']
    wanted = [
        each['Class']
        for each in (*view()['Displays'], *view()['Tools'], views['Current'], *views['Saved'])
    ]
    assert [name for name in wanted if name not in plugins] == []
    for name, message in MESSAGES.items():
        said = plugins[name].findtext('message_type')
        assert said in (None, message), name

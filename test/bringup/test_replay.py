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
"""The plan of a replay."""

import yaml

from oht50_bridge.bringup.replay import ReplayPlan


def test_replay_is_apart_from_its_vehicle(tmp_path):
    replay = ReplayPlan(tmp_path, '/oht50', '127.0.0.1', 8000)
    assert replay.namespace == '/replay/oht50'
    (values,) = yaml.safe_load(replay.parameter_file().read_text()).values()
    assert values['ros__parameters']['replay'] is True
    assert values['ros__parameters']['port'] == 8000


def test_replay_has_the_secret_of_the_vehicles(tmp_path):
    replay = ReplayPlan(tmp_path, '/oht50', '127.0.0.1', 8000)
    assert all(path.startswith(str(tmp_path)) for path in replay.environment().values())

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
"""A configuration of two boards on two lines whose ports do not exist."""

CONFIG = {
    'lines': {'a': {'device': '/dev/none-a'}, 'b': {'device': '/dev/none-b'}},
    'modules': [
        {
            'id': 'm',
            'kind': 'travel_motor',
            'profile': 'driver_2_motor',
            'line': 'a',
            'address': 3,
        },
        {'id': 's', 'kind': 'safety', 'profile': 'safety_module_fw', 'line': 'b', 'address': 5},
    ],
}

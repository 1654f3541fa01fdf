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
"""The errors of a vehicle that cannot be started."""

import os

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.errors import ParameterError


def test_wrong_parameters_have_an_exit_code_of_their_own():
    assert (BringUpError('').exit_code, ParameterError([]).exit_code) == (1, os.EX_CONFIG)


def test_the_lines_are_bounded_and_the_rest_is_counted():
    lines = str(ParameterError([f'fault {number}' for number in range(1000)])).splitlines()
    assert (len(lines), lines[-1]) == (ParameterError.MOST + 1, 'and 960 more faults')

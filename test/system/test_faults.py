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
"""A few faults on one vehicle, checked from outside; `make test-faults` tries all of them."""

import pytest
from faults.harness.catalogue import CATALOGUE
from faults.harness.fault import MOVING
from faults.harness.rig import Rig
from faults.harness.trial import trial
from support import own_domain


@pytest.fixture(scope='module')
def rig(tmp_path_factory):
    with own_domain() as domain, Rig(tmp_path_factory.mktemp('rig'), domain) as rig:
        yield rig


@pytest.mark.parametrize(
    'fault',
    ['drive-flips', 'safety-unplugged', 'hardware_node-killed', 'mission_node+bridge_node-killed'],
)
def test_what_must_hold_while_something_breaks(rig, fault):
    outcome = trial(rig, CATALOGUE[fault], MOVING)
    assert outcome.held, outcome

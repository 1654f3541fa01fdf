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
"""Boards without a line."""

import random

import pytest

from oht50_bridge.hardware.profile_reader import load
from oht50_bridge.simulator.boards import board_class
from oht50_bridge.simulator.physics import World

CALM = {'loss': 0.0, 'overwrite': 0.0, 'write_loss': ()}


@pytest.fixture
def changes():
    return []


@pytest.fixture
def make(changes):
    """Return a function that makes a board of a profile in a world of its own."""

    def make(profile, **habits):
        profile = load(profile)
        return board_class(profile)(
            'board',
            7,
            profile,
            World(),
            {**CALM, **habits},
            random.Random(1),
            lambda *change: changes.append(change),
        )

    return make

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
"""Settings from a declarer, without ROS."""

from dataclasses import dataclass

import pytest
from declarer import Declarer

from oht50_bridge.nodes.declaring import declare_settings
from oht50_bridge.nodes.errors import StartError
from oht50_bridge.settings import setting


@dataclass(frozen=True)
class Settings:
    """Settings of this test."""

    low: float = setting(0.0, 'Low', minimum=0.0, maximum=1.0)
    names: tuple[str, ...] = setting(('a',), 'Names')

    def __post_init__(self):
        if self.names == ('wrong',):
            raise ValueError('names: wrong')


def test_each_field_is_declared_with_its_prefix_and_arrays_are_tuples():
    declarer = Declarer(**{'x.names': ['b', 'c']})
    assert declare_settings(declarer, Settings, 'x.', low=0.5) == Settings(0.5, ('b', 'c'))
    assert declarer.declared == [('x.low', 0.5, 'Low'), ('x.names', ['a'], 'Names')]


def test_values_that_contradict_one_another_are_refused_by_the_declarer():
    with pytest.raises(StartError, match='names: wrong'):
        declare_settings(Declarer(names=['wrong']), Settings)
    lenient = Declarer(raises=False, names=['wrong'])
    assert declare_settings(lenient, Settings) == Settings()
    assert lenient.refused == ['names: wrong']

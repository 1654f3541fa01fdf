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
"""What a settings dataclass says of its fields."""

from dataclasses import dataclass

from oht50_bridge.settings import setting
from oht50_bridge.settings import settings_of
from oht50_bridge.settings import updated_settings


@dataclass(frozen=True)
class Example:
    speed: float = setting(0.5, 'Greatest speed', unit='m/s', minimum=0.0, maximum=2.0)
    names: tuple[str, ...] = setting(('a',), 'Names', read_only=False)
    derived: int = 3


def test_a_setting_carries_its_default_and_description():
    assert Example() == Example(0.5, ('a',), 3)
    (name, default, speed), (second, names_default, names) = settings_of(Example)
    assert (name, default, speed.text) == ('speed', 0.5, 'Greatest speed, m/s')
    assert (speed.minimum, speed.maximum, speed.read_only) == (0.0, 2.0, True)
    assert (second, names_default, names.text, names.read_only) == (
        'names',
        ('a',),
        'Names',
        False,
    )


def test_new_values_replace_those_of_the_same_name():
    before = Example()
    assert updated_settings(before, {'names': ['b', 'c'], 'other': 1}) == Example(0.5, ('b', 'c'))
    assert updated_settings(before, {'derived': 4, 'other': 1}) is before

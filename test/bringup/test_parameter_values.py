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
"""Values of parameter files in the type of the parameter, and what to write instead."""

import math

import pytest

from oht50_bridge.bringup.parameter_reader import Scalar
from oht50_bridge.bringup.parameter_reader import ValueList
from oht50_bridge.bringup.parameter_values import ValueFaultError
from oht50_bridge.bringup.parameter_values import converted
from oht50_bridge.settings import Setting

SPEED = Setting('Speed', 'm/s', 0.0, 2.0)
COUNT = Setting('Count', '', 1, 9)
OPEN = Setting('Anything')


def plain(text):
    return Scalar(text, plain=True, line=1)


def quoted(text):
    return Scalar(text, plain=False, line=1)


def values(*items):
    return ValueList(tuple(items), 1)


@pytest.mark.parametrize(
    ('value', 'default', 'setting', 'result'),
    [
        (plain('1'), 0.5, SPEED, 1.0),
        (plain('2.0000001'), 0.5, SPEED, 2.0000001),  # as rclpy rounds
        (plain('1e-3'), 0.5, SPEED, 0.001),
        (plain('.inf'), math.inf, OPEN, math.inf),
        (plain('0x3'), 3, COUNT, 3),
        (plain('off'), True, OPEN, False),
        (plain('N'), 'N', OPEN, 'N'),
        (plain('007'), '', OPEN, '007'),
        (quoted(''), 'x', OPEN, ''),
        (values(plain('0'), plain('2.5')), [0.0], OPEN, [0.0, 2.5]),
        (values(plain('low'), plain('off'), quoted('')), [''], OPEN, ['low', 'off', '']),
        (values(plain('y')), [False], OPEN, [True]),
    ],
)
def test_a_right_value_has_the_type_of_the_parameter(value, default, setting, result):
    taken = converted(value, default, setting)
    assert taken == result
    assert type(taken) is type(default)
    if isinstance(taken, list):
        assert {type(each) for each in taken} == {type(default[0])}


EMPTY = 'a list with a value, since an empty one has no type, such as '
EACH = 'a list in which each value is '
NUMBER = 'a number from 0 to 2 m/s, such as 0.5'


@pytest.mark.parametrize(
    ('value', 'default', 'setting', 'write'),
    [
        (quoted('50'), 0.5, SPEED, f'{NUMBER}, without quotes'),
        (plain('fast'), 0.5, SPEED, NUMBER),
        (plain('2.1'), 0.5, SPEED, NUMBER),
        (plain('-0.1'), 0.5, SPEED, NUMBER),
        (plain('.nan'), 0.5, SPEED, NUMBER),
        (plain('.inf'), 0.5, SPEED, NUMBER),
        (plain('9' * 400), 0.5, SPEED, NUMBER),
        (plain('1_000'), 0.5, SPEED, NUMBER),
        (plain('1:30'), 0.5, SPEED, NUMBER),
        (plain('yes'), 0.5, SPEED, NUMBER),
        (plain(''), 0.5, SPEED, NUMBER),
        (plain('010'), 0.5, SPEED, f'{NUMBER}, without a leading 0'),
        (values(plain('1')), 0.5, SPEED, f'{NUMBER}, not a list'),
        (plain('.nan'), 0.5, OPEN, 'a number, such as 0.5'),
        (plain('3.0'), 3, COUNT, 'a whole number from 1 to 9, such as 3'),
        (plain('10'), 3, COUNT, 'a whole number from 1 to 9, such as 3'),
        (plain('9' * 30), 3, OPEN, 'a whole number, such as 3 of at most 64 bits'),
        (plain('1'), True, OPEN, 'true or false'),
        (quoted('true'), True, OPEN, 'true or false'),
        (plain('null'), '', OPEN, 'a text in quotes; "" for none'),
        (quoted('\x1b[2J'), '', OPEN, 'a text in quotes in one line, without control characters'),
        (quoted('\ud800'), '', OPEN, 'a text in quotes in one line, without control characters'),
        (quoted('a' * 1001), '', OPEN, 'a text in quotes of at most 1000 characters'),
        (plain('a'), [''], OPEN, 'a list, such as [""]'),
        (values(), ['a'], OPEN, EMPTY + '[""]'),
        (values(*[plain('1')] * 1001), [0.0], OPEN, 'a list of at most 1000 values'),
        (values(plain('.nan')), [0.0], OPEN, EACH + 'a number, such as 0.0'),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_what_to_write(value, default, setting, write):
    with pytest.raises(ValueFaultError) as error:
        converted(value, default, setting)
    assert str(error.value) == write

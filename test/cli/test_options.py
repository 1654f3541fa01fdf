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
import argparse
import time

import pytest

from oht50_bridge.cli import options


@pytest.mark.parametrize(
    ('text', 'seconds'),
    [('900', 900.0), ('900s', 900.0), ('15m', 900.0), ('0.5h', 1800.0), ('1.5s', 1.5)],
)
def test_a_duration_is_in_seconds(text, seconds):
    assert options.duration(text) == seconds


@pytest.mark.parametrize('text', ['', '0', '0.0m', '-1m', '1d', 'm', '1 m', '1m30s', 'nan', '.5h'])
def test_what_is_not_a_duration_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match='not a duration'):
        options.duration(text)


@pytest.mark.parametrize(
    'text',
    [
        '2026-11-23T10:30:00Z',
        '2026-11-23T10:30:00z',
        '2026-11-23T10:30:00',
        '2026-11-23T12:30:00+02:00',
        '2026-11-23 10:30',
    ],
)
def test_a_moment_is_in_utc(text, monkeypatch):
    monkeypatch.setenv('TZ', 'Asia/Tokyo')
    time.tzset()
    try:
        assert options.moment(text) == 1795429800.0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize('text', ['', 'tomorrow', '10:30', '2026-13-01T00:00:00Z'])
def test_what_is_not_a_moment_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match='not a time'):
        options.moment(text)


@pytest.mark.parametrize(
    ('read', 'smallest', 'largest'), [(options.port, 1, 65535), (options.domain, 0, 232)]
)
def test_numbers_are_checked_against_their_range(read, smallest, largest):
    assert read(str(smallest)) == smallest
    assert read(str(largest)) == largest
    for wrong in (str(smallest - 1), str(largest + 1), '1.0', 'x', '', ' 1', '+1'):
        with pytest.raises(argparse.ArgumentTypeError, match=f'from {smallest} to {largest}'):
            read(wrong)


def test_the_domain_comes_from_the_option_else_from_the_environment(monkeypatch):
    def domain(*arguments):
        parser = argparse.ArgumentParser()
        options.add_domain(parser)
        return options.graph_environment(parser.parse_args(arguments))

    monkeypatch.setenv('ROS_DOMAIN_ID', '7')
    assert domain()['ROS_DOMAIN_ID'] == '7'
    assert domain('--domain', '8')['ROS_DOMAIN_ID'] == '8'
    assert domain()['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert domain('--discovery', 'subnet')['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'SUBNET'
    monkeypatch.setenv('ROS_DOMAIN_ID', '')
    assert domain()['ROS_DOMAIN_ID'] == '0'

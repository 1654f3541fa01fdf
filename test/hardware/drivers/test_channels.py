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
"""Which motor of the board travels and which hoists: what is refused, what each drives."""

import pytest

from oht50_bridge.hardware.drivers.channels import for_channels
from oht50_bridge.hardware.errors import HardwareConfigError
from oht50_bridge.hardware.hardware import Hardware
from oht50_bridge.hardware.profile_reader import load

FIRMWARE = load('driver_2_motor')


def fault(field, message):
    return HardwareConfigError(f'{field}: {message}')


def chosen(profile=FIRMWARE, **options):
    return for_channels(profile, options, fault)


def test_motor_1_travels_and_nothing_hoists_unless_something_else_is_configured():
    assert chosen().drive is FIRMWARE.drive
    assert chosen().hoist is None
    assert chosen(travel_channel=1, hoist_channel=0) == chosen()


def test_motor_2_travels_by_its_own_registers():
    drive = chosen(travel_channel=2).drive
    assert (drive.enable, drive.speed) == ('motor2_enable', 'motor2_speed')
    assert (drive.direction, drive.actual_speed) == ('motor2_direction', 'motor2_actual_speed')


@pytest.mark.parametrize(('travel', 'hoist'), [(1, 2), (2, 1)])
def test_the_other_motor_may_hoist(travel, hoist):
    assert chosen(travel_channel=travel, hoist_channel=hoist).hoist is FIRMWARE.hoist


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'travel_channel': 0}, 'options.travel_channel: 0 must be 1 or 2'),
        ({'travel_channel': 3}, 'options.travel_channel: 3 must be 1 or 2'),
        ({'travel_channel': True}, 'options.travel_channel: True must be 1 or 2'),
        ({'hoist_channel': 3}, 'options.hoist_channel: 3 must be 1 or 2'),
        ({'hoist_channel': 'two'}, "options.hoist_channel: 'two' must be 1 or 2"),
        ({'hoist_channel': False}, 'options.hoist_channel: False must be 1 or 2'),
        ({'hoist_channel': 1}, 'options.hoist_channel: 1 is travel_channel'),
        ({'travel_channel': 2, 'hoist_channel': 2}, 'options.hoist_channel: 2 is travel_channel'),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(options, message):
    with pytest.raises(HardwareConfigError, match=message):
        chosen(**options)


@pytest.mark.parametrize('profile', ['oht_v2_final_motor', 'oht_v2_handler_motor'])
@pytest.mark.parametrize('options', [{'travel_channel': 2}, {'hoist_channel': 2}])
def test_a_layout_without_a_second_motor_or_a_rope_is_refused(profile, options):
    with pytest.raises(HardwareConfigError, match=rf'{next(iter(options))}: {profile}'):
        chosen(load(profile), **options)


def test_the_error_names_the_module():
    config = {
        'lines': {'drive': {'device': '/dev/none'}},
        'modules': [{
            'id': 'motor', 'profile': 'driver_2_motor', 'line': 'drive', 'address': 3,
            'options': {'travel_channel': 2, 'hoist_channel': 2},
        }],
    }  # fmt: skip
    with pytest.raises(HardwareConfigError, match=r'modules\.motor\.options\.hoist_channel: 2 is'):
        Hardware(config)

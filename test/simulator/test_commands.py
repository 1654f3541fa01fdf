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
"""Commands to the simulator: the world, the boards, their lines."""

from __future__ import annotations

import pytest

from oht50_bridge.simulator.commands import Commands
from oht50_bridge.simulator.server import Simulator

CONFIG = {
    'lines': {
        'all': {
            'boards': [
                {'id': 'motor', 'profile': 'driver_2_motor', 'address': 4},
                {'id': 'power', 'profile': 'stm32_power', 'address': 2},
            ]
        }
    }
}


@pytest.fixture
def commands(tmp_path):
    simulator = Simulator(CONFIG, tmp_path)
    yield Commands(simulator)
    for line in simulator.lines.values():
        line.unplug()


def test_the_world_is_set_and_read(commands):
    commands.set(position=3.5, soc=0.25, estop_pressed=True)
    truth = commands.truth()
    assert (truth['position'], truth['soc'], truth['estop_pressed']) == (3.5, 0.25, True)
    commands.set(estop_pressed=False)
    assert not commands.truth()['estop_pressed']
    commands.set(rope=1.5)
    commands.set(rope=1.0)
    assert commands.truth()['rope'] == 1.0
    assert commands._simulator.world.rope_turned == 2.0, 'the encoder sees it turn both ways'


def test_a_register_is_written_and_read_in_its_unit(commands):
    commands.write('motor', 'command_speed', 0.25)
    assert commands.read('motor', 'command_speed') == 0.25
    assert commands.registers('motor')['0x0002'] == 25


def test_the_log_has_the_changes_of_the_watched_registers_since(commands):
    commands.watch('motor', ['command_speed'])
    commands.write('motor', 'command_speed', 0.5)
    commands.watch('motor', ['command_speed'])
    commands.write('motor', 'command_speed', 0.25)
    commands.write('motor', 'kp', 2.0)
    assert [(board, register, words) for _, board, register, words in commands.log()] == [
        ('motor', 'command_speed', [25])
    ]


def test_misbehaviour_is_changed_and_returned(commands):
    assert commands.misbehave('motor', absent=True)['absent'] is True
    assert commands.misbehave('motor')['absent'] is True
    assert commands.misbehave('power')['absent'] is False


def test_a_board_is_replaced_by_one_of_another_layout_at_its_address(commands):
    commands.misbehave('motor', loss=0.5)
    commands.swap('motor', 'oht_v2_final_motor')
    assert commands.misbehave('motor')['loss'] == 0.5
    with pytest.raises(KeyError):
        commands.read('motor', 'spool_radius_max')  # only of driver_2_motor


def test_a_reboot_restores_the_values_at_power_up(commands):
    commands.write('motor', 'command_speed', 0.25)
    commands.reboot('motor')
    assert commands.read('motor', 'command_speed') == 0.0


@pytest.mark.parametrize(
    ('command', 'message'),
    [
        (lambda c: c.read('dock', 'x'), r"no board 'dock', choose from \['motor', 'power'\]"),
        (lambda c: c.misbehave('motor', rude=1), "no misbehaviour 'rude'"),
        (lambda c: c.set(colour=1), "cannot set 'colour'"),
        (lambda c: c.watch('motor', ['sped']), "no register or output 'sped'"),
        (lambda c: c.configure(**CONFIG, vehicle={'wheels': 4}), 'vehicle.wheels: unknown'),
    ],
)
def test_a_wrong_command_names_what_is_wrong(commands, command, message):
    with pytest.raises(ValueError, match=message):
        command(commands)


def test_an_adapter_is_pulled_and_plugged_in(commands, tmp_path):
    commands.plug('all')
    assert (tmp_path / 'all').is_symlink()
    commands.unplug('all')
    assert not (tmp_path / 'all').is_symlink()


def test_another_configuration_replaces_the_boards(commands):
    commands.configure(
        lines={'b': {'boards': [{'id': 'dock', 'profile': 'oht_v2_dock', 'address': 5}]}}
    )
    assert commands.registers('dock')
    with pytest.raises(ValueError, match=r"no board 'motor', choose from \['dock'\]"):
        commands.read('motor', 'kp')
    commands.unplug('b')

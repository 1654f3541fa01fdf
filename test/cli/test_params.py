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
"""`oht50 params check`."""

import os

import pytest

from oht50_bridge.cli.main import main


@pytest.fixture
def params(tmp_path):
    path = tmp_path / 'my params.yaml'
    path.write_text('/**/safety_node: {ros__parameters: {reaction_time: 1}}\n')
    return path


def test_a_right_file(params, capsys):
    assert main(['params', 'check', str(params)]) == 0
    assert capsys.readouterr() == (f'{params}: no faults\n', '')
    assert main(['params', 'check']) == 0


def test_a_line_for_each_fault_and_exit_code_78(params, capsys):
    params.write_text('/**/safety_node: {ros__parameters: {reaction_time: "\x1b", zone_ends: 1}}')
    params.write_text('/**/safety_node:\n  ros__parameters: {reaction_time: no, zone_ends: 1}\n')
    assert main(['params', 'check', str(params)]) == os.EX_CONFIG
    out, err = capsys.readouterr()
    assert out == ''
    assert [line.partition(': found')[0] for line in err.splitlines()] == [
        f'oht50 params: {params}:2: safety_node: {name}' for name in ('reaction_time', 'zone_ends')
    ]


def test_boards_and_namespace_are_options(params, capsys):
    params.write_text('/a/hardware_node: {ros__parameters: {line: {drive: {device: ""}}}}\n')
    assert main(['params', 'check', str(params), '--namespace', '/a']) == os.EX_CONFIG
    assert main(['params', 'check', str(params), '--namespace', '/a', '--sim']) == 0
    assert main(['params', 'check', '--serial', '/dev/ttyS0']) == os.EX_CONFIG
    assert 'safety' in capsys.readouterr().err

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
import os
import signal
import socket

import pytest

from oht50_bridge.bag import BagError
from oht50_bridge.cli.main import main
from oht50_bridge.cli.replay import rate


def test_the_speed_is_a_factor():
    assert [rate(text) for text in ('1', '0.5', '1000')] == [1.0, 0.5, 1000.0]
    for wrong in ('', 'x', '0', '-1', '1001', 'nan', 'inf'):
        with pytest.raises(argparse.ArgumentTypeError, match='above 0, at most 1000'):
            rate(wrong)


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def test_a_folder_that_is_not_a_bag_is_refused(tmp_path, capsys, free_port):
    arguments = ['--port', str(free_port), '--state-dir', str(tmp_path / 'state')]
    assert main(['replay', str(tmp_path / 'missing'), *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith('oht50 replay: ') and 'missing' in error


def test_ctrl_c_ends_a_repair(tmp_path, free_port, monkeypatch):
    went_on = []

    def repair(bag):
        os.kill(os.getpid(), signal.SIGINT)
        went_on.append(bag)
        raise BagError('it went on')

    monkeypatch.setattr('oht50_bridge.cli.replay.cut_off', lambda bag: True)
    monkeypatch.setattr('oht50_bridge.cli.replay.repair', repair)
    arguments = ['--port', str(free_port), '--state-dir', str(tmp_path / 'state')]
    before = signal.getsignal(signal.SIGINT)
    try:
        assert main(['replay', '--repair', str(tmp_path), *arguments]) == 0
    finally:
        signal.signal(signal.SIGINT, before)
    assert went_on == []


def test_a_port_in_use_is_refused(tmp_path, capsys):
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert main(['replay', str(tmp_path), '--port', str(port)]) == 1
    error = capsys.readouterr().err
    assert str(port) in error and '--port' in error

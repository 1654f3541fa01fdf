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
"""`oht50 doctor` on real ports, files and sockets."""

import os
import pty
import socket
import sys

import pytest

from oht50_bridge.cli import doctor
from oht50_bridge.cli.main import main
from oht50_bridge.priority import Scheduling
from oht50_bridge.priority import SchedulingClass
from oht50_bridge.priority import available_priority

pytestmark = pytest.mark.processes


@pytest.fixture
def terminal():
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_all_well_is_exit_code_0(tmp_path, terminal, capsys):
    main(['token', '--role', 'viewer', '--state-dir', str(tmp_path)])
    assert main(['doctor', '--serial', terminal, '--state-dir', str(tmp_path)]) == 0
    assert doctor.FAILED not in capsys.readouterr().out


def test_failure_is_exit_code_1_and_says_what_to_do(tmp_path, capsys):
    missing = tmp_path / 'ttyNone'
    assert main(['doctor', '--serial', str(missing), '--state-dir', str(tmp_path)]) == 1
    assert doctor.FAILED in capsys.readouterr().out


def test_serial_port(tmp_path, terminal):
    assert doctor.check_serial(terminal)[1] == doctor.OK
    missing = doctor.check_serial(str(tmp_path / 'ttyNone'))
    assert (missing[1], '--serial' in missing[2]) == (doctor.FAILED, True)
    file = tmp_path / 'file'
    file.write_text('')
    assert 'not a character device' in doctor.check_serial(str(file))[2]
    assert 'not a terminal' in doctor.check_serial('/dev/null')[2]


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('{speed_limit: 0.3}', 'lower mission_node max_velocity'),
        ('{speed_limit: fast}', "found 'fast'; write a number from 0 to 2 m/s"),
        ('{speed_limt: 0.3}', 'write speed_limit'),
    ],
)
def test_faults_of_the_parameter_files_are_found(tmp_path, text, said):
    params = tmp_path / 'params.yaml'
    params.write_text(f'/**/safety_node: {{ros__parameters: {text}}}')
    (_, result, remedy), *more = doctor.check_parameters(params)
    assert (result, said in remedy, more) == (doctor.FAILED, True, [])
    assert [result for _, result, _ in doctor.check_parameters(None)] == [doctor.OK]


def test_ports_of_the_parameters_are_checked(tmp_path, terminal, capsys):
    params = tmp_path / 'params.yaml'
    params.write_text(
        f'/**/hardware_node:\n  ros__parameters:\n    line:\n      drive: {{device: {terminal}}}\n'
    )
    main(['doctor', '--params', str(params), '--state-dir', str(tmp_path)])
    out = capsys.readouterr().out.replace('\n', '')
    assert terminal in out
    assert '/dev/ttyOHT485_1' in out


def test_secret(tmp_path):
    assert doctor.check_secret(tmp_path)[1] == doctor.WARNING
    main(['token', '--role', 'viewer', '--state-dir', str(tmp_path)])
    assert doctor.check_secret(tmp_path)[1] == doctor.OK
    (tmp_path / 'jwt_secret').chmod(0o604)
    assert doctor.check_secret(tmp_path)[1] == doctor.FAILED


def test_keys(tmp_path):
    assert doctor.check_keys(tmp_path)[1] == doctor.FAILED
    main(['token', 'keygen', 'a', '--keys', str(tmp_path)])
    assert doctor.check_keys(tmp_path)[1] == doctor.OK
    (tmp_path / 'a.pem').chmod(0o644)
    _, how, remedy = doctor.check_keys(tmp_path)
    assert (how, 'chmod 600' in remedy) == (doctor.FAILED, True)


def test_the_domain():
    assert [list(doctor.check_domain({'ROS_DOMAIN_ID': text})) for text in ('', '232')] == [[], []]
    for wrong in ('abc', '233', '-1'):
        (fault,) = doctor.check_domain({'ROS_DOMAIN_ID': wrong})
        assert fault.fatal and f'ROS_DOMAIN_ID: {wrong!r}' in fault.text


def test_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, 'page_dir', lambda: tmp_path)
    ((what, result, remedy),) = doctor.check_page(None)
    assert (what, result) == (f'page {tmp_path}', doctor.WARNING)
    assert '`make setup` with Node 20.19' in remedy
    (tmp_path / 'index.html').write_text('<!doctype html>')
    assert list(doctor.check_page(None)) == [(f'page {tmp_path}', doctor.OK, '')]
    os.mkfifo(tmp_path / 'third-party.txt')
    ((_, result, remedy),) = doctor.check_page(None)
    assert (result, 'build the page again' in remedy) == (doctor.FAILED, True)
    params = tmp_path / 'params.yaml'
    params.write_text('/**/bridge_node: {ros__parameters: {page: off}}')
    assert list(doctor.check_page(params)) == [('page: off', doctor.OK, '')]
    params.write_text('/**/bridge_node: {ros__parameters: {page: /nowhere}}')
    assert list(doctor.check_page(params)) == []  # a finding of the parameters
    assert 'page: /nowhere' in next(doctor.check_parameters(params))[2]


def test_clock():
    assert doctor.check_clock()[1] in (doctor.OK, doctor.WARNING)


def test_clock_after_2038(monkeypatch):
    monkeypatch.setattr(doctor.time, 'time', lambda: 2.0**31)
    assert doctor.check_clock()[1] == doctor.FAILED
    assert '2038' in doctor.check_clock()[2]


def test_clock_that_is_in_the_past(monkeypatch):
    monkeypatch.setattr(doctor.time, 'time', lambda: 0.0)
    assert doctor.check_clock()[1] == doctor.FAILED


def test_port_in_use():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        number = listener.getsockname()[1]
        assert doctor.check_port(number)[1] == doctor.WARNING
    assert doctor.check_port(number)[1] == doctor.OK


def test_priority_is_what_this_user_may_have():
    what, result, remedy = doctor.check_priority()
    best = available_priority(max(doctor.RealtimePriority))
    realtime = best.scheduling_class is SchedulingClass.REALTIME
    assert (what, result) == ('real-time priority', doctor.OK if realtime else doctor.WARNING)
    assert str(best) in remedy or realtime


def test_a_missing_right_to_real_time_priority_is_a_warning_with_its_remedy(monkeypatch):
    refused = Scheduling(SchedulingClass.NORMAL, 0, 'RLIMIT_RTPRIO is 0')
    monkeypatch.setattr(doctor, 'available_priority', lambda priority: refused)
    _, result, remedy = doctor.check_priority()
    assert result == doctor.WARNING
    assert remedy.startswith('normal priority (nice value 0): RLIMIT_RTPRIO is 0; ')
    assert 'LimitRTPRIO=14' in remedy


def named(arguments, capsys):
    """Run the command and return what it says of each check, in one line."""
    code = main(['doctor', '--serial', '/dev/none', *arguments])
    return code, ' '.join(capsys.readouterr().out.split())


def test_each_fault_of_the_computer_is_named_with_its_remedy(tmp_path, monkeypatch, capsys):
    """That of each check by itself is in test/bringup/test_host_check.py."""
    package = tmp_path / 'ros' / 'rclpy'
    package.mkdir(parents=True)
    (package / '__init__.py').write_text('raise ImportError("built for another Python")')
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, 'rclpy', raising=False)
    monkeypatch.setenv('PYTHONPATH', str(package.parent))
    monkeypatch.setenv('RMW_IMPLEMENTATION', 'rmw_cyclonedds_cpp')
    monkeypatch.setenv('CYCLONEDDS_URI', '<MaxAutoParticipantIndex>4</MaxAutoParticipantIndex>')
    monkeypatch.setattr(doctor.host_check, 'running_programs', lambda: {'ModemManager'})
    monkeypatch.setattr(doctor, 'blocking_prefix', lambda: ())
    monkeypatch.setattr(doctor.locale, 'getpreferredencoding', lambda _: 'ANSI_X3.4-1968')
    monkeypatch.setattr(doctor.host_check.resource, 'getrlimit', lambda limit: (60, 60))
    monkeypatch.setattr(doctor.host_check.resource, 'setrlimit', lambda limit, values: None)
    params = tmp_path / '[p].yaml'
    params.write_text('/**/safety_node: {ros__parameters: {speed_limit: "[/x]"}}')
    code, said = named(['--params', str(params), '--state-dir', '/dev/null/x'], capsys)
    assert code == 1
    for part in (
        'built for another', 'PYTHONPATH', 'MaxAutoParticipantIndex 4', 'set it to 32',
        '99-oht50.rules', '--block-signal', 'LC_ALL=C.UTF-8', 'ulimit -n', 'name another',
        "found '[/x]'; write a number",
    ):  # fmt: skip
        assert part.replace(' ', '') in said.replace(' ', ''), part


def test_without_a_home_directory_the_option_is_named(monkeypatch, capsys):
    monkeypatch.setenv('HOME', '')  # the same as none
    monkeypatch.delenv('XDG_STATE_HOME', raising=False)
    code, said = named([], capsys)
    assert code == 1 and 'name one with --state-dir' in said


def test_a_user_and_a_group_without_names_are_numbers(terminal, monkeypatch):
    monkeypatch.setattr(doctor.os, 'access', lambda path, mode: False)
    monkeypatch.setattr(doctor.os, 'getuid', lambda: 12345)
    _, result, remedy = doctor.check_serial(terminal)
    assert (result, remedy.split()[-5].rstrip(',')) == (doctor.FAILED, '12345')


def test_a_folder_of_the_configuration_that_is_none_is_a_finding(tmp_path, monkeypatch):
    monkeypatch.setenv('OHT50_CONFIG_DIR', str(tmp_path / 'none'))
    ((_, result, remedy),) = doctor.check_parameters(None)
    assert result == doctor.FAILED and 'OHT50_CONFIG_DIR' in remedy
    assert doctor.devices(None) == []


def test_a_secret_that_no_vehicle_would_take(tmp_path, monkeypatch):
    path = tmp_path / 'jwt_secret'
    path.write_text('short')
    path.chmod(0o600)
    assert doctor.check_secret(tmp_path)[1] == doctor.FAILED
    path.unlink()
    path.symlink_to('nowhere')
    assert doctor.check_secret(tmp_path)[1] == doctor.FAILED
    path.unlink()
    path.mkdir(mode=0o700)
    assert doctor.check_secret(tmp_path)[1] == doctor.FAILED
    monkeypatch.setenv('OHT50_JWT_SECRET_FILE', str(tmp_path / 'other'))
    _, result, remedy = doctor.check_secret(tmp_path)
    assert result == doctor.FAILED and 'OHT50_JWT_SECRET_FILE' in remedy

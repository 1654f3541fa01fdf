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
"""What a vehicle needs of its computer."""

import os
import resource
import subprocess
import sys
from types import SimpleNamespace

import pytest
from support import own_domain

from oht50_bridge.bringup import host_check
from oht50_bridge.bringup.host_check import MODEM_MANAGER
from oht50_bridge.bringup.host_check import HostFault
from oht50_bridge.bringup.host_check import host_faults
from oht50_bridge.bringup.host_check import running_programs


def only(faults):
    (fault,) = faults
    assert '\n' not in str(fault) and str(fault).isprintable()
    return fault


@pytest.fixture
def other_rclpy(tmp_path, monkeypatch):
    """Put a package rclpy in front that raises what the text says."""

    def write(text):
        package = tmp_path / 'ros\x1b' / 'rclpy'
        package.mkdir(parents=True)
        (package / '__init__.py').write_text(text)
        monkeypatch.syspath_prepend(str(package.parent))
        monkeypatch.delitem(sys.modules, 'rclpy', raising=False)
        return {'PYTHONPATH': str(package.parent), 'PATH': '/usr/bin:/bin'}

    return write


@pytest.mark.processes
def test_an_rclpy_of_another_python_is_one_line(other_rclpy):
    environment = other_rclpy('raise ImportError("No module named \'rclpy._rclpy_pybind11\'")')
    fault = only(host_check.check_rclpy(environment))
    assert fault.fatal and 'rclpy: ' in str(fault) and r'/ros\x1b/rclpy' in fault.text
    version = f'Python {sys.version_info.major}.{sys.version_info.minor}'
    assert f"by {version} (ImportError: No module named 'rclpy._rclpy" in fault.text


@pytest.mark.processes
def test_an_rclpy_that_can_be_imported_is_well(other_rclpy):
    assert list(host_check.check_rclpy(other_rclpy(''))) == []


@pytest.mark.processes
def test_an_rclpy_that_ends_the_process_or_hangs_is_one_line(other_rclpy, monkeypatch):
    monkeypatch.setattr(host_check, 'IMPORT_TIMEOUT', 0.5)
    environment = other_rclpy('import time; time.sleep(60)')
    assert 'timed out' in only(host_check.check_rclpy(environment)).text


def test_without_ros_the_wheel_is_needed(monkeypatch):
    monkeypatch.setattr(host_check, 'ros_directory', lambda: None)
    assert list(host_check.check_rclpy({})) == []
    monkeypatch.setattr(host_check.importlib.util, 'find_spec', lambda name: None)
    fault = only(host_check.check_rclpy({}))
    assert fault.fatal and 'cyclonedds' in fault.text and 'source ROS 2' in fault.text


def limited(index):
    return (
        '<CycloneDDS><Domain><Discovery><MaxAutoParticipantIndex>'
        f'{index}</MaxAutoParticipantIndex></Discovery></Domain></CycloneDDS>'
    )


@pytest.mark.parametrize('form', ['{}', '<a/>,{}', 'file://{}', '{},<a/>', 'missing.xml,{}'])
def test_fewer_participants_than_nodes_are_refused_with_the_number(tmp_path, monkeypatch, form):
    monkeypatch.setattr(host_check, 'ros_directory', lambda: None)
    for index, enough in ((4, False), (6, False), (7, True), (120, True)):
        given = limited(index)
        if 'file:' in form:
            (tmp_path / 'dds.xml').write_text(given)
            given = str(tmp_path / 'dds.xml')
        faults = list(host_check.check_participants({'CYCLONEDDS_URI': form.format(given)}))
        assert (faults == []) is enough
        if not enough:
            assert f'MaxAutoParticipantIndex {index} ' in only(faults).text
            assert f'lets {index + 1} processes' in only(faults).text


def test_what_does_not_limit_participants(tmp_path, monkeypatch):
    monkeypatch.setattr(host_check, 'ros_directory', lambda: None)
    for uri in (
        '',
        f'<!-- {limited(2)} -->',
        f'{limited(2)},{limited(32)}',
        str(tmp_path),
        'a\0b',
    ):
        assert list(host_check.check_participants({'CYCLONEDDS_URI': uri})) == []
    monkeypatch.setattr(host_check, 'ros_directory', lambda: tmp_path)
    assert list(host_check.check_participants({'CYCLONEDDS_URI': limited(2)})) == []
    used = {'CYCLONEDDS_URI': limited(2), 'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}
    assert only(host_check.check_participants(used)).fatal


UNKNOWN_INTERFACE = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="nope0"/></Interfaces>'
    '</General></Domain></CycloneDDS>'
)


@pytest.mark.processes
@pytest.mark.skipif(host_check.ros_directory() is not None, reason='of rosless')
@pytest.mark.parametrize(
    ('uri', 'said'),
    [
        ('<CycloneDDS', r'parser error'),
        ('file:///nowhere.xml', "can't open configuration file"),
        (UNKNOWN_INTERFACE, 'nope0: does not match an available interface'),
        ('<CycloneDDS><Domain><\x1bWrong>1</\x1bWrong></Domain></CycloneDDS>', 'CYCLONEDDS_URI'),
    ],
)
def test_a_configuration_that_cyclone_refuses_is_one_line(uri, said):
    with own_domain() as domain:
        environment = {**os.environ, 'CYCLONEDDS_URI': uri, 'ROS_DOMAIN_ID': str(domain)}
        fault = only(host_check.check_cyclone(environment))
    assert fault.fatal and said in fault.text and 'unset it' in fault.text


@pytest.mark.processes
def test_a_configuration_that_cyclone_takes_is_well():
    with own_domain() as domain:
        environment = {**os.environ, 'CYCLONEDDS_URI': limited(32), 'ROS_DOMAIN_ID': str(domain)}
        assert list(host_check.check_cyclone(environment)) == []


def test_no_configuration_of_cyclone_costs_no_process(monkeypatch):
    monkeypatch.setattr(host_check.subprocess, 'run', None)
    assert list(host_check.check_cyclone({})) == []


def test_a_process_that_cannot_join_a_domain_is_tried_twice(monkeypatch):
    calls = []

    def run(*arguments, **options):
        calls.append(arguments)
        raise subprocess.TimeoutExpired('python', 30.0)

    monkeypatch.setattr(host_check, 'ros_directory', lambda: None)
    monkeypatch.setattr(host_check.subprocess, 'run', run)
    assert 'timed out' in only(host_check.check_cyclone({'CYCLONEDDS_URI': '<a/>'})).text
    assert len(calls) == 2


def test_a_loopback_interface_that_is_on():
    assert list(host_check.check_loopback()) == []


@pytest.mark.processes
@pytest.mark.skipif(
    subprocess.run(['unshare', '--net', 'true'], capture_output=True).returncode != 0,
    reason='needs the right to make a network without interfaces',
)
def test_a_loopback_interface_that_is_off_is_one_line():
    code = (
        'from oht50_bridge.bringup.host_check import check_loopback;'
        'print(*check_loopback(), sep="\\n")'
    )
    done = subprocess.run(
        ['unshare', '--net', sys.executable, '-c', code], capture_output=True, text=True
    )
    assert done.stdout.count('\n') == 1, done.stderr
    assert 'interface: Network is unreachable; enable it: ip link' in done.stdout


@pytest.mark.processes
@pytest.mark.parametrize(
    ('limits', 'said'), [('-Sn 100', '(228, []'), ('-n 60', "(60, ['open files: 60 are allowed")]
)
def test_the_limit_of_open_files_is_raised_where_it_may_be(limits, said):
    code = (
        'import resource; from oht50_bridge.bringup.host_check import check_descriptors;'
        'faults = [str(each) for each in check_descriptors(164)];'
        'print((resource.getrlimit(resource.RLIMIT_NOFILE)[0], faults))'
    )
    done = subprocess.run(
        ['sh', '-c', f'ulimit {limits} && exec "$0" -c "$1"', sys.executable, code],
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(said), done.stderr


def test_a_limit_that_suffices_is_left(monkeypatch):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert list(host_check.check_descriptors(1)) == []
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_the_state_directory_may_be_missing_and_must_be_a_directory(tmp_path):
    assert list(host_check.check_state_directory(tmp_path / 'a' / 'b')) == []
    (tmp_path / 'file\x1b').write_text('')
    fault = only(host_check.check_state_directory(tmp_path / 'file\x1b' / 'b'))
    assert fault.fatal and r'file\x1b is no directory' in fault.text


@pytest.mark.parametrize(
    ('changes', 'fatal', 'said'),
    [
        ({'f_flag': host_check.os.ST_RDONLY}, True, 'read-only'),
        ({'f_bavail': 2}, False, '0 MB and 9 files are free'),
        ({'f_favail': 0}, False, '0 files are free'),
        ({}, None, ''),
    ],
)
def test_the_state_directory_must_take_files(tmp_path, monkeypatch, changes, fatal, said):
    space = {'f_flag': 0, 'f_bavail': 10**6, 'f_frsize': 4096, 'f_files': 10, 'f_favail': 9}
    monkeypatch.setattr(host_check.os, 'statvfs', lambda path: SimpleNamespace(**space | changes))
    faults = list(host_check.check_state_directory(tmp_path))
    assert [fault.fatal for fault in faults] == ([] if fatal is None else [fatal])
    assert not faults or said in faults[0].text


def test_a_directory_of_others_names_the_user(tmp_path, monkeypatch):
    monkeypatch.setattr(host_check.os, 'access', lambda path, mode: False)
    assert 'chown it to user' in only(host_check.check_state_directory(tmp_path)).text


def test_a_clock_in_the_past(monkeypatch):
    assert list(host_check.check_clock()) == []
    monkeypatch.setattr(host_check.time, 'time', lambda: 0.0)
    fault = only(host_check.check_clock())
    assert not fault.fatal and 'timedatectl' in fault.text


def test_modem_manager_is_found_by_its_name(tmp_path, monkeypatch):
    for pid, name in (('1', 'systemd'), ('22', MODEM_MANAGER), ('self', 'python')):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / 'comm').write_bytes(name.encode() + b'\n')
    (tmp_path / '33').mkdir()
    assert running_programs(tmp_path) == {'systemd', MODEM_MANAGER}
    monkeypatch.setattr(host_check, 'running_programs', lambda: {MODEM_MANAGER})
    fault = only(host_check.check_modem_manager())
    assert not fault.fatal and '99-oht50.rules' in fault.text


def test_a_well_computer_has_no_faults(tmp_path, monkeypatch):
    monkeypatch.setattr(host_check, 'running_programs', lambda: {'systemd'})
    assert list(host_faults({}, 1, tmp_path)) == []
    assert str(HostFault('a', 'b')) == 'a: b'

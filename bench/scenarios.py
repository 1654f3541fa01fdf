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
"""The scenarios of `make bench`: each is a function that returns its figures."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

from figures import Figures
from figures import Settings
from figures import percentile
from load import PUBLISHED
from load import Load
from load import Report
from load import connected
from rig import LIFTED
from rig import SETTLING
from rig import Cpu
from rig import missions
from rig import processes
from rig import pss
from rig import started
from rig import vehicle
from servers import ROS_BRIDGES
from servers import ROS_SETUP
from servers import Ros
from servers import bridge_alone
from servers import foxglove_server
from servers import nginx
from servers import ros_bridge
from servers import second_bridge
from stopping import PARAMETERS as FULL_SPEED
from stopping import driven
from stopping import stop
from support import Up

EVERYTHING = ('*',)
COMMAND_PAUSE = 0.06  # s between two commands: at most 20 are permitted each second


@dataclass(frozen=True)
class Run:
    """What one server did in a while: its processor time for each frame, us, and the clients'."""

    cpu: float
    report: Report


def deliver(load: Load, pid: int, seconds: float) -> Run:
    """Let clients read for a while."""
    with connected(load) as clients:
        time.sleep(SETTLING)
        cpu = Cpu(pid)
        report = clients.measure(seconds)
        used = cpu.used()
    return Run(1e6 * used / max(1, report.frames), report)


def _ours(up: Up, settings: Settings, load: Load) -> Run:
    return deliver(load, up.node_pid('bridge_node'), settings.seconds)


def _theirs(settings: Settings, load: Load) -> Run:
    with foxglove_server() as (port, pid):
        load = replace(load, port=port, server='foxglove', subprotocol='foxglove.sdk.v1')
        return deliver(load, pid, settings.seconds)


def _note_readers(figures: Figures, settings: Settings, report: Report, clients: int) -> None:
    """Note what clients that read the telemetry at 10 Hz found."""
    figures.note('age of the telemetry, median', 'ms', report.age(0.5))
    figures.note('age of the telemetry, p99', 'ms', report.age(0.99))
    wanted = 10.0 * settings.seconds * clients
    figures.note('delivered', '%', 100.0 * report.frames / wanted)
    figures.note('connections lost', '', report.lost, 0.0)


def _against_peer(
    settings: Settings, clients: int, parameters: str, cpu_limit: float, within: float
) -> Figures:
    figures = Figures()
    for _ in range(settings.rounds):
        with vehicle(parameters) as up:
            load = Load(up.port, up.token('viewer'), clients=clients, within=within)
            ours = _ours(up, settings, load)
        theirs = _theirs(settings, load)
        figures.note('processor time of a delivery', 'us', ours.cpu)
        figures.note('the same of the Foxglove SDK', 'us', theirs.cpu)
        figures.note('of the clients themselves', 'us', ours.report.cost)
        figures.note('ours / theirs, processor time', '', ours.cpu / theirs.cpu, cpu_limit)
        _note_readers(figures, settings, ours.report, clients)
        figures.note('age at the Foxglove SDK, p99', 'ms', theirs.report.age(0.99))
        wanted = 10.0 * settings.seconds * clients
        figures.note('delivered by the Foxglove SDK', '%', 100.0 * theirs.report.frames / wanted)
    return figures


def fanout(settings: Settings) -> Figures:
    """99 clients x 10 Hz."""
    figures = _against_peer(settings, 99, '', 0.5, 1.0)
    figures['age of the telemetry, median'].limit = 12.0
    figures['age of the telemetry, p99'].limit = 35.0
    return figures


def alone(settings: Settings) -> Figures:
    """99 clients x 10 Hz of the bridge alone, fed by a node that publishes telemetry."""
    figures = Figures()
    for _ in range(settings.rounds):
        with bridge_alone() as (port, pid, token):
            load = Load(port, token)
            ours = deliver(load, pid, settings.seconds)
        theirs = _theirs(settings, load)
        figures.note('processor time of a delivery', 'us', ours.cpu)
        figures.note('ours / the Foxglove SDK, processor time', '', ours.cpu / theirs.cpu)
        _note_readers(figures, settings, ours.report, load.clients)
    return figures


def thousand(settings: Settings) -> Figures:
    """1,000 clients x 10 Hz, with the limits lifted."""
    figures = _against_peer(settings, 1000, LIFTED, 0.6, 5.0)
    ages = zip(
        figures['age of the telemetry, p99'].values,
        figures['age at the Foxglove SDK, p99'].values,
        strict=True,
    )
    for ours, theirs in ages:
        figures.note('ours / theirs, age p99', '', ours / theirs, 1.0)
    return figures


def single(settings: Settings) -> Figures:
    """One client, 20 subscriptions one after the other."""
    figures, ages = Figures(), list[float]()
    with vehicle() as up:
        for _ in range(20):
            run = _ours(up, Settings(1, 1.0), Load(up.port, up.token('viewer'), clients=1))
            ages += [1e3 * age for age in run.report.ages]
    figures.note('age of the telemetry, median', 'ms', percentile(ages, 0.5), 10.0)
    figures.note('age of the telemetry, p99', 'ms', percentile(ages, 0.99), 30.0)
    return figures


def everything(settings: Settings) -> Figures:
    """98 clients that read everything, while missions are driven."""
    figures = Figures()
    for _ in range(settings.rounds):
        with vehicle() as up, missions(up):
            run = _ours(up, settings, Load(up.port, up.token('admin'), EVERYTHING, 98))
        figures.note('processor time of a delivery', 'us', run.cpu)
        figures.note('deliveries', '1/s', run.report.frames / settings.seconds)
        figures.note('age of the telemetry, p99', 'ms', run.report.age(0.99))
        figures.note('connections lost', '', run.report.lost, 0.0)
    return figures


def mixed(settings: Settings) -> Figures:
    """33 viewers at 1 Hz, 33 operators with everything, 33 administrators with safety alone."""
    figures = Figures()
    for _ in range(settings.rounds):
        with vehicle() as up, missions(up), ExitStack() as stack:
            groups = [
                stack.enter_context(connected(load))
                for load in (
                    Load(up.port, up.token('viewer'), ('telemetry.*',), 33, rate=1.0),
                    Load(up.port, up.token('operator'), EVERYTHING, 33),
                    Load(up.port, up.token('admin'), ('safety.*', 'mission.*'), 32),
                )
            ]
            time.sleep(SETTLING)
            cpu = Cpu(up.node_pid('bridge_node'))
            for group in groups:
                group.begin()
            time.sleep(settings.seconds)
            reports = [group.end() for group in groups]
            used = cpu.used()
        frames = sum(report.frames for report in reports)
        figures.note('processor time of a delivery', 'us', 1e6 * used / frames)
        figures.note('deliveries', '1/s', frames / settings.seconds)
        figures.note('age of the telemetry at 10 Hz, p99', 'ms', reports[1].age(0.99))
        figures.note('connections lost', '', sum(report.lost for report in reports), 0.0)
    return figures


def tls(settings: Settings) -> Figures:
    """99 clients x 10 Hz with TLS."""
    from gateway.certificates import Authority
    from gateway.certificates import install

    figures = Figures()
    with tempfile.TemporaryDirectory() as directory:
        files, _ = install(Path(directory), Authority('bench'))
        options = ('--tls-cert', str(files.certificate), '--tls-key', str(files.key))
        for _ in range(settings.rounds):
            with vehicle('', *options) as up:
                run = _ours(up, settings, Load(up.port, up.token('viewer'), tls=True, within=3.0))
            figures.note('processor time of a delivery', 'us', run.cpu)
            figures.note('age of the telemetry, p99', 'ms', run.report.age(0.99))
            figures.note('connections lost', '', run.report.lost, 0.0)
    return figures


def pair(settings: Settings) -> Figures:
    """198 clients x 10 Hz of two bridges behind nginx, each with its default limits."""
    figures = Figures()
    if shutil.which('nginx') is None:
        print('nginx is not installed: apt-get install nginx-light', file=sys.stderr)
        return figures
    clients = 198
    for _ in range(settings.rounds):
        with (
            vehicle() as up,
            second_bridge(up) as (other, pid),
            nginx(up.port, other) as (port, worker),
            connected(Load(port, up.token('viewer'), clients=clients, within=4.0)) as readers,
        ):
            time.sleep(SETTLING)
            pids = {'first bridge': up.node_pid('bridge_node'), 'second bridge': pid}
            parts = {name: Cpu(pid) for name, pid in {**pids, 'nginx': worker}.items()}
            report = readers.measure(settings.seconds)
            for name, part in parts.items():
                used = 100.0 * part.used() / settings.seconds
                figures.note(f'{name}, processor time', '% of a core', used)
        _note_readers(figures, settings, report, clients)
    return figures


def bridges(settings: Settings) -> Figures:
    """99 clients x 10 Hz of bridges on ROS 2: ours on rclpy, and those that others have made."""
    figures = Figures()
    ros = Ros.find()
    if ros is None:
        print(f'{ROS_SETUP} is missing: make test-ros, with a ROS 2 in /opt/ros', file=sys.stderr)
        return figures
    for _ in range(settings.rounds):
        cpu = dict[str, float]()
        with vehicle() as up:
            topics = (f'{up.namespace}/telemetry/realtime',)
            loads = {
                'oht50_bridge': Load(0, up.token('viewer')),
                'foxglove_bridge': Load(
                    0, events=topics, server='foxglove', subprotocol='foxglove.websocket.v1'
                ),
                'rosbridge_server': Load(0, events=topics, server='rosbridge'),
            }
            for package in ROS_BRIDGES:
                with ros_bridge(ros, up, package) as found:
                    if found is None:
                        continue
                    port, pid = found
                    time.sleep(SETTLING)
                    idle = Cpu(pid)
                    time.sleep(settings.seconds)
                    share = 100.0 * idle.used() / settings.seconds
                    figures.note(f'{package}: without clients', '% of a core', share)
                    run = deliver(replace(loads[package], port=port), pid, settings.seconds)
                    figures.note(f'{package}: memory (PSS)', 'MB', pss(pid))
                cpu[package] = run.cpu
                figures.note(f'{package}: processor time of a delivery', 'us', run.cpu)
                for name, share in (('median', 0.5), ('p99', 0.99)):
                    age = run.report.age(share)
                    figures.note(f'{package}: age of the telemetry, {name}', 'ms', age)
                share = run.report.frames / (10.0 * settings.seconds * 99)
                figures.note(f'{package}: delivered', '%', 100.0 * share)
        for package, limit in (('foxglove_bridge', 0.9), ('rosbridge_server', None)):
            if package in cpu:
                ratio = cpu['oht50_bridge'] / cpu[package]
                figures.note(f'ours / {package}, processor time', '', ratio, limit)
    return figures


def stuck(settings: Settings) -> Figures:
    """Good clients beside 1, 10 and 50 that read nothing, against as many that read; 49 more."""
    figures = Figures()
    longer = replace(settings, seconds=2 * settings.seconds)
    for _ in range(settings.rounds):
        with vehicle() as up, missions(up):
            load = Load(up.port, up.token('admin'), EVERYTHING, 49, ages_of=PUBLISHED)
            _ours(up, longer, load)  # the first mission begins
            for number in (1, 10, 50):
                good = _ours(up, longer, replace(load, clients=49 + number)).report
                beside = _ours(up, longer, replace(load, stuck=number)).report
                name = f'age of what is published, p99, with {number} more clients'
                figures.note(name, 'ms', good.age(0.99))
                figures.note(f'{name} that read nothing', 'ms', beside.age(0.99))
                ratio = beside.age(0.99) / good.age(0.99)
                figures.note(f'{number} stuck readers against good ones', '', ratio, 1.2)
                figures.note('connections lost', '', good.lost + beside.lost, 0.0)
    return figures


def storm(settings: Settings) -> Figures:
    """100 connections within 1 s, and 1,000 within 10 s with the limits lifted."""
    figures = Figures()
    for _ in range(settings.rounds):
        for number, within, parameters in ((98, 1.0, ''), (1000, 10.0, LIFTED)):
            with vehicle(parameters) as up:
                token = up.token('viewer')
                cpu = Cpu(up.node_pid('bridge_node'))
                with connected(Load(up.port, token, clients=1)) as good:
                    good.begin()
                    began = time.monotonic()
                    with connected(Load(up.port, token, clients=number, within=within)) as more:
                        took = time.monotonic() - began
                        used = cpu.used()
                        report = good.end()
                        lost = more.measure(1.0).lost
            name = f'{number} connections: '
            figures.note(f'{name}all have subscribed', 's', took)
            figures.note(f'{name}processor time of one', 'ms', 1e3 * used / number)
            figures.note(f'{name}age at a client that was there, p99', 'ms', report.age(0.99))
            figures.note(f'{name}lost', '', lost, 0.0)
    return figures


def memory(settings: Settings) -> Figures:
    """Memory of a client: bridge_node with 99 clients against 1, and with the 1,000."""
    figures = Figures()
    for _ in range(settings.rounds):
        with vehicle(LIFTED) as up:
            pid = up.node_pid('bridge_node')
            found = {}
            for number in (1, 99, 1000):
                with connected(Load(up.port, up.token('viewer'), clients=number, within=5.0)):
                    time.sleep(SETTLING)
                    found[number] = pss(pid)
        figures.note('bridge_node with a client', 'MB', found[1])
        figures.note('each of 99 clients', 'kB', 1e3 * (found[99] - found[1]) / 98, 30.0)
        figures.note('each of 1,000 clients', 'kB', 1e3 * (found[1000] - found[1]) / 999, 30.0)
    return figures


def idle(settings: Settings) -> Figures:
    """A vehicle that stands, without clients and with ten."""
    figures = Figures()
    for _ in range(settings.rounds):
        with vehicle() as up:
            time.sleep(SETTLING)
            names = processes(up)
            parts = {pid: Cpu(pid) for pid in names}
            time.sleep(settings.seconds)
            used = {pid: 100.0 * part.used() / settings.seconds for pid, part in parts.items()}
            memory_of_all = pss(*names)
            with connected(Load(up.port, up.token('viewer'), EVERYTHING, 10)):
                time.sleep(SETTLING)
                cpu = Cpu(*names)
                time.sleep(settings.seconds)
                with_clients = 100.0 * cpu.used() / settings.seconds
        figures.note('whole vehicle', '% of a core', sum(used.values()))
        figures.note('whole vehicle with 10 clients', '% of a core', with_clients, 10.0)
        figures.note('memory of all processes (PSS)', 'MB', memory_of_all, 130.0)
        for pid, name in names.items():
            figures.note(f'of it {name}', '% of a core', used[pid])
    return figures


def start(settings: Settings) -> Figures:
    """From the command to the first telemetry at a client."""
    figures = Figures()
    for _ in range(max(3, settings.rounds)):
        with started() as (took, used):
            figures.note('to the first telemetry', 's', took, 0.7)
            figures.note('processor time by then', 's', used, 1.5)
    return figures


def command(settings: Settings) -> Figures:
    """A command through the service of another node and back, alone and beside 98 readers."""
    figures = Figures()

    def times(up: Up, number: int) -> list[float]:
        found = []
        with up.client('operator') as client:
            for _ in range(number):
                began = time.monotonic()
                client.call('set_telemetry_rate', rate=10)
                found.append(1e3 * (time.monotonic() - began))
                time.sleep(COMMAND_PAUSE)
        return found

    number = int(settings.seconds / COMMAND_PAUSE)
    for _ in range(settings.rounds):
        with vehicle() as up:
            alone = times(up, number)
            with connected(Load(up.port, up.token('viewer'), EVERYTHING, 98)):
                beside = times(up, number)
        figures.note('round trip alone, median', 'ms', percentile(alone, 0.5))
        figures.note('round trip alone, p99', 'ms', percentile(alone, 0.99))
        figures.note('round trip beside 98 readers, median', 'ms', percentile(beside, 0.5))
        figures.note('round trip beside 98 readers, p99', 'ms', percentile(beside, 0.99), 10.0)
    return figures


def estop(settings: Settings) -> Figures:
    """An emergency stop from full speed to 0 in the speed register, beside 97 readers."""
    figures, zeros, events = Figures(), list[float](), list[float]()
    with vehicle(FULL_SPEED) as up:
        load = Load(up.port, up.token('viewer'), EVERYTHING, 97, within=2.0)
        with (
            connected(load),
            driven(up),
            up.simulator() as simulator,
            up.client('admin', ['safety.estop']) as client,
        ):
            for _ in range(8 * settings.rounds):
                one = stop(client, simulator)
                zeros.append(1e3 * one.zero)
                events.append(1e3 * one.event)
                client.clear_estop()
    figures.note('to 0 in the register, median', 'ms', percentile(zeros, 0.5))
    figures.note('to 0 in the register, p99', 'ms', percentile(zeros, 0.99), 30.0)
    figures.note('the event at the client, p99', 'ms', percentile(events, 0.99))
    return figures


def bus(settings: Settings) -> Figures:
    """The serial lines of a vehicle that drives, by a tap between it and its boards."""
    from faults.harness.rig import Rig
    from support import own_domain

    figures = Figures()
    for _ in range(settings.rounds):
        with (
            tempfile.TemporaryDirectory() as directory,
            own_domain() as domain,
            Rig(Path(directory), domain) as rig,
            missions(rig.vehicle),
        ):
            time.sleep(SETTLING)
            with rig.recorded() as recording:
                time.sleep(settings.seconds)
        for line in sorted({frame.line for frame in recording.frames}):
            frames = [frame for frame in recording.frames if frame.line == line]
            sent = [frame for frame in frames if frame.way == 'sent']
            replied = [frame for frame in frames if frame.way == 'replied']
            # A reply follows the request that is the last before it.
            begun = [max(one.at for one in sent if one.at <= each.at) for each in replied[1:]]
            took = [1e3 * (each.at - at) for each, at in zip(replied[1:], begun, strict=True)]
            size = sum(len(frame.data) for frame in sent + replied)
            figures.note(f'{line}: requests', '1/s', len(sent) / settings.seconds)
            share = 100.0 * (1.0 - len(replied) / len(sent))
            figures.note(f'{line}: requests without a reply', '%', share)
            figures.note(f'{line}: request to reply, median', 'ms', percentile(took, 0.5))
            figures.note(f'{line}: request to reply, p99', 'ms', percentile(took, 0.99))
            figures.note(f'{line}: bytes', '1/s', size / settings.seconds)
    return figures


SCENARIOS: dict[str, Callable[[Settings], Figures]] = {
    scenario.__name__: scenario
    for scenario in (
        fanout,
        single,
        alone,
        thousand,
        everything,
        mixed,
        tls,
        pair,
        bridges,
        stuck,
        storm,
        command,
        estop,
        bus,
        idle,
        memory,
        start,
    )
}

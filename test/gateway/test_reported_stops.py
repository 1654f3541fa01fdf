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
"""Which emergency stop a client means that clears without naming one."""

from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.reported_stops import READING_TIME
from oht50_bridge.gateway.reported_stops import ReportedStops


def test_a_stop_is_meant_once_it_could_be_read():
    stops = ReportedStops()
    assert stops.meant(0.0) is None
    stops.add('a', 0.0)
    assert stops.meant(0.9 * READING_TIME) is None
    assert stops.meant(READING_TIME) == 'a'


def test_a_newer_stop_is_not_meant_by_a_clear_that_was_on_its_way():
    stops = ReportedStops()
    stops.add('a', 0.0)
    stops.add('b', 1.0)
    assert stops.meant(1.0 + 0.9 * READING_TIME) == 'a'
    assert stops.meant(1.0 + READING_TIME) == 'b'


def test_a_repeated_report_does_not_start_the_time_anew_and_an_older_one_counts_again():
    stops = ReportedStops()
    for now in (0.0, 0.3, READING_TIME):
        stops.add('a', now)
    assert stops.meant(READING_TIME) == 'a'
    stops.add('b', 1.0)
    assert stops.meant(2.0) == 'b'
    stops.add('a', 2.0)  # the answer to a clear names what is latched now
    assert stops.meant(3.0) == 'a'


def test_who_never_clears_one_keeps_none_but_the_newest():
    stops = ReportedStops()
    for number in range(1000):
        stops.add(f'estop-{number}', float(number))
    assert len(stops._recent) == 1
    assert stops.meant(2000.0) == 'estop-999'


async def test_a_clear_without_a_name_means_the_newest_stop_that_was_read(
    serving, event, monkeypatch
):
    monkeypatch.setattr('oht50_bridge.gateway.reported_stops.READING_TIME', 0.0)
    meant = []

    async def handler(command, caller):
        if command.type == 'emergency_stop':
            return CommandOutcome(data={'estop_id': 'own'})
        meant.append(command.estop_id)
        return CommandOutcome(False, 'latched', {'estop_id': 'newest'})

    async def call(client, command, **fields):
        await client.send(command, **fields)
        await client.receive('command.result')

    async with serving(handler=handler) as server:
        reader = await server.enter('safety.*', role='admin')
        other = await server.enter(role='admin')
        await call(reader, 'clear_estop', estop_id='named')
        await call(other, 'clear_estop')
        assert meant == ['named', None], 'no stop was reported to the other'
        await call(other, 'clear_estop')
        assert meant[-1] == 'newest', 'the refusal named it'
        server.gateway.publish(event('safety.estop', estop_id='published'))
        await reader.receive('safety.estop')
        await call(reader, 'clear_estop')
        assert meant[-1] == 'published'
        await call(other, 'emergency_stop')
        await call(other, 'clear_estop')
        assert meant[-1] == 'own'


async def test_a_clear_just_after_a_stop_does_not_mean_it(serving, event):
    async with serving() as server:
        peer = await server.enter('safety.*', role='admin')
        server.gateway.publish(event('safety.estop', estop_id='new'))
        await peer.receive('safety.estop')
        await peer.send('clear_estop')
        await peer.receive('command.result')
        ((command, _),) = server.commands
        assert command.estop_id is None

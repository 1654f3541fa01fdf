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
"""How accurate missions are: errors against the simulator's truth, each as a share of its limit.

    .venv/bin/python bench/missions.py [--missions N] [--longest M] [--source mm|cm]

Drives missions of random length and prints the errors of position at arrival, distance, duration,
energy and estimated duration.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from support import Connection
from support import Vehicle
from support import own_domain
from support import wait_for

from oht50_bridge.simulator.control import SimulatorClient

CENTIMETRES = """
/**/hardware_node:
  ros__parameters:
    module:
      dock: {kind: dock, profile: dock_location_fw, line: sense, address: 5}
"""
# Of a position in mm and in cm: error at arrival, m; resolution, m.
SOURCES = {'mm': (0.002, 0.001), 'cm': (0.01, 0.01)}


def drive(
    client: Connection, simulator: SimulatorClient, target: float
) -> dict[str, float] | None:
    """Drive one mission to `target`, m; return its errors by name; None if it was not accepted."""
    before = simulator.truth()
    if not client.call(
        'start_mission',
        mission_type='transport',
        target_position={'x': target * 1000.0, 'y': 0.0, 'z': 0.0},
    )['accepted']:
        return None
    data = client.wait('mission.completed', 120.0)
    after = simulator.truth()
    started = next(e for e in reversed(client.received) if e['type'] == 'mission.started')
    if data['data']['status'] != 'success':
        raise RuntimeError(f'the mission to {target:.3f} m: {data["data"]["status"]}')
    duration = data['at'] - started['at']
    summary = data['data']['summary']
    drawn = (after['drawn'] - before['drawn']) / 3600.0
    return {
        'position, m': after['position'] - target,
        'distance, m': summary['distance_traveled'] / 1000.0
        - (after['travelled'] - before['travelled']),
        'duration, ratio': data['data']['completion_time'] / duration - 1.0,
        'energy, ratio': summary['energy_consumed'] / drawn - 1.0,
        'estimated duration, ratio': started['data']['estimated_duration'] / duration - 1.0,
    }


def main() -> None:
    """Drive the missions and print the worst of each error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--missions', type=int, default=20)
    parser.add_argument('--longest', type=float, default=5.0, help='m')
    parser.add_argument('--source', choices=SOURCES, default='mm')
    arguments = parser.parse_args()
    error, resolution = SOURCES[arguments.source]
    limits = {
        'position, m': error,
        'distance, m': 2 * resolution,
        'duration, ratio': 0.05,
        'energy, ratio': 0.05,
        'estimated duration, ratio': 0.25,
    }
    rng = random.Random(1)
    position, results = 5.0, list[dict[str, float]]()  # m, where the simulated vehicle starts
    with tempfile.TemporaryDirectory() as directory, own_domain() as domain:
        parameters = Path(directory) / 'parameters.yaml'
        parameters.write_text(CENTIMETRES if arguments.source == 'cm' else '')
        extra = ('--params', str(parameters)) if arguments.source == 'cm' else ()
        vehicle = Vehicle(Path(directory), domain, *extra)
        try:
            vehicle.wait_until_up()
            with (
                vehicle.simulator() as simulator,
                vehicle.client('operator', ['mission.*']) as client,
            ):
                for _ in range(arguments.missions):
                    way = rng.uniform(0.3, arguments.longest)
                    position += way if position < 10.0 else -way
                    target = position
                    results.append(
                        wait_for(
                            lambda to=target: drive(client, simulator, to), 180.0, 'a mission', 0.5
                        )
                    )
        finally:
            vehicle.stop()
    for name, limit in limits.items():
        worst = max(abs(result[name]) for result in results)
        print(
            f'{name:28} n {len(results):3}  worst {worst:8.4f}  limit {limit:7.4f}  '
            f'share {worst / limit:5.2f}'
        )


if __name__ == '__main__':
    main()

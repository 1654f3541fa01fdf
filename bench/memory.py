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
"""How fast the memory of an idle vehicle's processes grows.

    .venv/bin/python bench/memory.py [--minutes 60] [--warm-up 10] [--out DIRECTORY]

It starts a simulated vehicle, which no client uses, and takes what each process has in use every
10 s. DIRECTORY takes the samples as lines of JSON, and the report.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'test'))

from growth import Sampler
from growth import processes_of_vehicle
from growth import table
from support import Vehicle
from support import own_domain
from support import wait_for

INTERVAL = 10.0  # s
NODES = 7


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--minutes', type=float, default=60.0, help='after the warm-up')
    parser.add_argument('--warm-up', type=float, default=10.0, help='minutes')
    parser.add_argument(
        '--dds', default='', help='more configuration of DDS, such as that of announcements'
    )
    parser.add_argument('--out', type=Path, default=Path('build/memory'))
    arguments = parser.parse_args()
    environment = {'CYCLONEDDS_URI': arguments.dds} if arguments.dds else {}
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        own_domain() as domain,
        (arguments.out / 'samples.jsonl').open('w') as out,
    ):
        vehicle = Vehicle(Path(directory), domain, environment=environment).wait_until_up()
        try:

            def processes() -> dict[str, int]:
                return processes_of_vehicle(vehicle.process.pid, str(vehicle.state_dir))

            wait_for(
                lambda: sum(name.endswith('_node') for name in processes()) == NODES,
                what='all nodes run',
            )
            sampler = Sampler(processes(), INTERVAL, 60.0 * arguments.warm_up, out)
            time.sleep(60.0 * (arguments.warm_up + arguments.minutes))
            reports = sampler.stop()
        finally:
            vehicle.stop()
    (arguments.out / 'report.json').write_text(json.dumps(reports, indent=1) + '\n')
    print(table(reports))


if __name__ == '__main__':
    main()

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
"""How much memory a DDS participant loses with each announcement of its peers.

    .venv/bin/python bench/announcements.py [--participants 7] [--interval 0.1] [--seconds 60]

Nothing but the `cyclonedds` wheel: each participant is a process that only waits. They announce
themselves (SPDP) more often than usual, so that a minute shows what is otherwise lost in an hour.
Start it in an environment that has the wheel to be examined.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

CONFIGURATION = (
    '<CycloneDDS><Domain><General><AllowMulticast>false</AllowMulticast>'
    '<Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces></General>'
    '<Discovery><ParticipantIndex>auto</ParticipantIndex>'
    '<MaxAutoParticipantIndex>30</MaxAutoParticipantIndex>'
    '<Peers><Peer address="localhost"/></Peers>'
    '<SPDPInterval>{interval}s</SPDPInterval></Discovery></Domain></CycloneDDS>'
)
WARM_UP = 10.0  # s


def rss() -> int:
    """Return the bytes of memory of this process."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE')


def participant(
    domain: int, configuration: str, seconds: float, together: Barrier, grown: object
) -> None:
    """Be a participant; put into a queue by how many bytes it grew in `seconds` s."""
    from cyclonedds.domain import Domain
    from cyclonedds.domain import DomainParticipant

    one = Domain(domain, configuration), DomainParticipant(domain)
    together.wait()
    time.sleep(WARM_UP)
    before = rss()
    time.sleep(seconds)
    grown.put(rss() - before)  # type: ignore[attr-defined]  # a queue of multiprocessing
    together.wait()
    del one


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--participants', type=int, default=7)
    parser.add_argument('--interval', type=float, default=0.1, help='s between announcements')
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--domain', type=int, default=99)
    arguments = parser.parse_args()
    context = multiprocessing.get_context('spawn')
    together, grown = context.Barrier(arguments.participants), context.SimpleQueue()
    configuration = CONFIGURATION.format(interval=arguments.interval)
    processes = [
        context.Process(
            target=participant,
            args=(arguments.domain, configuration, arguments.seconds, together, grown),
        )
        for _ in range(arguments.participants)
    ]
    for process in processes:
        process.start()
    bytes_grown = [grown.get() for _ in processes]
    for process in processes:
        process.join()
    received = (arguments.participants - 1) * arguments.seconds / arguments.interval
    print(
        f'{arguments.participants} participants, an announcement each {arguments.interval} s: '
        f'each process grew by {statistics.median(bytes_grown) / 1e3:.0f} kB in '
        f'{arguments.seconds:.0f} s (from {min(bytes_grown) / 1e3:.0f} to '
        f'{max(bytes_grown) / 1e3:.0f}), '
        f'{statistics.median(bytes_grown) / max(received, 1.0):.0f} bytes an announcement received'
    )


if __name__ == '__main__':
    main()

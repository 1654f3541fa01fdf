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
"""What the announcements of its peers do to the memory of a DDS participant.

    .venv/bin/python bench/announcements.py [--participants 7] [--interval 0.02] [--seconds 60]

Nothing but the `cyclonedds` wheel: each participant is a process that only waits. They announce
themselves (SPDP) every 20 ms instead of every 8 s, so that a minute shows what hours do. Memory
grows until the receive buffers of 1 MiB each (`Sizing/ReceiveBufferSize`) have been used once, and
not any more after that. Start it in an environment that has the wheel to be examined.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import time
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

CONFIGURATION = (
    '<CycloneDDS><Domain><General><AllowMulticast>false</AllowMulticast>'
    '<Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces></General>'
    '<Discovery><ParticipantIndex>auto</ParticipantIndex>'
    '<MaxAutoParticipantIndex>30</MaxAutoParticipantIndex>'
    '<Peers><Peer address="localhost"/></Peers>'
    '<SPDPInterval>{interval}s</SPDPInterval></Discovery>{sizing}</Domain></CycloneDDS>'
)
SIZING = '<Sizing><ReceiveBufferSize>{size}KiB</ReceiveBufferSize></Sizing>'
KIB = 1024


def rss() -> int:
    """Return the KiB of memory of this process."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') // KIB


def participant(
    domain: int,
    configuration: str,
    seconds: float,
    together: Barrier,
    seen: SimpleQueue[list[int]],
) -> None:
    """Be a participant; report by how many KiB it has grown, ten times."""
    from cyclonedds.domain import Domain
    from cyclonedds.domain import DomainParticipant

    one = Domain(domain, configuration), DomainParticipant(domain)
    together.wait()
    grown, before = list[int](), rss()
    for _ in range(10):
        time.sleep(seconds / 10)
        grown.append(rss() - before)
    seen.put(grown)
    together.wait()
    del one


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--participants', type=int, default=7)
    parser.add_argument('--interval', type=float, default=0.02, help='s between announcements')
    parser.add_argument('--seconds', type=float, default=60.0)
    parser.add_argument('--domain', type=int, default=99)
    parser.add_argument('--buffer', type=int, default=0, help='KiB of a receive buffer')
    arguments = parser.parse_args()
    context = multiprocessing.get_context('spawn')
    together: Barrier = context.Barrier(arguments.participants)
    seen: SimpleQueue[list[int]] = context.SimpleQueue()
    sizing = SIZING.format(size=arguments.buffer) if arguments.buffer else ''
    configuration = CONFIGURATION.format(interval=arguments.interval, sizing=sizing)
    processes = [
        context.Process(
            target=participant,
            args=(arguments.domain, configuration, arguments.seconds, together, seen),
        )
        for _ in range(arguments.participants)
    ]
    for process in processes:
        process.start()
    grown = [seen.get() for _ in processes]
    for process in processes:
        process.join()
    tenth = (arguments.participants - 1) * arguments.seconds / arguments.interval / 10
    print('announcements received   KiB more than at first: median (least to most)')
    for number, at_once in enumerate(zip(*grown, strict=True), 1):
        print(
            f'{number * tenth:22.0f}   {statistics.median(at_once):.0f} '
            f'({min(at_once)} to {max(at_once)})'
        )


if __name__ == '__main__':
    main()

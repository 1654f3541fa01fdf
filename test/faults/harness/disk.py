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
"""A disk of its own for the state directory of a vehicle."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

DISK = 32  # MB


@contextlib.contextmanager
def disk_of(directory: Path, image: Path) -> Iterator[Path]:
    """Mount a filesystem of its own, on a file; needs root."""
    directory.mkdir(exist_ok=True)
    with image.open('wb') as file:
        file.truncate(DISK << 20)
    run('mkfs.ext4', '-q', '-N', '1000', '-m', '0', str(image))
    run('mount', '-o', 'loop', str(image), str(directory))
    directory.chmod(0o700)
    try:
        yield directory
    finally:
        run('umount', '--lazy', str(directory))


def run(*command: str) -> None:
    """Run a command of the system, which must succeed."""
    subprocess.run(command, check=True, capture_output=True)

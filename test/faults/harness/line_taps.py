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
"""Orders to the process of `line_tap`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faults.harness.recording import Frame


class LineTaps:
    """The tap of some lines, which lives as long as the `with` block.

    Args:
        ports: of each line, the path that the vehicle opens and the port of its boards.

    """

    def __init__(self, ports: Mapping[str, tuple[Path, Path]]) -> None:
        plain = {name: [str(link), str(target)] for name, (link, target) in ports.items()}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name('line_tap.py')), json.dumps(plain)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._answer()

    def __enter__(self) -> LineTaps:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.stdin.close()
        self._process.wait(10.0)
        self._process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f'the tap ended with {self._process.wait()}')
        return json.loads(line)

    def order(self, **order: Any) -> dict[str, Any]:
        """Give an order; return the answer."""
        self._process.stdin.write(json.dumps(order) + '\n')
        self._process.stdin.flush()
        return self._answer()

    def disturb(self, line: str, **habits: Any) -> float:
        """Give a line its habits; without any it passes everything as it is.

        Returns:
            When it was done, s.

        """
        return self.order(line=line, habits=habits)['now']

    def unplug(self, line: str) -> float:
        """Take the port of a line away; return when, s."""
        return self.order(unplug=line)['now']

    def plug(self, line: str) -> None:
        """Bring it back as another terminal."""
        self.order(plug=line)

    def frames(self) -> list[Frame]:
        """Return the frames since the call before."""
        kept = self.order(frames=True)['frames']
        return [Frame(at, line, way, bytes.fromhex(data)) for at, line, way, data in kept]

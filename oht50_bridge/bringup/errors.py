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
"""The errors of a vehicle that cannot be started."""

from __future__ import annotations

import os
from collections.abc import Sequence


class BringUpError(Exception):
    """A vehicle cannot be started or kept running; the message names the reason and the remedy.

    Attributes:
        exit_code: of a command that ends by it.

    """

    exit_code = 1


class ParameterError(BringUpError):
    """The parameters of a vehicle are wrong; nothing has been started.

    Args:
        faults: one line each: file, node, parameter, what is there, what to write.

    """

    exit_code = os.EX_CONFIG
    MOST = 40  # lines that are shown

    def __init__(self, faults: Sequence[str]) -> None:
        shown = list(faults[: self.MOST])
        if len(faults) > self.MOST:
            shown.append(f'and {len(faults) - self.MOST} more faults')
        super().__init__('\n'.join(shown))
        self.faults = tuple(faults)

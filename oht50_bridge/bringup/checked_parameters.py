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
"""The checked parameters of a vehicle, also for who cannot import what the nodes import."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oht50_bridge.bringup.errors import BringUpError
from oht50_bridge.bringup.errors import ParameterError
from oht50_bridge.bringup.parameters import VehicleParameters

TIMEOUT = 60.0  # s, of a check in another process


def checked_parameters(params: Path | None, **options: Any) -> VehicleParameters:
    """Return the parameters of a vehicle, see `parameter_check.read_parameters`.

    `ros2 launch` runs with the Python that ROS 2 was built for, the nodes with the first on PATH,
    which may be the only one with pydantic and pymodbus. Then that one checks.

    Raises:
        ParameterError: what is wrong, a line for each fault.
        BringUpError: a library is missing; the message names it.

    """
    try:
        from oht50_bridge.bringup.parameter_check import read_parameters
    except ImportError as error:
        return _checked_by_another(params, options, error)
    return read_parameters(params, **options)


def _checked_by_another(
    params: Path | None, options: dict[str, Any], missing: ImportError
) -> VehicleParameters:
    request = json.dumps([None if params is None else str(params), options])
    command = ['python3', '-m', 'oht50_bridge.bringup.parameter_check', request]
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell
            command, check=True, capture_output=True, text=True, timeout=TIMEOUT
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise BringUpError(
            f'the parameters cannot be checked: {missing}; install requirements.txt for the '
            'python3 that is first on PATH'
        ) from error
    return parameters_of(answer)


def parameters_of(answer: Mapping[str, Any]) -> VehicleParameters:
    """Return what another process has found, see `parameter_check.answer`.

    Raises:
        ParameterError: what is wrong, a line for each fault.

    """
    if 'faults' in answer:
        raise ParameterError(answer['faults'])
    return VehicleParameters(answer['values'])

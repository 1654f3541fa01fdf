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
"""The replay of a recorded vehicle: what its bridge is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oht50_bridge.bringup.checked_parameters import checked_parameters
from oht50_bridge.bringup.environment import log_environment
from oht50_bridge.bringup.environment import token_environment
from oht50_bridge.bringup.parameters import write_parameters
from oht50_bridge.nodes import REPLAY_NAMESPACE


@dataclass(frozen=True)
class ReplayPlan:
    """A bridge that serves the events of a recorded vehicle, apart from vehicles that run.

    Args:
        state_dir: directory of all vehicles of this machine.
        vehicle: namespace of the vehicle in the bag.
        host: address the bridge listens on.
        port: TCP port the bridge listens on.
        use_sim_time: whether the bridge takes its time from /clock.

    """

    state_dir: Path
    vehicle: str
    host: str
    port: int
    use_sim_time: bool = False

    @property
    def namespace(self) -> str:
        """Namespace of the bridge and of the replayed events."""
        return f'{REPLAY_NAMESPACE}{self.vehicle}'

    def environment(self) -> dict[str, str]:
        """Return what the bridge needs in its environment, like that of a vehicle.

        Raises:
            TokenFileError, OSError: the file of the secret cannot be used.

        """
        return token_environment(self.state_dir) | log_environment(self.state_dir)

    def parameter_file(self) -> Path:
        """Write the parameter file of the bridge and return it.

        Raises:
            ParameterError: config/vehicle.yaml is wrong.

        """
        directory = self.state_dir / f'replay-{self.port}'
        own = {
            'state_dir': str(directory),
            'host': self.host,
            'port': self.port,
            'replay': True,
            'use_sim_time': self.use_sim_time,
        }
        values = checked_parameters(None).given('bridge_node') | own
        return write_parameters(directory, self.namespace, 'bridge_node', values)

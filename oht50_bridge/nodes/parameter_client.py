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
"""The parameters of other nodes, read and set by config_node."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from functools import partial
from typing import Any

from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future

from oht50_bridge.nodes.parameter_values import from_value
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.vehicle.config_table import ConfigTable
from oht50_bridge.vehicle.config_table import Item


def result_of(future: Future) -> Any:
    """Return the response of a service call that is done."""
    response = future.result()
    assert response is not None
    return response


class RemoteNode:
    """A node whose parameters are configured, as config_node knows it.

    Attributes:
        name: its name.
        items: what may be configured in it.
        values: what was read last, configuration name to value.
        version: configuration version it reports; None while it is not known.

    """

    def __init__(self, owner: Node, name: str, items: list[Item], group: ReentrantCallbackGroup):
        self.name = name
        self.items = items
        self.values: dict[str, Any] = {}
        self.version: str | None = None
        self._get = owner.create_client(
            GetParameters, f'{name}/get_parameters', callback_group=group
        )
        self._set = owner.create_client(
            SetParametersAtomically, f'{name}/set_parameters_atomically', callback_group=group
        )
        self._reading: Future | None = None

    def read(self) -> Future | None:
        """Request its parameters; None when it is absent. An outstanding answer is dropped."""
        if self._reading is not None:
            self._get.remove_pending_request(self._reading)
            self._reading = None
        if not self._get.service_is_ready():
            self.version = None
            return None
        names = [*(item.parameter for item in self.items), CONFIG_VERSION]
        self._reading = self._get.call_async(GetParameters.Request(names=names))
        return self._reading

    def update(self, values: list[ParameterValue]) -> bool:
        """Keep what was read; False when the node lacks some of these parameters."""
        if len(values) != len(self.items) + 1:
            return False
        read = [from_value(value) for value in values]
        if None in read:
            return False
        *read, version = read
        self.values = {item.name: value for item, value in zip(self.items, read, strict=True)}
        self.version = version
        return True

    def set(self, values: Mapping[str, Any], version: str) -> Future | None:
        """Set its parameters among some values, all or none; None when it is absent."""
        # Until it answers, it is not known whether it has them.
        self.version = None
        if not self._set.service_is_ready():
            return None
        parameters = [
            Parameter(item.parameter, Parameter.Type[item.type.upper()], values[item.name])
            for item in self.items
            if item.name in values
        ]
        parameters.append(Parameter(CONFIG_VERSION, value=version))
        return self._set.call_async(
            SetParametersAtomically.Request(
                parameters=[parameter.to_parameter_msg() for parameter in parameters]
            )
        )

    def give_up(self, future: Future) -> None:
        """Forget a `set` that was not answered."""
        self._set.remove_pending_request(future)


class RemoteNodes(dict[str, RemoteNode]):
    """Every node with parameters that may be configured, by name.

    Args:
        owner: the node that reads and sets them.
        table: what may be configured.
        group: callback group of the calls; a callback that awaits them must not block it.

    """

    def __init__(self, owner: Node, table: ConfigTable, group: ReentrantCallbackGroup) -> None:
        super().__init__(
            {name: RemoteNode(owner, name, table.of_node(name), group) for name in table.nodes()}
        )
        self._owner = owner
        self._group = group

    async def set(
        self,
        nodes: list[str],
        values: Mapping[str, Any],
        version_of: Callable[[str], str],
        timeout: float,
    ) -> list[str]:
        """Set values in nodes, each with the version that they belong to.

        Args:
            nodes: names.
            values: all that is configured in these nodes, not only what changes. A node that was
                started again and not read since would count as confirmed with a part of it, and
                permit motion without its zones.
            version_of: returns the version for a node.
            timeout: s, for all nodes together.

        Returns:
            The reason of each node that does not have them now.

        """
        reasons = []
        futures: dict[str, Future] = {}
        for name in nodes:
            sent = version_of(name)
            future = self[name].set(values, sent)
            if future is None:
                reasons.append(f'{name} is absent')
            else:
                futures[name] = future
                future.add_done_callback(partial(self._on_set, name, sent))
        await self._all_done(list(futures.values()), timeout)
        for name, future in futures.items():
            if not future.done():
                self[name].give_up(future)
                reasons.append(f'{name} did not answer')
            else:
                result = result_of(future).result
                if not result.successful:
                    reasons.append(f'{name} refused: {result.reason}')
        return reasons

    def _on_set(self, name: str, version: str, future: Future) -> None:
        if result_of(future).result.successful:
            self[name].version = version

    async def _all_done(self, futures: list[Future], timeout: float) -> None:
        """Wait until every future is done, at most `timeout` s."""
        end = Future()

        def look(_: Future | None = None) -> None:
            if not end.done() and all(future.done() for future in futures):
                end.set_result(None)

        def give_up() -> None:
            if not end.done():
                end.set_result(None)

        timer = steady_timer(self._owner, timeout, give_up, self._group)
        for future in futures:
            future.add_done_callback(look)
        look()
        try:
            await end
        finally:
            self._owner.destroy_timer(timer)

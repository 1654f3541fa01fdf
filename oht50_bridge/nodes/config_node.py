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
"""Keeps the vehicle's configuration in versions and puts it in force through nodes' parameters."""

from __future__ import annotations

import json
import math
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

from oht50_bridge.msg import ConfigChange
from oht50_bridge.msg import ConfigRollback
from oht50_bridge.msg import ConfigUpdated
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import declare
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.stamps import header
from oht50_bridge.srv import GetConfig
from oht50_bridge.srv import RollbackConfig
from oht50_bridge.srv import UpdateConfig
from oht50_bridge.vehicle.config_store import KEPT
from oht50_bridge.vehicle.config_store import ConfigStore
from oht50_bridge.vehicle.config_store import Record
from oht50_bridge.vehicle.config_store import StoreError
from oht50_bridge.vehicle.config_table import ConfigError
from oht50_bridge.vehicle.config_table import ConfigTable
from oht50_bridge.vehicle.config_table import Item
from oht50_bridge.vehicle.config_table import describe

REASONS = (ConfigRollback.REASON_PERFORMANCE_ISSUE, ConfigRollback.REASON_SAFETY_CONCERN)
# Both together leave time for the reply before a client of the bridge is told of silence.
APPLY_TIMEOUT = 0.8  # s, for every node to take its parameters
UNDO_TIMEOUT = 0.5  # s, for every node to take the former ones


class RemoteNode:
    """A node whose parameters are configured, as it is known from here.

    Attributes:
        name: its name.
        items: what may be configured there.
        values: what was read last, configuration name to value.
        version: configuration version it says it has; None while that is not known.

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
        """Ask for its parameters, None when it is not there; an answer not yet come is lost."""
        if self._reading is not None:
            self._get.remove_pending_request(self._reading)
            self._reading = None
        if not self._get.service_is_ready():
            self.version = None
            return None
        names = [*(item.parameter for item in self.items), CONFIG_VERSION]
        self._reading = self._get.call_async(GetParameters.Request(names=names))
        return self._reading

    def take(self, values: list[ParameterValue]) -> bool:
        """Take what was read; False when the node has not all of these parameters."""
        if len(values) != len(self.items) + 1:
            return False
        read = [_value(value) for value in values]
        if None in read:
            return False
        *read, version = read
        self.values = {item.name: value for item, value in zip(self.items, read, strict=True)}
        self.version = version
        return True

    def set(self, values: Mapping[str, Any], version: str) -> Future | None:
        """Set its parameters among some values, all or none; None when it is not there."""
        # Until it answers nobody knows whether it took them.
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
        """Forget a `set` whose answer did not come."""
        self._set.remove_pending_request(future)


class ConfigNode(Node):
    """The configuration: validated, stored, applied, then confirmed or rolled back.

    Requests to a node reach it in the order they were sent, so that a former value sent after a
    new one wins even in a node that was silent meanwhile. Beside that, every node is asked over
    and over which version it has: one that was started again, or answered too late, is given
    what is in force.
    """

    def __init__(self):
        super().__init__('config_node')
        period = declare(
            self,
            'check_period',
            0.5,
            'Period of asking the nodes which version they have, s',
            minimum=0.1,
            maximum=10.0,
        )
        table_version = declare(
            self,
            'table_version',
            '1.0',
            'MAJOR.MINOR of the items: a new item raises MINOR, one that goes or changes its '
            'meaning MAJOR',
        )
        try:
            self._table = ConfigTable(
                self._item(name)
                for name in declare(
                    self, 'items', ['telemetry_rate'], 'Names of what may be configured'
                )
            )
            self._store = ConfigStore(state_directory(self) / 'config', table_version)
        except (ConfigError, StoreError) as error:
            raise StartError(f'config_node: {error}') from error
        for error in self._misfits().values():
            self.get_logger().error(f'this stored value is not applied: {error}')
        # A change in its course: no other one may begin, and what is read counts no more.
        self._changing = ''
        self._generation = 0
        # Given up and not undone everywhere yet.
        self._undoing: list[Record] = self._store.interrupted
        for record in self._undoing:
            self.get_logger().warning(
                f'the change to {record.version} was interrupted; {self._store.in_force.version} '
                'stays in force'
            )

        # What awaits must not keep the answers it awaits from coming in.
        group = ReentrantCallbackGroup()
        self._group = group
        self._remotes = {
            name: RemoteNode(self, name, self._table.of_node(name), group)
            for name in self._table.nodes()
        }
        self._updated = topics.CONFIG_UPDATED.publisher(self)
        self._rollback = topics.CONFIG_ROLLBACK.publisher(self)
        self.create_service(GetConfig, 'get_config', self._on_get, callback_group=group)
        self.create_service(UpdateConfig, 'update_config', self._on_update, callback_group=group)
        self.create_service(
            RollbackConfig, 'rollback_config', self._on_rollback, callback_group=group
        )
        self.create_timer(period, self._check, callback_group=group)

    def _item(self, name: str) -> Item:
        prefix = f'item.{name}'
        return Item(
            name=name,
            node=declare(self, f'{prefix}.node', '', 'Node that has the parameter'),
            parameter=declare(self, f'{prefix}.parameter', name, 'Name of the parameter there'),
            type=declare(self, f'{prefix}.type', 'double', 'Type of the parameter'),
            unit=declare(self, f'{prefix}.unit', '', 'Unit'),
            minimum=declare(self, f'{prefix}.minimum', -math.inf, 'Least value allowed'),
            maximum=declare(self, f'{prefix}.maximum', math.inf, 'Greatest value allowed'),
            description=declare(self, f'{prefix}.description', '', 'Meaning'),
        )

    def _misfits(self) -> dict[str, ConfigError]:
        """Return the reasons why stored values may not be configured like that any more."""
        misfits = {}
        for name, value in self._store.in_force.values.items():
            try:
                self._table.check({name: value})
            except ConfigError as error:
                misfits[name] = error
        return misfits

    def _fit(self, values: dict[str, Any]) -> dict[str, Any]:
        misfits = self._misfits()
        return {name: value for name, value in values.items() if name not in misfits}

    def _configured(self) -> dict[str, Any]:
        """Return what is configured, name to value; the rest is as the parameter files say."""
        return self._fit(self._store.in_force.values)

    # --- services -------------------------------------------------------------------------------

    def _on_get(
        self, request: GetConfig.Request, response: GetConfig.Response
    ) -> GetConfig.Response:
        config: dict[str, Any] = dict.fromkeys(self._table.items)
        for remote in self._remotes.values():
            config.update(remote.values)
        config.update(self._configured())
        response.accepted = True
        response.version = self._store.in_force.version
        response.config_json = json.dumps(config)
        return response

    async def _on_update(
        self, request: UpdateConfig.Request, response: UpdateConfig.Response
    ) -> UpdateConfig.Response:
        try:
            values = self._table.check(json.loads(request.changes_json))
        except json.JSONDecodeError as error:
            response.message = f'changes_json: not JSON: {error}'
        except ConfigError as error:
            response.message = str(error)
        else:
            response.accepted, response.message = await self._change(values, request.source)
        response.version = self._store.in_force.version
        return response

    async def _on_rollback(
        self, request: RollbackConfig.Request, response: RollbackConfig.Response
    ) -> RollbackConfig.Response:
        response.accepted, response.message = await self._go_back(request)
        response.version = self._store.in_force.version
        return response

    async def _go_back(self, request: RollbackConfig.Request) -> tuple[bool, str]:
        if request.reason not in REASONS:
            return False, f'reason {request.reason!r}: must be one of {", ".join(REASONS)}'
        in_force = self._store.in_force.version
        if request.to_version == in_force:
            return False, f'to_version {in_force}: is in force already'
        try:
            values = self._table.check(self._fit(self._store.values_of(request.to_version)))
        except KeyError:
            return False, (
                f'to_version {request.to_version!r}: was never in force, or is none of the last '
                f'{KEPT} any more'
            )
        except ConfigError as error:
            return False, f'to_version {request.to_version}: {error}'
        return await self._change(
            values,
            request.source,
            ConfigRollback(
                from_version=in_force,
                to_version=request.to_version,
                reason=request.reason,
                rolled_back_by=ConfigRollback.ROLLED_BACK_BY_OPERATOR,
            ),
        )

    # --- changing -------------------------------------------------------------------------------

    async def _change(
        self, values: dict[str, Any], source: str, rollback: ConfigRollback | None = None
    ) -> tuple[bool, str]:
        """Make values the configuration, as the rollback that is given or else as an update.

        Returns:
            Whether they are in force, and what was done or why not.

        """
        if self._changing:
            return False, f'{self._changing} is under way; try again'
        self._changing = f'a change by {source!r}'
        self._generation += 1
        try:
            return await self._change_alone(values, source, rollback)
        finally:
            self._changing = ''

    async def _change_alone(
        self, values: dict[str, Any], source: str, rollback: ConfigRollback | None
    ) -> tuple[bool, str]:
        version = self._store.in_force.version
        stays = f'version {version} stays in force'
        before = self._configured()
        for name in values:
            remote = self._remotes[self._table.items[name].node]
            if name not in before:
                # Only a node that has what is in force tells what the former value is.
                if remote.version != self._store.version_of(remote.name):
                    return False, (
                        f'{name}: its value is not known, {remote.name} did not tell it yet; '
                        f'{stays}, try again'
                    )
                before[name] = remote.values[name]
        # A stored value that may not be any more is replaced even if the node has the new one.
        stored = before | self._store.in_force.values
        changes = {name: value for name, value in values.items() if value != stored[name]}
        if not changes and rollback is None:
            # Something else may have set a parameter meanwhile.
            reasons = await self._set(self._table.nodes(values), values, None, APPLY_TIMEOUT)
            return not reasons, '; '.join([*reasons, f'version {version} is in force already'])
        try:
            record = self._store.begin(
                changes,
                {name: before[name] for name in changes},
                self._table.nodes(changes),
                source,
            )
        except OSError as error:
            self.get_logger().error(f'the configuration cannot be stored: {error}')
            return False, f'cannot be stored ({error.strerror}); {stays}'
        reasons = await self._set(record.nodes, changes, record.version, APPLY_TIMEOUT)
        if not reasons:
            try:
                record = self._store.confirm(record)
            except OSError as error:
                reasons = [f'cannot be stored ({error.strerror})']
        if not reasons:
            self._tell(record, rollback, applied=True)
            return True, f'version {record.version} is in force'
        message = f'{"; ".join(reasons)}; {stays}'
        self.get_logger().error(f'the change to {record.version} by {source!r} failed: {message}')
        try:
            record = self._store.fail(record)
        except OSError as error:
            self.get_logger().error(f'that {record.version} failed cannot be stored: {error}')
        self._tell(record, rollback, applied=False)
        await self._undo(record)
        return False, message

    async def _set(
        self, nodes: list[str], values: dict[str, Any], version: str | None, timeout: float
    ) -> list[str]:
        """Set values in nodes and say which version these are, by default what is in force there.

        Returns:
            The reason of each node that did not take them.

        """
        reasons = []
        futures: dict[str, Future] = {}
        for name in nodes:
            sent = self._store.version_of(name) if version is None else version
            future = self._remotes[name].set(values, sent)
            if future is None:
                reasons.append(f'{name} is not there')
            else:
                futures[name] = future
                future.add_done_callback(partial(self._on_set, name, sent))
        await self._all_done(list(futures.values()), timeout)
        for name, future in futures.items():
            if not future.done():
                self._remotes[name].give_up(future)
                reasons.append(f'{name} did not answer')
            elif not future.result().result.successful:
                reasons.append(f'{name} refused: {future.result().result.reason}')
        return reasons

    def _on_set(self, name: str, version: str, future: Future) -> None:
        if future.result().result.successful:
            self._remotes[name].version = version

    async def _all_done(self, futures: list[Future], timeout: float) -> None:
        """Wait until every future is done, at most `timeout` s."""
        end = Future()

        def look(_: Future | None = None) -> None:
            if not end.done() and all(future.done() for future in futures):
                end.set_result(None)

        def give_up() -> None:
            if not end.done():
                end.set_result(None)

        timer = self.create_timer(timeout, give_up, callback_group=self._group)
        for future in futures:
            future.add_done_callback(look)
        look()
        try:
            await end
        finally:
            self.destroy_timer(timer)

    async def _undo(self, record: Record) -> None:
        """Give the nodes of a failed record what they had; those that are silent get it later."""
        self._undoing.append(record)
        await self._set(record.nodes, record.before, None, UNDO_TIMEOUT)
        self._look_at_undone()

    # --- keeping the nodes to what is in force --------------------------------------------------

    def _check(self) -> None:
        """Ask every node what it has."""
        if self._changing:
            return
        for remote in self._remotes.values():
            future = remote.read()
            if future is not None:
                future.add_done_callback(partial(self._on_read, remote, self._generation))
        self._look_at_undone()

    def _on_read(self, remote: RemoteNode, generation: int, future: Future) -> None:
        if self._changing or generation != self._generation:
            return
        if not remote.take(future.result().values):
            self.get_logger().error(
                f'{remote.name} has not all parameters that may be configured there: '
                f'{", ".join(item.parameter for item in remote.items)}, {CONFIG_VERSION}; correct '
                'the items of config_node',
                throttle_duration_sec=60.0,
            )
            return
        version = self._store.version_of(remote.name)
        if remote.version == version:
            return
        # It was started again and has the values of its files, or it took what then failed.
        values = self._fit(self._store.restoring(remote.version))
        self.get_logger().info(f'{remote.name} gets version {version}')
        future = remote.set(values, version)
        if future is not None:
            future.add_done_callback(partial(self._on_kept, remote, version))

    def _on_kept(self, remote: RemoteNode, version: str, future: Future) -> None:
        result = future.result().result
        if not result.successful:
            self.get_logger().error(
                f'{remote.name} refuses version {version}: {result.reason}; update_config with '
                'other values',
                throttle_duration_sec=10.0,
            )

    def _look_at_undone(self) -> None:
        """Tell that a failed change is undone once every node has what is in force."""
        for record in self._undoing.copy():
            done = all(
                self._remotes[name].version == self._store.version_of(name)
                for name in record.nodes
                if name in self._remotes
            )
            # After a start the bridge has to find this node first.
            if not done or self.count_subscribers(self._rollback.topic_name) == 0:
                continue
            self._undoing.remove(record)
            if record in self._store.interrupted:
                try:
                    record = self._store.fail(record)
                except OSError as error:
                    self.get_logger().error(
                        f'that {record.version} failed cannot be stored: {error}'
                    )
                self._tell(record, None, applied=False)
            self._rollback.publish(
                ConfigRollback(
                    header=header(self),
                    from_version=record.version,
                    to_version=self._store.in_force.version,
                    reason=ConfigRollback.REASON_SAFETY_CONCERN,
                    rolled_back_by=ConfigRollback.ROLLED_BACK_BY_SYSTEM,
                    status=ConfigRollback.STATUS_COMPLETED,
                )
            )

    def _tell(self, record: Record, rollback: ConfigRollback | None, *, applied: bool) -> None:
        """Publish what became of a record."""
        if rollback is not None:
            rollback.header = header(self)
            rollback.status = (
                ConfigRollback.STATUS_COMPLETED if applied else ConfigRollback.STATUS_FAILED
            )
            self._rollback.publish(rollback)
            return
        self._updated.publish(
            ConfigUpdated(
                header=header(self),
                config_id=record.config_id,
                version=record.version,
                updated_by=record.source,
                changes=[
                    ConfigChange(name=name, description=describe(record.before[name], value))
                    for name, value in record.changes.items()
                ],
                status=ConfigUpdated.STATUS_APPLIED if applied else ConfigUpdated.STATUS_FAILED,
            )
        )


def _value(message: ParameterValue) -> Any:
    """Return the value of a parameter's message."""
    type_ = Parameter.Type(message.type)
    if type_ is Parameter.Type.NOT_SET:
        return None
    value = getattr(message, f'{type_.name.lower()}_value')
    return list(value) if type_.name.endswith('ARRAY') else value


def main() -> None:
    """Run the node."""
    run(ConfigNode)


if __name__ == '__main__':
    main()

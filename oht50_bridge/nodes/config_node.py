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
"""Keeps the configuration in versions and applies it through the parameters of the nodes."""

from __future__ import annotations

from functools import partial
from typing import Any
from typing import TypeAlias

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future

from oht50_bridge.msg import ConfigRollback
from oht50_bridge.nodes.config_publisher import ConfigPublisher
from oht50_bridge.nodes.config_settings import config_table
from oht50_bridge.nodes.deadline import TOO_LATE
from oht50_bridge.nodes.deadline import create_command_service
from oht50_bridge.nodes.deadline import late_by
from oht50_bridge.nodes.parameter_client import RemoteNode
from oht50_bridge.nodes.parameter_client import RemoteNodes
from oht50_bridge.nodes.parameter_client import result_of
from oht50_bridge.nodes.parameter_values import from_parameters
from oht50_bridge.nodes.parameter_values import to_parameters
from oht50_bridge.nodes.parameters import CONFIG_VERSION
from oht50_bridge.nodes.parameters import NodeDeclarer
from oht50_bridge.nodes.parameters import state_directory
from oht50_bridge.nodes.process import StartError
from oht50_bridge.nodes.process import run
from oht50_bridge.nodes.steady_timer import steady_timer
from oht50_bridge.srv import GetConfig
from oht50_bridge.srv import RollbackConfig
from oht50_bridge.srv import UpdateConfig
from oht50_bridge.vehicle.config_drift import ConfigDrift
from oht50_bridge.vehicle.config_store import KEPT
from oht50_bridge.vehicle.config_store import ConfigStore
from oht50_bridge.vehicle.config_store import Record
from oht50_bridge.vehicle.config_store import StoreError
from oht50_bridge.vehicle.config_table import ConfigError

REASONS = (ConfigRollback.REASON_PERFORMANCE_ISSUE, ConfigRollback.REASON_SAFETY_CONCERN)
# Together they are shorter than the time after which the bridge answers WS-009.
APPLY_TIMEOUT = 0.8  # s, for every node to set its parameters
UNDO_TIMEOUT = 0.5  # s, for every node to restore the former ones

Request: TypeAlias = UpdateConfig.Request | RollbackConfig.Request


class ConfigNode(Node):
    """The configuration: validated, stored, applied, then confirmed or rolled back.

    Requests reach a node in the order in which they were sent, so a former value that is sent
    after a new one applies even in a node that was silent meanwhile. In addition, every node is
    asked regularly which version it has: a node that was restarted, or answered too late, gets
    the version in force.
    """

    def __init__(self) -> None:
        super().__init__('config_node')
        settings, self._table = config_table(NodeDeclarer(self))
        try:
            self._store = ConfigStore(state_directory(self) / 'config', settings.table_version)
        except StoreError as error:
            raise StartError(f'config_node: {error}') from error
        for fault in filter(None, [*self._store.faults, self._store.doubt]):
            self.get_logger().error(fault)
        self._drift = ConfigDrift(self._table.items.values())
        for misfit in self._misfits().values():
            self.get_logger().error(f'this stored value is not applied: {misfit}')
        # A change in progress: no other may begin, and what was read before is obsolete.
        self._changing = ''
        self._generation = 0
        # Failed and not yet reverted in every node.
        self._undoing: list[Record] = self._store.interrupted
        for record in self._undoing:
            self.get_logger().warning(
                f'the change to {record.version} was interrupted; {self._store.in_force.version} '
                'stays in force'
            )

        # A callback that awaits answers must not block the callbacks of these answers.
        group = ReentrantCallbackGroup()
        self._remotes = RemoteNodes(self, self._table, group)
        self._publisher = ConfigPublisher(self)
        self.create_service(GetConfig, 'get_config', self._on_get, callback_group=group)
        create_command_service(
            self, UpdateConfig, 'update_config', self._on_update, callback_group=group
        )
        create_command_service(
            self, RollbackConfig, 'rollback_config', self._on_rollback, callback_group=group
        )
        steady_timer(self, settings.check_period, self._check, callback_group=group)

    def _misfits(self) -> dict[str, ConfigError]:
        """Return the reasons why stored values are not allowed any more."""
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

    # Services.

    def _on_get(
        self, request: GetConfig.Request, response: GetConfig.Response
    ) -> GetConfig.Response:
        config: dict[str, Any] = dict.fromkeys(self._table.items)
        for remote in self._remotes.values():
            config.update(remote.values)
        config.update(self._configured())
        response.accepted, response.message = True, self._store.doubt
        response.version = self._store.in_force.version
        response.config = to_parameters(config)
        return response

    async def _on_update(
        self, request: UpdateConfig.Request, response: UpdateConfig.Response
    ) -> UpdateConfig.Response:
        try:
            values = self._table.check(from_parameters(request.changes))
        except ValueError as error:  # ConfigError is one
            response.message = str(error)
        else:
            response.accepted, response.message = await self._change(values, request)
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
        if request.to_version == in_force and not self._store.doubt:
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
            request,
            ConfigRollback(
                from_version=in_force,
                to_version=request.to_version,
                reason=request.reason,
                rolled_back_by=ConfigRollback.ROLLED_BACK_BY_OPERATOR,
            ),
        )

    # Changes.

    async def _change(
        self, values: dict[str, Any], request: Request, rollback: ConfigRollback | None = None
    ) -> tuple[bool, str]:
        """Apply values, as the given rollback or else as an update.

        Returns:
            Whether they are in force, and what was done or why not, for a person.

        """
        if self._changing:
            return False, f'{self._changing} is in progress; try again'
        if self._store.doubt and rollback is None:
            return False, self._store.doubt
        self._changing = f'a change by {request.source!r}'
        self._generation += 1
        try:
            return await self._change_alone(values, request, rollback)
        finally:
            self._changing = ''

    async def _change_alone(
        self, values: dict[str, Any], request: Request, rollback: ConfigRollback | None
    ) -> tuple[bool, str]:
        version = self._store.in_force.version
        stays = f'version {version} stays in force'
        before = self._configured()
        for name in values:
            remote = self._remotes[self._table.items[name].node]
            if name not in before:
                # Only a node with the version in force reports the former value.
                if remote.version != self._store.version_of(remote.name):
                    return False, (
                        f'{name}: its value is not known, {remote.name} has not reported it yet; '
                        f'{stays}, try again'
                    )
                initial = self._drift.initial(remote.name, name)
                before[name] = remote.values[name] if initial is None else initial
        # A stored value that is not allowed any more is replaced even if the node has the new one.
        stored = before | self._store.in_force.values
        changes = {name: value for name, value in values.items() if value != stored[name]}
        if not changes and rollback is None:
            # Another client of the node may have set a parameter meanwhile.
            reasons = await self._remotes.set(
                self._table.nodes(values), before | values, self._store.version_of, APPLY_TIMEOUT
            )
            return not reasons, '; '.join([*reasons, f'version {version} is in force already'])
        try:
            record = self._store.begin(
                changes,
                {name: before[name] for name in changes},
                self._table.nodes(changes),
                request.source,
            )
        except OSError as error:
            self.get_logger().error(f'the configuration cannot be stored: {error}')
            return False, f'cannot be stored ({error.strerror}); {stays}'
        reasons = await self._remotes.set(
            record.nodes, before | changes, lambda _: record.version, APPLY_TIMEOUT
        )
        if (late := late_by(request.deadline)) > 0.0:
            reasons.append(TOO_LATE.format(late))
        if not reasons:
            try:
                record = self._store.confirm(record)
            except OSError as error:
                reasons = [f'cannot be stored ({error.strerror})']
        if not reasons:
            self._publisher.changed(record, rollback, applied=True)
            return True, f'version {record.version} is in force'
        message = f'{"; ".join(reasons)}; {stays}'
        self.get_logger().error(
            f'the change to {record.version} by {request.source!r} failed: {message}'
        )
        try:
            record = self._store.fail(record)
        except OSError as error:
            self.get_logger().error(f'the failure of {record.version} cannot be stored: {error}')
        self._publisher.changed(record, rollback, applied=False)
        await self._undo(record)
        return False, message

    async def _undo(self, record: Record) -> None:
        """Restore the nodes of a failed record; silent nodes are restored later."""
        self._undoing.append(record)
        values = self._configured() | record.before
        await self._remotes.set(record.nodes, values, self._store.version_of, UNDO_TIMEOUT)
        self._look_at_undone()

    # Keeping the nodes at the version in force.

    def _check(self) -> None:
        """Request the parameters of every node; none is confirmed while there is a doubt."""
        if self._changing or self._store.doubt:
            return
        for remote in self._remotes.values():
            if (future := remote.read()) is not None:
                future.add_done_callback(partial(self._on_read, remote, self._generation))
        self._look_at_undone()

    def _on_read(self, remote: RemoteNode, generation: int, future: Future) -> None:
        if self._changing or generation != self._generation:
            return
        if not remote.update(result_of(future).values):
            self.get_logger().error(
                f'{remote.name} lacks some of the parameters that may be configured in it: '
                f'{", ".join(item.parameter for item in remote.items)}, {CONFIG_VERSION}; correct '
                'the items of config_node',
                throttle_duration_sec=60.0,
            )
            return
        version = self._store.version_of(remote.name)
        if remote.version == version:
            drift = self._drift.check(remote.name, remote.values, self._configured())
            if not drift.found:
                return
            if drift.is_new:
                self._publisher.drifted(remote.name, drift)
            values = drift.wanted
        else:
            # It was restarted and has the values of its files, or it has a change that failed.
            if not remote.version:
                self._drift.started(remote.name, remote.values)
            values = self._fit(self._store.restoring(remote.version or ''))
            self.get_logger().info(f'{remote.name} gets version {version}')
        setting = remote.set(values, version)
        if setting is not None:
            setting.add_done_callback(partial(self._on_kept, remote, version))

    def _on_kept(self, remote: RemoteNode, version: str, future: Future) -> None:
        result = result_of(future).result
        if not result.successful:
            self.get_logger().error(
                f'{remote.name} refuses version {version}: {result.reason}; update_config with '
                'other values',
                throttle_duration_sec=10.0,
            )

    def _look_at_undone(self) -> None:
        """Report that a failed change is reverted once every node has the version in force."""
        for record in self._undoing.copy():
            done = all(
                self._remotes[name].version == self._store.version_of(name)
                for name in record.nodes
                if name in self._remotes
            )
            if not done or not self._publisher.subscribed:
                continue
            self._undoing.remove(record)
            if record in self._store.interrupted:
                try:
                    record = self._store.fail(record)
                except OSError as error:
                    self.get_logger().error(
                        f'the failure of {record.version} cannot be stored: {error}'
                    )
                self._publisher.changed(record, None, applied=False)
            self._publisher.undone(record, self._store.in_force.version)


def main() -> None:
    """Run the node."""
    run(ConfigNode)


if __name__ == '__main__':
    main()

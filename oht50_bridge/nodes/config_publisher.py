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
"""Publishes what became of a change of the configuration."""

from __future__ import annotations

from rclpy.node import Node

from oht50_bridge.msg import ConfigChange
from oht50_bridge.msg import ConfigRollback
from oht50_bridge.msg import ConfigUpdated
from oht50_bridge.msg import SystemError as SystemErrorMessage
from oht50_bridge.nodes import topics
from oht50_bridge.nodes.stamps import header
from oht50_bridge.vehicle.config_drift import Drift
from oht50_bridge.vehicle.config_store import Record
from oht50_bridge.vehicle.config_table import describe
from oht50_bridge.vehicle.errors import CATALOGUE


class ConfigPublisher:
    """The events config.updated and config.rollback, and errors of the configuration.

    Args:
        node: publishes them.

    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._updated = topics.CONFIG_UPDATED.publisher(node)
        self._rollback = topics.CONFIG_ROLLBACK.publisher(node)
        self._error = topics.SYSTEM_ERROR.publisher(node)

    @property
    def subscribed(self) -> bool:
        """Whether anybody receives the rollbacks; after a start the bridge must first discover."""
        return self._node.count_subscribers(self._rollback.topic_name) > 0

    def undone(self, record: Record, in_force: str) -> None:
        """Publish that every node has the version in force again after a failed change."""
        self._rollback.publish(
            ConfigRollback(
                header=header(self._node),
                from_version=record.version,
                to_version=in_force,
                reason=ConfigRollback.REASON_SAFETY_CONCERN,
                rolled_back_by=ConfigRollback.ROLLED_BACK_BY_SYSTEM,
                status=ConfigRollback.STATUS_COMPLETED,
            )
        )

    def drifted(self, name: str, drift: Drift) -> None:
        """Publish that something else changed parameters of a node, which are put back."""
        error = CATALOGUE['APP-001']
        changes = ', '.join(
            f'{item} {describe(drift.wanted[item], value)}' for item, value in drift.found.items()
        )
        text = f'{name}: {changes} was not set by update_config and is put back'
        self._error.publish(
            SystemErrorMessage(
                header=header(self._node),
                error_code=error.code,
                error_name=error.name,
                severity=error.severity,
                description=text,
                affected_services=[name],
            )
        )
        self._node.get_logger().error(f'{error.code} {error.name}: {text}')

    def changed(self, record: Record, rollback: ConfigRollback | None, *, applied: bool) -> None:
        """Publish whether a change, or the rollback that it is, was applied."""
        if rollback is not None:
            rollback.header = header(self._node)
            rollback.status = (
                ConfigRollback.STATUS_COMPLETED if applied else ConfigRollback.STATUS_FAILED
            )
            self._rollback.publish(rollback)
            return
        self._updated.publish(
            ConfigUpdated(
                header=header(self._node),
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

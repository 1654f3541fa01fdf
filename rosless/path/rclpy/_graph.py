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

"""The ROS graph: which nodes exist, and which topics and services.

Each participant publishes its nodes, with the gids of their endpoints, on `ros_discovery_info`;
topics and types come from DDS discovery itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmw_dds_common.msg import Gid
from rmw_dds_common.msg import NodeEntitiesInfo
from rmw_dds_common.msg import ParticipantEntitiesInfo

from rclpy import _dds

if TYPE_CHECKING:
    from rclpy._node_entities import NodeEntities

HEADER = b'\0\1\0\0'
"""CDR encapsulation: XCDR1, little-endian."""
TOPIC_PREFIX = 'rt'
"""What DDS has before the name of a ROS topic."""

NamesAndTypes = list[tuple[str, list[str]]]


def ros_type(dds_type: str) -> str:
    """Turn `pkg::msg::dds_::Name_` into `pkg/msg/Name`."""
    parts = dds_type.split('::')
    if len(parts) == 4 and parts[2] == 'dds_' and parts[3].endswith('_'):
        return '/'.join((*parts[:2], parts[3][:-1]))
    return dds_type


class Graph:
    """One participant's view of the graph, and its own part of it."""

    def __init__(self, participant: int) -> None:
        self._gid = _dds.guid(participant)
        topic = _dds.create_topic(participant, 'ros_discovery_info', ParticipantEntitiesInfo)
        user_data = f'typehash={ParticipantEntitiesInfo._type_hash};'.encode()
        self._writer = _dds.create_writer(participant, topic, _dds.Qos(1, True, True, user_data))
        self._reader = _dds.create_reader(
            participant, topic, _dds.Qos(None, True, True, user_data)
        )
        self._participants, self._publications, self._subscriptions = (
            _dds.create_reader(participant, builtin)
            for builtin in (
                _dds.TOPIC_PARTICIPANT,
                _dds.TOPIC_PUBLICATION,
                _dds.TOPIC_SUBSCRIPTION,
            )
        )
        self._infos: dict[bytes, ParticipantEntitiesInfo] = {}

    def announce(self, nodes: list[NodeEntities]) -> None:
        """Publish our nodes to the domain."""

        def readers(node: NodeEntities) -> list[Gid]:
            groups = (node.subscriptions, node.services, node.clients)
            return [_gid(_dds.guid(entity._reader)) for group in groups for entity in group]

        def writers(node: NodeEntities) -> list[Gid]:
            groups = (node.publishers, node.services, node.clients)
            return [_gid(_dds.guid(entity._writer)) for group in groups for entity in group]

        info = ParticipantEntitiesInfo(
            gid=_gid(self._gid),
            node_entities_info_seq=[
                NodeEntitiesInfo(
                    node_namespace=node.get_namespace(),
                    node_name=node.get_name(),
                    reader_gid_seq=readers(node),
                    writer_gid_seq=writers(node),
                )
                for node in nodes
            ],
        )
        out = bytearray(HEADER)
        info._write(out)
        _dds.write(self._writer, out)

    def nodes(self) -> list[NodeEntitiesInfo]:
        """Return all nodes of the domain, ours too."""
        for data, _ in _dds.take(self._reader, 10000):
            info = ParticipantEntitiesInfo._read(data)
            self._infos[bytes(info.gid.data)] = info
        alive = _dds.read_participants(self._participants)
        self._infos = {gid: self._infos[gid] for gid in alive if gid in self._infos}
        return [
            node for gid in sorted(self._infos) for node in self._infos[gid].node_entities_info_seq
        ]

    def endpoints(self, *, writers: bool) -> list[_dds.Endpoint]:
        """Return all writers (or readers) of the domain."""
        return _dds.read_endpoints(self._publications if writers else self._subscriptions)

    def topics(self) -> NamesAndTypes:
        """Return (topic, types) in order."""
        found: dict[str, set[str]] = {}
        for endpoint in self.endpoints(writers=True) + self.endpoints(writers=False):
            if endpoint.topic.startswith(TOPIC_PREFIX + '/'):
                name = endpoint.topic.removeprefix(TOPIC_PREFIX)
                found.setdefault(name, set()).add(ros_type(endpoint.type_name))
        return [(name, sorted(types)) for name, types in sorted(found.items())]

    def count(self, topic: str, *, writers: bool) -> int:
        """Return how many writers (or readers) a topic has."""
        return sum(e.topic == TOPIC_PREFIX + topic for e in self.endpoints(writers=writers))


def _gid(guid: bytes) -> Gid:
    return Gid(data=list(guid))

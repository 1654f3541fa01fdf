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

Every participant tells its nodes, with the gids of their endpoints, on `ros_discovery_info`;
topics and types come from DDS discovery itself.
"""

from __future__ import annotations

from typing import Any

from rmw_dds_common.msg import Gid
from rmw_dds_common.msg import NodeEntitiesInfo
from rmw_dds_common.msg import ParticipantEntitiesInfo

from rclpy import _dds

HEADER = b'\0\1\0\0'
"""CDR encapsulation: XCDR1, little-endian."""
TOPIC = ('rt', '')
SERVICE = ('rq', 'Request')
"""Prefix and suffix of a name in DDS; of a service, the topic of its requests."""

NamesAndTypes = list[tuple[str, list[str]]]


def ros_type(dds_type: str) -> str:
    """Turn `pkg::msg::dds_::Name_` into `pkg/msg/Name`."""
    parts = dds_type.split('::')
    if len(parts) == 4 and parts[2] == 'dds_' and parts[3].endswith('_'):
        return '/'.join((*parts[:2], parts[3][:-1]))
    return dds_type


class Graph:
    """One participant's view of the graph, and what it tells others of itself."""

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

    def announce(self, nodes: list[Any]) -> None:
        """Tell the domain our nodes."""

        def gids(name: str, *groups: Any) -> list[Gid]:
            return [_gid(_dds.guid(getattr(entity, name))) for group in groups for entity in group]

        info = ParticipantEntitiesInfo(
            gid=_gid(self._gid),
            node_entities_info_seq=[
                NodeEntitiesInfo(
                    node_namespace=node.get_namespace(),
                    node_name=node.get_name(),
                    reader_gid_seq=gids(
                        '_reader', node.subscriptions, node.services, node.clients
                    ),
                    writer_gid_seq=gids('_writer', node.publishers, node.services, node.clients),
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
        both = self.endpoints(writers=True) + self.endpoints(writers=False)
        return _names_and_types(both, TOPIC)

    def services(self) -> NamesAndTypes:
        """Return (service, types) of all servers in order."""
        return _names_and_types(self.endpoints(writers=False), SERVICE)

    def by_node(
        self, name: str, namespace: str, kind: tuple[str, str], *, writers: bool
    ) -> NamesAndTypes:
        """Return (topic or service, types) of one node.

        Raises:
            LookupError: there is no such node.

        """
        found = [n for n in self.nodes() if (n.node_name, n.node_namespace) == (name, namespace)]
        if not found:
            raise LookupError(f'cannot find node {namespace.rstrip("/")}/{name} in the graph')
        gids = {
            bytes(g.data)
            for n in found
            for g in (n.writer_gid_seq if writers else n.reader_gid_seq)
        }
        return _names_and_types(
            [e for e in self.endpoints(writers=writers) if e.guid in gids], kind
        )

    def count(self, name: str, kind: tuple[str, str], *, writers: bool) -> int:
        """Return how many writers (or readers) a topic or service has."""
        return sum(e.topic == name.join(kind) for e in self.endpoints(writers=writers))


def _gid(guid: bytes) -> Gid:
    return Gid(data=list(guid))


def _names_and_types(endpoints: list[_dds.Endpoint], kind: tuple[str, str]) -> NamesAndTypes:
    prefix, suffix = kind
    found: dict[str, set[str]] = {}
    for endpoint in endpoints:
        if endpoint.topic.startswith(prefix + '/') and endpoint.topic.endswith(suffix):
            name = endpoint.topic[len(prefix) : len(endpoint.topic) - len(suffix)]
            type_name = ros_type(endpoint.type_name)
            found.setdefault(name, set()).add(
                type_name.removesuffix('_' + suffix) if suffix else type_name
            )
    return [(name, sorted(types)) for name, types in sorted(found.items())]

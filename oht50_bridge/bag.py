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
"""The metadata and message types of bags as rosbag2 writes them; it needs no ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from oht50_bridge.paths import interface_dir
from oht50_bridge.protocol.catalogue import EVENTS

PACKAGE = 'oht50_bridge'
METADATA = 'metadata.yaml'
INFINITE = {'sec': 9223372036, 'nsec': 854775807}  # rosbag2's value of an unlimited duration


class BagError(Exception):
    """A bag cannot be used; the message names the reason and the remedy."""


def event_topic(event: str) -> str:
    """Return the topic of an event, such as mission/started for mission.started."""
    return event.replace('.', '/')


def recorded_vehicle(bag: Path, wanted: str = '') -> str:
    """Return the namespace of the vehicle whose events a bag holds.

    Args:
        bag: folder of the bag.
        wanted: namespace of the vehicle; empty: the only vehicle of the bag.

    Raises:
        BagError: the folder is not a bag, or the bag holds no events of the vehicle, or those of
            several vehicles to choose from.

    """
    try:
        information = yaml.safe_load((bag / METADATA).read_text())
        recorded: list[tuple[str, str]] = [
            (entry['topic_metadata']['name'], entry['topic_metadata']['type'])
            for entry in information['rosbag2_bagfile_information']['topics_with_message_count']
        ]
    except OSError as error:
        raise BagError(
            f'{error.filename}: {error.strerror}; give the folder of a bag (`ros2 bag reindex` '
            'repairs one whose recording was interrupted)'
        ) from error
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise BagError(f'{bag / METADATA}: not metadata of rosbag2: {error!r}') from error
    suffixes = [f'/{event_topic(event)}' for event in EVENTS]
    vehicles = sorted(
        {
            name.removesuffix(suffix)
            for name, kind in recorded
            for suffix in suffixes
            if name.endswith(suffix) and kind.startswith(f'{PACKAGE}/msg/')
        }
    )
    if wanted:
        wanted = '/' + wanted.strip('/')
    if wanted in vehicles:
        return wanted
    if not wanted and len(vehicles) == 1:
        return str(vehicles[0])
    if not vehicles:
        raise BagError(f'{bag}: holds no events of a vehicle')
    raise BagError(
        f'{bag}: holds the events of {", ".join(vehicles)}; choose one of them by its namespace'
    )


def typestore() -> Any:
    """Return the definitions of all message types of a vehicle, for the library rosbags."""
    from rosbags.typesys import Stores
    from rosbags.typesys import get_types_from_msg
    from rosbags.typesys import get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    own: dict[str, Any] = {}
    for path in sorted(interface_dir().glob('*.msg')):
        own |= get_types_from_msg(path.read_text(), f'{PACKAGE}/msg/{path.stem}')
    store.register(own)
    return store

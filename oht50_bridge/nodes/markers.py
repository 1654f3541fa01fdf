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
"""What rviz shows: the rail with zones and stations, the target, and how the vehicle is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from dataclasses import field

from geometry_msgs.msg import Point
from geometry_msgs.msg import Pose
from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA
from std_msgs.msg import Header
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

from oht50_bridge.msg import SafetyZoneEntered
from oht50_bridge.msg import Zone

GREY = ColorRGBA(r=0.6, g=0.6, b=0.6, a=1.0)
WHITE = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
BLUE = ColorRGBA(r=0.3, g=0.6, b=1.0, a=1.0)
ORANGE = ColorRGBA(r=1.0, g=0.5, b=0.0, a=1.0)
RED = ColorRGBA(r=1.0, g=0.3, b=0.3, a=1.0)
ZONE_COLORS = {
    SafetyZoneEntered.TYPE_RESTRICTED: ColorRGBA(r=1.0, g=0.1, b=0.1, a=0.4),
    SafetyZoneEntered.TYPE_WARNING: ColorRGBA(r=1.0, g=0.8, b=0.0, a=0.4),
    SafetyZoneEntered.TYPE_SAFE: ColorRGBA(r=0.1, g=0.8, b=0.2, a=0.4),
}
RAIL_SIZE = 0.1  # m
ZONE_SIZE = 0.6  # m
STATION_SIZE = 0.25  # m
TEXT_SIZE = 0.25  # m
TEXT_SPACE = 0.07  # m, the width that rviz gives a space
# Where texts and arrow are above the rail, m: the vehicle passes through none of them, and a
# station within a zone can be read, as can the vehicle at its target.
STATION_TEXT_HEIGHT = 0.45
TARGET_HEIGHT = 0.65
TARGET_LENGTH = 0.5
ZONE_TEXT_HEIGHT = 1.3
STATUS_HEIGHT = -1.1


@dataclass
class Scene:
    """What there is to show; positions in m along the rail."""

    track_length: float
    stations: dict[str, float]
    base_frame: str  # of the vehicle
    zones: list[Zone] = field(default_factory=list)
    target: Point | None = None
    status: str = ''  # of the vehicle, for a person
    alarm: bool = False  # whether that is a bad one


def markers(header: Header, scene: Scene) -> MarkerArray:
    """Return the markers of a scene, in place of all earlier ones.

    Args:
        header: with the frame of the rail.
        scene: what there is to show.

    """
    shown = [
        Marker(action=Marker.DELETEALL),
        _box('rail', 0.0, scene.track_length, RAIL_SIZE, GREY),
    ]
    for zone in scene.zones:
        middle = (zone.start + zone.end) / 2.0
        color = ZONE_COLORS[zone.zone_type]
        shown.append(_box('zones', zone.start, zone.end, ZONE_SIZE, color))
        shown.append(
            _text('zones', _at(middle, ZONE_TEXT_HEIGHT), f'{zone.zone_id}: {zone.action}')
        )
    for name, x in scene.stations.items():
        shown.append(
            Marker(
                ns='stations',
                type=Marker.SPHERE,
                pose=_at(x),
                color=BLUE,
                scale=Vector3(x=STATION_SIZE, y=STATION_SIZE, z=STATION_SIZE),
            )
        )
        shown.append(_text('stations', _at(x, STATION_TEXT_HEIGHT), name))
    if scene.target is not None:
        x, y, z = scene.target.x, scene.target.y, scene.target.z + TARGET_HEIGHT
        shown.append(
            Marker(
                ns='target',
                type=Marker.ARROW,
                color=ORANGE,
                points=[Point(x=x, y=y, z=z + TARGET_LENGTH), Point(x=x, y=y, z=z)],
                scale=Vector3(x=RAIL_SIZE, y=2.5 * RAIL_SIZE, z=2.0 * RAIL_SIZE),
            )
        )
    # Numbered by namespace: rviz keeps the complaint about a marker until one of the same
    # namespace and number is well.
    numbers: Counter[str] = Counter()
    for marker in shown:
        marker.id = numbers[marker.ns]
        numbers[marker.ns] += 1
        marker.header = header
    if scene.status:
        text = _text(
            'vehicle', _at(0.0, STATUS_HEIGHT), scene.status, RED if scene.alarm else WHITE
        )
        text.header = Header(stamp=header.stamp, frame_id=scene.base_frame)
        text.frame_locked = True  # goes with the vehicle
        shown.append(text)
    return MarkerArray(markers=shown)


def _at(x: float, z: float = 0.0) -> Pose:
    return Pose(position=Point(x=x, y=0.0, z=z))


def _box(namespace: str, start: float, end: float, size: float, color: ColorRGBA) -> Marker:
    return Marker(
        ns=namespace,
        type=Marker.CUBE,
        pose=_at((start + end) / 2.0),
        color=color,
        scale=Vector3(x=end - start, y=size, z=size),
    )


def _text(namespace: str, pose: Pose, text: str, color: ColorRGBA = WHITE) -> Marker:
    return Marker(
        ns=namespace,
        type=Marker.TEXT_VIEW_FACING,
        pose=pose,
        color=color,
        scale=Vector3(x=TEXT_SPACE, y=0.0, z=TEXT_SIZE),
        text=text,
    )

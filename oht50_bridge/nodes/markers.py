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
"""What rviz shows of the rail: itself, zones, stations, the target of the mission."""

from __future__ import annotations

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
BLUE = ColorRGBA(r=0.2, g=0.4, b=1.0, a=1.0)
ZONE_COLORS = {
    SafetyZoneEntered.TYPE_RESTRICTED: ColorRGBA(r=1.0, g=0.1, b=0.1, a=0.4),
    SafetyZoneEntered.TYPE_WARNING: ColorRGBA(r=1.0, g=0.8, b=0.0, a=0.4),
    SafetyZoneEntered.TYPE_SAFE: ColorRGBA(r=0.1, g=0.8, b=0.2, a=0.4),
}
RAIL_SIZE = 0.1  # m
ZONE_SIZE = 0.6  # m
STATION_SIZE = 0.25  # m
TEXT_SIZE = 0.3  # m
TEXT_HEIGHT = 0.6  # m, above the rail
TARGET_LENGTH = 0.8  # m


@dataclass
class Scene:
    """What there is to show; positions in m along the rail."""

    track_length: float
    stations: dict[str, float]
    zones: list[Zone] = field(default_factory=list)
    target: Point | None = None


def markers(header: Header, scene: Scene) -> MarkerArray:
    """Return the markers of a scene, in place of all earlier ones."""
    shown = [
        Marker(action=Marker.DELETEALL),
        _box('rail', 0.0, scene.track_length, RAIL_SIZE, GREY)]
    for zone in scene.zones:
        middle = (zone.start + zone.end) / 2.0
        color = ZONE_COLORS[zone.zone_type]
        shown.append(_box('zones', zone.start, zone.end, ZONE_SIZE, color))
        shown.append(_text('zones', middle, f'{zone.zone_id}: {zone.action}'))
    for name, x in scene.stations.items():
        shown.append(Marker(
            ns='stations', type=Marker.SPHERE, pose=_at(x), color=BLUE,
            scale=Vector3(x=STATION_SIZE, y=STATION_SIZE, z=STATION_SIZE)))
        shown.append(_text('stations', x, name))
    if scene.target is not None:
        top = Point(x=scene.target.x, y=scene.target.y, z=scene.target.z + TARGET_LENGTH)
        shown.append(Marker(
            ns='target', type=Marker.ARROW, points=[top, scene.target], color=BLUE,
            scale=Vector3(x=RAIL_SIZE, y=2.0 * RAIL_SIZE, z=0.0)))
    for number, marker in enumerate(shown):
        marker.id = number
        marker.header = header
    return MarkerArray(markers=shown)


def _at(x: float, z: float = 0.0) -> Pose:
    return Pose(position=Point(x=x, y=0.0, z=z))


def _box(namespace: str, start: float, end: float, size: float, color: ColorRGBA) -> Marker:
    return Marker(
        ns=namespace, type=Marker.CUBE, pose=_at((start + end) / 2.0), color=color,
        scale=Vector3(x=end - start, y=size, z=size))


def _text(namespace: str, x: float, text: str) -> Marker:
    return Marker(
        ns=namespace, type=Marker.TEXT_VIEW_FACING, pose=_at(x, TEXT_HEIGHT), color=WHITE,
        scale=Vector3(x=0.0, y=0.0, z=TEXT_SIZE), text=text)

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

"""Quality of service, with rclpy's names."""

from __future__ import annotations

import warnings
from enum import IntEnum
from typing import Any

from rclpy import _dds
from rclpy.duration import Duration
from rclpy.duration import Infinite


class InvalidQoSProfileException(Exception):
    """Raised when constructing a QoSProfile with invalid arguments."""

    def __init__(self, *args: Any) -> None:
        super().__init__('Invalid QoSProfile', *args)


class QoSPolicyEnum(IntEnum):
    """Base for QoS Policy enumerations."""

    @classmethod
    def short_keys(cls) -> list[str]:
        """Return a list of shortened typing-friendly enum values."""
        return [key.lower() for key in cls.__members__]

    @classmethod
    def get_from_short_key(cls, name: str) -> int:
        """Retrieve a policy type from a short name, case-insensitive."""
        return cls[name.upper()].value

    @property
    def short_key(self) -> str:
        """Return the name in lower case."""
        return self.name.lower()


class HistoryPolicy(QoSPolicyEnum):
    """Enum for QoS History settings, as in rmw/types.h."""

    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2
    UNKNOWN = 3


class ReliabilityPolicy(QoSPolicyEnum):
    """Enum for QoS Reliability settings, as in rmw/types.h."""

    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class DurabilityPolicy(QoSPolicyEnum):
    """Enum for QoS Durability settings, as in rmw/types.h."""

    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class LivelinessPolicy(QoSPolicyEnum):
    """Enum for QoS Liveliness settings, as in rmw/types.h."""

    SYSTEM_DEFAULT = 0
    AUTOMATIC = 1
    MANUAL_BY_TOPIC = 3
    UNKNOWN = 4
    BEST_AVAILABLE = 5


QoSHistoryPolicy = HistoryPolicy
QoSReliabilityPolicy = ReliabilityPolicy
QoSDurabilityPolicy = DurabilityPolicy
QoSLivelinessPolicy = LivelinessPolicy


class QoSProfile:
    """
    Define Quality of Service policies.

    A duration of zero is "unspecified", as in rmw.
    """

    __slots__ = [
        '_avoid_ros_namespace_conventions',
        '_deadline',
        '_depth',
        '_durability',
        '_history',
        '_lifespan',
        '_liveliness',
        '_liveliness_lease_duration',
        '_reliability',
    ]

    def __init__(self, **kwargs: Any) -> None:
        if not all('_' + key in self.__slots__ for key in kwargs):
            raise AssertionError(f'Invalid arguments passed to constructor: {kwargs.keys()!r}')
        if 'history' not in kwargs:
            if 'depth' not in kwargs:
                raise InvalidQoSProfileException('History and/or depth settings are required.')
            kwargs['history'] = HistoryPolicy.KEEP_LAST
        if kwargs['history'] == HistoryPolicy.KEEP_LAST and 'depth' not in kwargs:
            raise InvalidQoSProfileException('History set to KEEP_LAST without a depth setting.')
        self.history = kwargs['history']
        self.depth = kwargs.get('depth', 10)
        self.reliability = kwargs.get('reliability', ReliabilityPolicy.RELIABLE)
        self.durability = kwargs.get('durability', DurabilityPolicy.VOLATILE)
        self.lifespan = kwargs.get('lifespan', Duration())
        self.deadline = kwargs.get('deadline', Duration())
        self.liveliness = kwargs.get('liveliness', LivelinessPolicy.SYSTEM_DEFAULT)
        self.liveliness_lease_duration = kwargs.get('liveliness_lease_duration', Duration())
        self.avoid_ros_namespace_conventions = kwargs.get('avoid_ros_namespace_conventions',
                                                          False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QoSProfile) and all(
            getattr(self, slot) == getattr(other, slot) for slot in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        fields = ', '.join(f'{slot[1:]}={getattr(self, slot)}' for slot in self.__slots__)
        return f'{type(self).__name__}({fields})'

    def _to_dds(self, user_data: bytes) -> _dds.Qos:
        """Translate to DDS as rmw_cyclonedds does."""
        best_available = (self.reliability, self.durability, self.liveliness)
        if any(getattr(value, 'name', '') in ('UNKNOWN', 'BEST_AVAILABLE')
               for value in best_available):
            raise NotImplementedError(
                'rosless: QoS policies BEST_AVAILABLE and UNKNOWN are not supported; name the '
                'policy, or install ROS 2')

        def nanoseconds(duration: Duration) -> int | None:
            return duration.nanoseconds or None

        keep_all = self.history == HistoryPolicy.KEEP_ALL
        return _dds.Qos(
            depth=None if keep_all else max(self.depth, 1),
            reliable=self.reliability != ReliabilityPolicy.BEST_EFFORT,
            transient_local=self.durability == DurabilityPolicy.TRANSIENT_LOCAL,
            user_data=user_data,
            lifespan=nanoseconds(self.lifespan), deadline=nanoseconds(self.deadline),
            manual_liveliness=self.liveliness == LivelinessPolicy.MANUAL_BY_TOPIC,
            lease=nanoseconds(self.liveliness_lease_duration))


def _policy(name: str, kind: Any) -> property:
    def fset(self: QoSProfile, value: Any) -> None:
        if not isinstance(value, int):
            raise AssertionError(f'QoS {name} must be a {kind.__name__}; got {value!r}')
        setattr(self, '_' + name, kind(value))
    return property(lambda self: getattr(self, '_' + name), fset)


def _value(name: str, kind: type) -> property:
    def fset(self: QoSProfile, value: Any) -> None:
        if not isinstance(value, kind):
            raise AssertionError(f'QoS {name} must be a {kind.__name__}; got {value!r}')
        if name == 'depth' and value == 0 and self.history == HistoryPolicy.KEEP_LAST:
            warnings.warn("A zero depth with KEEP_LAST doesn't make sense; no data could be "
                          'stored. This will be interpreted as SYSTEM_DEFAULT', stacklevel=2)
        setattr(self, '_' + name, value)
    return property(lambda self: getattr(self, '_' + name), fset)


for _name, _kind in (('history', HistoryPolicy), ('reliability', ReliabilityPolicy),
                     ('durability', DurabilityPolicy), ('liveliness', LivelinessPolicy)):
    setattr(QoSProfile, _name, _policy(_name, _kind))
for _name, _type in (('depth', int), ('lifespan', Duration), ('deadline', Duration),
                     ('liveliness_lease_duration', Duration),
                     ('avoid_ros_namespace_conventions', bool)):
    setattr(QoSProfile, _name, _value(_name, _type))

qos_profile_default = QoSProfile(depth=10)
qos_profile_system_default = QoSProfile(
    history=HistoryPolicy.SYSTEM_DEFAULT, depth=0, reliability=ReliabilityPolicy.SYSTEM_DEFAULT,
    durability=DurabilityPolicy.SYSTEM_DEFAULT)
qos_profile_sensor_data = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_services_default = QoSProfile(depth=10)
qos_profile_parameters = QoSProfile(depth=1000)
qos_profile_parameter_events = QoSProfile(depth=1000)
qos_profile_rosout_default = QoSProfile(
    depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10))

__all__ = [name for name in globals() if name.startswith('qos_profile_')] + [
    'DurabilityPolicy', 'HistoryPolicy', 'Infinite', 'InvalidQoSProfileException',
    'LivelinessPolicy', 'QoSDurabilityPolicy', 'QoSHistoryPolicy', 'QoSLivelinessPolicy',
    'QoSPolicyEnum', 'QoSProfile', 'QoSReliabilityPolicy', 'ReliabilityPolicy']

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

from enum import IntEnum
from typing import Any
from typing import ClassVar

from rclpy import _dds
from rclpy._outside import outside
from rclpy._outside import refuse
from rclpy.duration import Duration


class InvalidQoSProfileException(Exception):
    """Raised when constructing a QoSProfile with invalid arguments."""


class QoSPolicyEnum(IntEnum):
    """Base of the policies."""

    @property
    def short_key(self) -> str:
        """Get the name that command line tools accept."""
        return self.name.lower()


class HistoryPolicy(QoSPolicyEnum):
    """Enum for QoS History settings, as in rmw/types.h."""

    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2


class ReliabilityPolicy(QoSPolicyEnum):
    """Enum for QoS Reliability settings, as in rmw/types.h."""

    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2


class DurabilityPolicy(QoSPolicyEnum):
    """Enum for QoS Durability settings, as in rmw/types.h."""

    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2


QoSHistoryPolicy = HistoryPolicy
QoSReliabilityPolicy = ReliabilityPolicy
QoSDurabilityPolicy = DurabilityPolicy
__getattr__ = refuse(
    __name__,
    'LivelinessPolicy',
    'QoSLivelinessPolicy',
    'qos_check_compatible',
    'qos_profile_system_default',
)


class QoSProfile:
    """Define Quality of Service policies, which are attributes too.

    A duration of zero is "unspecified", as in rmw.
    """

    _POLICIES: ClassVar[dict[str, Any]] = {
        'history': HistoryPolicy.KEEP_LAST,
        'depth': 10,
        'reliability': ReliabilityPolicy.RELIABLE,
        'durability': DurabilityPolicy.VOLATILE,
        'lifespan': Duration(),
        'deadline': Duration(),
    }
    """Name to default value."""
    history: HistoryPolicy
    depth: int
    reliability: ReliabilityPolicy
    durability: DurabilityPolicy
    lifespan: Duration
    deadline: Duration

    def __init__(self, **policies: Any) -> None:
        if 'depth' not in policies and policies.get('history') in (None, HistoryPolicy.KEEP_LAST):
            raise InvalidQoSProfileException(
                'Invalid QoSProfile: give a depth, or a history other than KEEP_LAST.'
            )
        for name, value in {**self._POLICIES, **policies}.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._POLICIES:
            outside(f'QoSProfile.{name}')
        kind = type(self._POLICIES[name])
        if not isinstance(value, int if issubclass(kind, int) else kind):
            raise AssertionError(f'QoS {name} must be a {kind.__name__}; got {value!r}')
        super().__setattr__(name, kind(value) if issubclass(kind, int) else value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QoSProfile) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f'QoSProfile({", ".join(f"{k}={v!r}" for k, v in vars(self).items())})'

    def _to_dds(self, user_data: str) -> _dds.Qos:
        """Translate to DDS as rmw_cyclonedds does."""
        return _dds.Qos(
            depth=None if self.history == HistoryPolicy.KEEP_ALL else max(self.depth, 1),
            reliable=self.reliability != ReliabilityPolicy.BEST_EFFORT,
            transient_local=self.durability == DurabilityPolicy.TRANSIENT_LOCAL,
            user_data=user_data.encode(),
            lifespan=self.lifespan.nanoseconds,
            deadline=self.deadline.nanoseconds,
        )


qos_profile_sensor_data = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_services_default = QoSProfile(depth=10)
qos_profile_parameters = qos_profile_parameter_events = QoSProfile(depth=1000)
qos_profile_rosout_default = QoSProfile(
    depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10)
)

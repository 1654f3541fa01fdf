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
"""The calls into Cyclone DDS, and nothing of ROS.

Entities are the C library's integer handles. All calls go through ctypes, which releases the GIL,
except for `take`: the wheel's own write keeps the GIL, so that one frozen peer would freeze the
process. There are no listeners: they call into Python from Cyclone's threads, and deadlock with
writers that block.

The calls marked "private" are no public interface of the `cyclonedds` wheel, whose version is
therefore pinned; test/rosless/test_guards.py fails when one of them changes.
"""

from rclpy._dds.cyclone import Error
from rclpy._dds.discovery import TOPIC_PARTICIPANT
from rclpy._dds.discovery import TOPIC_PUBLICATION
from rclpy._dds.discovery import TOPIC_SUBSCRIPTION
from rclpy._dds.discovery import Endpoint
from rclpy._dds.discovery import matched
from rclpy._dds.discovery import matched_user_data
from rclpy._dds.discovery import read_endpoints
from rclpy._dds.discovery import read_participants
from rclpy._dds.entities import create_domain
from rclpy._dds.entities import create_participant
from rclpy._dds.entities import create_read_condition
from rclpy._dds.entities import create_reader
from rclpy._dds.entities import create_writer
from rclpy._dds.entities import delete
from rclpy._dds.entities import guid
from rclpy._dds.entities import instance_handle
from rclpy._dds.entities import take
from rclpy._dds.entities import write
from rclpy._dds.qos import Qos
from rclpy._dds.topics import create_topic
from rclpy._dds.wait_set import GuardCondition
from rclpy._dds.wait_set import WaitSet

__all__ = [
    'TOPIC_PARTICIPANT',
    'TOPIC_PUBLICATION',
    'TOPIC_SUBSCRIPTION',
    'Endpoint',
    'Error',
    'GuardCondition',
    'Qos',
    'WaitSet',
    'create_domain',
    'create_participant',
    'create_read_condition',
    'create_reader',
    'create_topic',
    'create_writer',
    'delete',
    'guid',
    'instance_handle',
    'matched',
    'matched_user_data',
    'read_endpoints',
    'read_participants',
    'take',
    'write',
]

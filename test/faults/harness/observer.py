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
"""A node that prints what it receives of the topics that permit motion, a JSON list a line.

Each is [moment of its stamp, moment of receipt, topic, fields], by CLOCK_MONOTONIC in s: the
observer may have to wait for the processor, the stamp says when the message was sent.
"""

import contextlib
import json
import sys
import time
from dataclasses import replace

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile

from oht50_bridge.nodes import topics

KEPT = 1000  # messages that wait
OLDEST = 30.0  # s; a stamp that is older, or to come, is of another date
FIELDS = {
    'DRIVE_COMMAND': ('velocity',),
    'SAFETY_HEARTBEAT': ('motion_permitted', 'speed_limit_forward', 'speed_limit_backward'),
    'ESTOP_STATE': ('latched', 'estop_id', 'counter', 'vehicle'),
    'POSITION': ('state', 'position', 'age'),
    'MISSION_STARTED': ('mission_id',),
    'CONFIG_UPDATED': ('version', 'changes'),
}


def moment(stamp):
    """Return when a stamp was, by CLOCK_MONOTONIC; the present where it cannot be."""
    age = time.time() - stamp.sec - stamp.nanosec * 1e-9
    now = time.monotonic()
    return now - age if 0.0 <= age < OLDEST else now


def main():
    rclpy.init()
    node = rclpy.create_node('fault_observer')

    def record(topic, names):
        def write(message):
            values = {name: getattr(message, name) for name in names}
            fields = {
                name: value if isinstance(value, (bool, int, float, str)) else str(value)
                for name, value in values.items()
            }
            # That of the state of the latch is of its last change, however long ago.
            sent = time.monotonic() if topic == 'ESTOP_STATE' else moment(message.header.stamp)
            line = [sent, time.monotonic(), topic, fields]
            sys.stdout.write(json.dumps(line) + '\n')
            sys.stdout.flush()

        return write

    for topic, names in FIELDS.items():
        own = getattr(topics, topic)
        # An observer that waits for the processor must not miss what it has no time for.
        qos = QoSProfile(
            depth=KEPT, reliability=own.qos.reliability, durability=own.qos.durability
        )
        replace(own, qos=qos).subscribe(node, record(topic, names))
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException, BrokenPipeError):
        rclpy.spin(node)


if __name__ == '__main__':
    main()

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
"""A node whose parameters are configured; it writes what it took to the file OUTPUT."""

import contextlib
import json
import sys
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException

from oht50_bridge.nodes.parameters import configurable
from oht50_bridge.nodes.parameters import declare

HIGHEST_WITHOUT_NAMES = 1.0


def main():
    output = Path(sys.argv[1])
    rclpy.init()
    node = rclpy.create_node('configured_node')
    taken = {
        'speed': declare(node, 'speed', 0.5, 'Speed, m/s', read_only=False),
        'names': declare(node, 'names', ['a'], 'Names', read_only=False),
    }

    def write():
        new = output.with_suffix('.new')
        new.write_text(json.dumps(taken))
        new.replace(output)

    def take(values):
        wanted = {**taken, **values}
        if wanted['speed'] > HIGHEST_WITHOUT_NAMES and not wanted['names']:
            raise ValueError('speed: above 1.0 only with names')
        taken.update(wanted)
        write()

    configurable(node, take)
    write()
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == '__main__':
    main()

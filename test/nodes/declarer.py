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
"""A node whose parameters have values, without ROS."""

from oht50_bridge.nodes.errors import StartError


class Declarer:
    """Has values, takes the defaults of others, and keeps what was declared and refused.

    Args:
        node: its name.
        raises: whether what is refused is an error.
        values: of parameters, by their names.

    """

    def __init__(self, node='some_node', *, raises=True, **values):
        self.node = node
        self.values = values
        self.raises = raises
        self.declared = []
        self.refused = []

    def declare(self, name, default, setting):
        self.declared.append((name, default, setting.description))
        return self.values.get(name, default)

    def refuse(self, error):
        self.refused.append(str(error))
        if self.raises:
            raise StartError(str(error))

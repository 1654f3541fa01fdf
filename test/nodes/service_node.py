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
"""What a class that offers services uses of its node, without ROS."""


class ServiceNode:
    """Keeps services and subscriptions that are created, by name, and the logged warnings."""

    def __init__(self):
        self.services, self.subscriptions, self.logged = {}, {}, []

    def create_service(self, service, name, callback):
        self.services[name] = callback

    def create_subscription(self, kind, name, callback, qos, raw=False):
        self.subscriptions[name] = callback

    def get_logger(self):
        return self

    def warning(self, text):
        self.logged.append(text)

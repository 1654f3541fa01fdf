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
"""The table of topics."""

from oht50_bridge.nodes import topics
from oht50_bridge.protocol.catalogue import EVENTS


def test_every_event_has_a_topic_of_its_name():
    assert topics.EVENT_TOPICS.keys() == EVENTS.keys()
    for name, topic in topics.EVENT_TOPICS.items():
        assert topic.name == name.replace('.', '/')
        assert topic in topics.ALL


def test_the_quality_of_service_follows_the_class_of_the_event():
    for name, topic in topics.EVENT_TOPICS.items():
        if EVENTS[name].is_state:
            assert topic.qos == topics.STATE
        elif EVENTS[name].latched:
            assert topic.qos == topics.LATCHED_EVENT
        else:
            assert topic.qos == topics.EVENT


def test_names_are_unique():
    names = [topic.name for topic in topics.ALL]
    assert len(set(names)) == len(names)

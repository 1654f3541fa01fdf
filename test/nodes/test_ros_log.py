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
"""What knows nothing of ROS logs in the log of a node."""

import logging

import pytest
from rclpy.node import Node

from oht50_bridge.nodes.ros_log import RosLog
from oht50_bridge.nodes.ros_log import log_to


@pytest.fixture
def log(ros, monkeypatch):
    """Return the logger of a module whose records a node logs."""
    monkeypatch.setattr(logging.getLogger(), 'handlers', [])
    monkeypatch.setattr(logging.getLogger('oht50_bridge'), 'level', logging.NOTSET)
    graph = ros.graph(lambda: Node('some_node'))
    log_to(graph.node.get_logger())
    return logging.getLogger('oht50_bridge.hardware.bus')


def test_a_record_has_its_severity_and_the_name_of_the_node(log, capfd):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.CRITICAL):
        log.log(level, 'line %s', f'level {level}')
    written = capfd.readouterr().err.splitlines()
    found = [(line.split()[0], line.partition('some_node]: ')[2]) for line in written]
    assert found == [
        ('[INFO]', 'line level 20'),
        ('[WARN]', 'line level 30'),
        ('[ERROR]', 'line level 50'),
    ]


def test_text_from_outside_passes_for_no_other_record(log, capfd):
    log.error('board says %r and %s', 'a', 'b\n[WARN] [1] [safety_node]: c\x1b')
    lines = capfd.readouterr().err.splitlines()
    assert lines[1].startswith('    ')
    assert '\x1b' not in ''.join(lines)


def test_a_logger_that_fails_ends_nothing(capfd):
    class Broken:
        def error(self, text):
            raise RuntimeError('no context')

    RosLog(Broken()).handle(logging.makeLogRecord({'levelno': logging.ERROR, 'msg': 'text'}))
    assert 'no context' in capfd.readouterr().err


def test_of_a_message_that_finds_no_memory_one_line_remains(capfd):
    class Starved:
        def error(self, text):
            bytearray(1 << 60)

    RosLog(Starved()).handle(logging.makeLogRecord({'levelno': logging.ERROR, 'msg': 'text'}))
    assert capfd.readouterr().err == 'no memory is left: a message of the log is lost\n'

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

"""Loggers, levels, filters, /rosout."""

from __future__ import annotations

import re

import pytest
import rclpy
from contract import rosless_only
from rcl_interfaces.msg import Log
from rclpy.logging import get_logger
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile

ROSOUT = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def test_format_and_levels_on_stderr(process):
    child = process("""
rclpy.init()
logger = rclpy.create_node('node', namespace='/ns').get_logger()
logger.debug('a debug')
logger.info('a info')
logger.warning('a warning')
logger.error('a error')
logger.fatal('a fatal')
rclpy.shutdown()
""")
    status, out, err = child.wait()
    assert (status, out) == (0, '')
    lines = [
        re.fullmatch(r'\[(\w+)\] \[\d+\.\d{9}\] \[ns\.node\]: a (\w+)', line).groups()
        for line in re.sub('\x1b\\[[0-9;]*m', '', err).splitlines()
    ]
    assert lines == [('INFO', 'info'), ('WARN', 'warning'), ('ERROR', 'error'), ('FATAL', 'fatal')]


@rosless_only  # rclpy writes what it is given
def test_a_message_controls_no_terminal_and_forges_no_other(process):
    child = process("""
rclpy.init()
logger = rclpy.create_node('node').get_logger()
logger.error('a\\r\\n[WARN] [0.0] [boss]: b\\x1b]52;c;eA==\\x07 \\x9b2J \\u202e \\udcf6')
rclpy.shutdown()
""")
    status, _, err = child.wait()
    first, second = err.splitlines()
    assert status == 0 and first.endswith('a\\x0d')
    assert second == '    [WARN] [0.0] [boss]: b\\x1b]52;c;eA==\\x07 \\x9b2J \\u202e \\udcf6'


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['--log-level', 'error'], ['E']),
        (['--log-level', 'debug'], ['D', 'I', 'E']),
        (['--log-level', 'node:=debug', '--log-level', 'fatal'], ['D', 'I', 'E']),
    ],
)
def test_log_level_of_the_command_line(process, arguments, expected):
    child = process(
        """
rclpy.init()
logger = rclpy.create_node('node').get_logger()
logger.debug('>D')
logger.info('>I')
logger.error('>E')
rclpy.shutdown()
""",
        '--ros-args',
        *arguments,
    )
    _, _, err = child.wait()
    assert re.findall(r'\[node\]: >(\w)', err) == expected


def test_filters(capfd):
    logger = get_logger('filters')
    results = {'once': [], 'throttle': [], 'skip': [], 'plain': []}
    for _ in range(3):
        results['once'].append(logger.info('a', once=True))
        results['throttle'].append(logger.info('b', throttle_duration_sec=60.0))
        results['skip'].append(logger.info('c', skip_first=True))
        results['plain'].append(logger.info('d'))
    assert results == {
        'once': [True, False, False],
        'throttle': [True, False, False],
        'skip': [False, True, True],
        'plain': [True, True, True],
    }
    with pytest.raises(TypeError, match='nonsense'):
        logger.info('e', nonsense=True)


def test_a_line_keeps_its_severity():
    logger = get_logger('severity')
    with pytest.raises(ValueError, match='severity'):
        for log in (logger.info, logger.error):
            log('a')


def test_levels_are_inherited():
    parent = get_logger('family')
    child = get_logger('family.child')
    parent.set_level(rclpy.logging.LoggingSeverity.ERROR)
    assert child.get_effective_level() == rclpy.logging.LoggingSeverity.ERROR
    assert not child.is_enabled_for(rclpy.logging.LoggingSeverity.WARN)
    assert child.info('no') is False
    child.set_level(rclpy.logging.LoggingSeverity.DEBUG)
    assert child.is_enabled_for(rclpy.logging.LoggingSeverity.DEBUG)


def test_rosout(spinner):
    messages = []
    spinner.node('observer').create_subscription(Log, '/rosout', messages.append, ROSOUT)
    node = spinner.node('talker', namespace='/ns')
    node.get_logger().warning('watch out')
    spinner.until(lambda: any(m.msg == 'watch out' for m in messages))
    (message,) = [m for m in messages if m.msg == 'watch out']
    assert (message.name, message.level) == ('ns.talker', 30)
    assert message.function == 'test_rosout'
    assert message.file.endswith('test_logging.py') and message.line > 0
    assert message.stamp.sec > 0


def test_rosout_can_be_left_out(spinner):
    spinner.node('quiet', enable_rosout=False)
    node = spinner.node('observer', enable_rosout=False)
    assert node.count_publishers('/rosout') == 0

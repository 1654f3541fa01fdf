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
"""Signals as in a terminal, messages that check their fields, and patience with a busy machine."""

import os
import signal

from hypothesis import HealthCheck
from hypothesis import settings

pytest_plugins = ['host_watch', 'processes']

# A shell without job control starts background commands with SIGINT ignored, and children inherit
# that; tests that press Ctrl-C need it as it is in a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)

# rclpy checks fields only on request, and looks for it when the first message is imported; rosless
# always does.
os.environ['ROS_PYTHON_CHECK_FIELDS'] = '1'

# How long an example takes is the affair of the machine, which may be busy.
settings.register_profile('busy', deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile('busy')

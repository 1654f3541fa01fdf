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
"""The log of what knows nothing of ROS, in the log of the node that it serves."""

from __future__ import annotations

import contextlib
import logging
import os

from rclpy.impl.rcutils_logger import RcutilsLogger

from oht50_bridge.text import OneMessageFormatter

PACKAGE = 'oht50_bridge'
LOST = b'no memory is left: a message of the log is lost\n'


class RosLog(logging.Handler):
    """Passes records of Python's `logging` to the logger of a node.

    Args:
        logger: of the node.

    """

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger
        self.setFormatter(OneMessageFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record with its severity."""
        try:
            text = self.format(record)
            # rclpy keeps the severity of each line of code that logs, and refuses another one.
            if record.levelno >= logging.ERROR:
                self._logger.error(text)
            elif record.levelno >= logging.WARNING:
                self._logger.warning(text)
            else:
                self._logger.info(text)
        except MemoryError:
            # Neither a traceback nor a new text: both need memory.
            with contextlib.suppress(OSError):
                os.write(2, LOST)
        except Exception:
            self.handleError(record)  # which tells it on stderr, and ends nothing


def log_to(logger: RcutilsLogger) -> None:
    """Let what this process logs be the log of a node: with its name, on /rosout.

    Of this package from INFO on, of the libraries from WARNING on.
    """
    logging.getLogger().addHandler(RosLog(logger))
    logging.getLogger(PACKAGE).setLevel(logging.INFO)

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
"""Errors of the hardware layer and their codes: the one place that defines MOD-*."""

from __future__ import annotations


class HardwareConfigError(ValueError):
    """The configuration or a profile is wrong; the message names field and remedy."""


class ModuleError(Exception):
    """A module could not be used.

    Attributes:
        code: MOD-* code of module.status_change events.
        description: short text that belongs to the code.
    """

    code = ''
    description = ''

    def __init__(self, detail: str = '') -> None:
        super().__init__(f'{self.description}: {detail}' if detail else self.description)


class CommunicationTimeoutError(ModuleError):
    """No reply in time."""

    code = 'MOD-001'
    description = 'Communication timeout'


class FrameError(ModuleError):
    """A reply with a wrong checksum or framing, or one that belongs to another request."""

    code = 'MOD-002'
    description = 'CRC error'


class ExceptionReplyError(ModuleError):
    """The board answered with a Modbus exception."""

    code = 'MOD-003'
    description = 'Modbus exception'


class LayoutError(ModuleError):
    """The board is not the one its profile describes, or does not keep what is written."""

    code = 'MOD-004'
    description = 'Register layout not confirmed'


class PartError(ModuleError):
    """A part of the work with a board fails while others succeed; it has the code of the cause."""

    def __init__(self, part: str, cause: ModuleError) -> None:
        super().__init__()
        self.args = (f'{part} fails: {cause}',)
        self.code = cause.code


class PortLostError(ModuleError):
    """The serial port is gone; it is opened again and again."""

    code = 'MOD-005'
    description = 'Serial port lost'


class DriverFaultError(ModuleError):
    """An exception in a driver: a defect of this software, not of the board."""

    code = 'MOD-006'
    description = 'Driver fault'


class DriveFaultError(ModuleError):
    """The motor board restarted, changed its registers by itself, or reports a fault."""

    code = 'MOD-007'
    description = 'Drive fault'


class RequestAbandonedError(Exception):
    """A request was given up unsent: the line closes or the request is no longer valid."""

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
"""Errors of modules and what they say."""

from oht50_bridge.hardware.errors import CommunicationTimeoutError
from oht50_bridge.hardware.errors import ExceptionReplyError
from oht50_bridge.hardware.errors import PartError


def test_an_error_says_what_it_is_and_its_detail():
    assert str(CommunicationTimeoutError('no reply')) == 'Communication timeout: no reply'
    assert str(CommunicationTimeoutError()) == 'Communication timeout'


def test_a_part_that_fails_has_the_code_of_its_cause():
    error = PartError('block pack', ExceptionReplyError('exception 2'))
    assert error.code == ExceptionReplyError.code
    assert str(error) == 'block pack fails: Modbus exception: exception 2'

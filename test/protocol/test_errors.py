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
from oht50_bridge.protocol.errors import ErrorCode


def test_codes_and_close_codes():
    assert [(error.code, error.close) for error in ErrorCode] == [
        ('WS-001', 4401),
        ('WS-002', None),
        ('WS-003', None),
        ('WS-004', None),
        ('WS-005', 1009),
        ('WS-006', None),
        ('WS-007', 1013),
        ('WS-008', None),
        ('WS-009', None),
        ('WS-010', 4503),
    ]

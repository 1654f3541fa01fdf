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
from oht50_bridge.client.errors import BridgeError
from oht50_bridge.client.errors import LostAfterSendingError
from oht50_bridge.client.errors import NoReplyError
from oht50_bridge.client.errors import NotSent

ERROR = {'error_code': 'WS-009', 'error_name': 'Command Failed', 'description': 'why'}


def test_an_error_of_the_bridge_has_its_code():
    error = BridgeError({**ERROR, 'temporary': True})
    assert (str(error), error.code) == ('WS-009 Command Failed: why', 'WS-009')
    assert error.temporary and not BridgeError(ERROR).temporary


def test_each_error_says_what_became_of_the_order():
    outcomes = [
        each.outcome for each in (BridgeError, NotSent, NoReplyError, LostAfterSendingError)
    ]
    assert outcomes == ['refused', 'not_sent', 'unknown', 'unknown']
    assert issubclass(NoReplyError, TimeoutError) and issubclass(NotSent, OSError)

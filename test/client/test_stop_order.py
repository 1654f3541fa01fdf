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
import pytest

from oht50_bridge.client.errors import BridgeError
from oht50_bridge.client.stop_order import StopOrder


def attempts(order, end):
    """The times, in tenths of a second, at which another connection is tried."""
    return [tenth for tenth in range(end) if order.due(tenth / 10)]


def refusal(code):
    return BridgeError({'error_code': code, 'error_name': 'Name', 'description': 'why'})


@pytest.mark.parametrize(
    ('is_live', 'times'), [(True, [5, 15, 25, 35]), (False, [0, 5, 15, 25, 35])]
)
def test_when_other_connections_are_tried(is_live, times):
    assert attempts(StopOrder(0.0, 4.0, is_live), 60) == times


def test_a_late_attempt_is_not_made_up_for():
    order = StopOrder(0.0, 10.0, True)
    assert order.due(3.0) and not order.due(3.9) and order.due(4.0)
    assert order.next_due() == 5.0
    assert order.due(9.7) and order.next_due() == 10.0


def test_a_connection_of_which_nothing_is_to_be_expected_is_not_waited_for():
    order = StopOrder(0.0, 10.0, True)
    order.hasten(0.1)
    assert order.next_due() == 0.1 and order.due(0.1)
    assert order.next_due() == 0.5


def test_a_result_that_is_accepted_confirms_it():
    order = StopOrder(100.0, 10.0, True)
    order.sent()
    assert order.result(105.0) is None
    data = {'command': 'emergency_stop', 'accepted': True, 'message': 'ok', 'estop_id': 'e1'}
    order.answered(data, 105.0)
    result = order.result(106.0)
    assert (result.confirmed, result.estop_id, result.after) == (True, 'e1', 5.0)
    assert result.reply == data and result.outcome is None
    order.answered({**data, 'estop_id': 'e2'}, 107.0)
    assert order.result(108.0) == result


def status(name):
    return {'type': 'system.status', 'data': {'status': name}}


ESTOP = {'type': 'safety.estop', 'data': {'estop_id': 'e1'}}


@pytest.mark.parametrize(
    ('events', 'estop_id'),
    [([ESTOP], 'e1'), ([status('estop')], None), ([status('idle'), status('estop')], None)],
)
def test_what_the_vehicle_says_confirms_it(events, estop_id):
    order = StopOrder(0.0, 10.0, True, 'moving')
    for event in events:
        assert order.result(0.2) is None
        order.event(event, 0.2, True)
    result = order.result(0.2)
    assert (result.confirmed, result.estop_id) == (True, estop_id)


@pytest.mark.parametrize(
    ('before', 'event', 'is_live'),
    [
        ('moving', status('moving'), True),
        ('estop', status('estop'), True),  # of an earlier stop
        (None, status('estop'), True),
        ('moving', status('estop'), False),
        ('moving', ESTOP, False),
    ],
)
def test_what_does_not_confirm_it(before, event, is_live):
    order = StopOrder(0.0, 10.0, True, before)
    order.event(event, 0.2, is_live)
    # What was replayed is what the vehicle said before.
    order.event(status(event['data'].get('status', before)), 0.3, True)
    assert order.result(0.3) is None


def test_the_outcome_without_a_confirmation():
    order = StopOrder(0.0, 1.0, False)
    order.failed(OSError())
    result = order.result(1.0)
    assert (result.confirmed, result.outcome, result.after) == (False, 'not_sent', 1.0)
    assert result.message == 'OSError'
    order = StopOrder(0.0, 1.0, False)
    order.sent()
    order.failed(OSError('lost'))
    assert order.result(1.0).outcome == 'unknown'
    order = StopOrder(0.0, 1.0, False)
    for _ in range(2):
        order.sent()
        order.answered({'accepted': False, 'message': 'no motor board'}, 0.5)
    assert order.result(0.9) is None
    result = order.result(1.0)
    assert (result.outcome, result.message) == ('refused', 'no motor board')


def test_only_a_missing_right_ends_it():
    order = StopOrder(0.0, 1.0, False)
    order.sent()
    order.error(refusal('WS-009'))
    assert order.refusal is None and order.result(1.0).outcome == 'refused'
    order.error(refusal('WS-006'))
    assert order.refusal.code == 'WS-006'

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
"""What the gateway records of peers and clients."""

from types import SimpleNamespace

import pytest

from oht50_bridge.gateway.admission.limits import RECORDS
from oht50_bridge.gateway.audit.trail import Trail
from oht50_bridge.gateway.audit.writer import AuditWriter
from oht50_bridge.gateway.commands import CommandOutcome
from oht50_bridge.gateway.delivery import OutgoingEvent
from oht50_bridge.gateway.metrics import Counts
from oht50_bridge.gateway.responses import Responses
from oht50_bridge.protocol.codec import Encoder
from oht50_bridge.protocol.commands import EmergencyStop
from oht50_bridge.protocol.errors import ErrorCode

TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'
WHO = SimpleNamespace(session_id='s-1', client_id='c-1', subject='ann', role='operator')


@pytest.fixture
def counts():
    return Counts()


@pytest.fixture
def recorded(path, records, counts):
    """Return a function that lets a trail record something, and returns the records."""

    def recorded(work):
        writer = AuditWriter(path)
        work(Trail(writer, counts, lambda: 100.0))
        writer.close()
        return records(path)

    return recorded


def test_a_record_names_the_client_and_contains_no_token(recorded):
    (record,) = recorded(lambda trail: trail.client('subscribe', WHO, types=[TOKEN]))
    assert record['what'] == 'subscribe'
    assert (record['session'], record['client']) == ('s-1', 'c-1')
    assert (record['subject'], record['role']) == ('ann', 'operator')
    assert record['types'] == ['(token)']


@pytest.mark.parametrize(
    ('answer', 'outcome'),
    [
        (
            lambda responses, event: responses.result('x', CommandOutcome(False, 'blocked')),
            {'accepted': False, 'message': 'blocked'},
        ),
        (
            lambda responses, event: responses.error(ErrorCode.COMMAND_FAILED, 'no motor'),
            {'error': 'WS-009', 'message': 'no motor'},
        ),
        (
            lambda responses, event: event('system.status'),
            {'accepted': True, 'message': 'system.status'},
        ),
    ],
    ids=['result', 'error', 'event'],
)
def test_a_command_is_recorded_with_its_outcome(recorded, counts, event, answer, outcome):
    command = EmergencyStop(type='emergency_stop', request_id='r-1')
    message = answer(Responses(counts, lambda: 0.0), event)
    (record,) = recorded(lambda trail: trail.command(WHO, command, message))
    assert record['command']['type'] == 'emergency_stop'
    assert record['command']['request_id'] == 'r-1'
    assert record['outcome'] == outcome


def test_refusals_are_counted_and_beyond_the_limit_only_counted(recorded, counts):
    def refuse(trail):
        for _ in range(RECORDS + 20):
            trail.refused('192.0.2.1', 'tls', 'not TLS')
        trail.report()

    found = recorded(refuse)
    assert sum(record['what'] == 'refused' for record in found) == RECORDS
    assert found[-1]['what'] == 'suppressed'
    assert found[-1]['addresses'] == {'192.0.2.1': {'tls': 20}}
    assert counts.refused == {'tls': RECORDS + 20}


def test_a_flood_of_failures_of_one_client_is_limited(recorded):
    def fail(trail):
        for _ in range(RECORDS + 1):
            trail.failure(WHO, '192.0.2.1', 'WS-004', description='invalid')

    assert len(recorded(fail)) == RECORDS


def test_only_event_class_events_are_recorded(recorded, event):
    def publish(trail):
        for kind, seq in (('telemetry.realtime', None), ('safety.estop', 7)):
            trail.event(OutgoingEvent(event(kind), Encoder().encode, seq))

    (record,) = recorded(publish)
    assert (record['type'], record['seq']) == ('safety.estop', 7)
    assert record['event']['type'] == 'safety.estop'


def test_a_report_counts_the_state_class_events_since_the_last_one(recorded, counts):
    def report(trail):
        counts.delivered.update({'telemetry.realtime': 3, 'safety.estop': 1})
        trail.report()
        trail.report()
        counts.delivered.update({'telemetry.realtime': 2})
        trail.report()

    found = recorded(report)
    assert [record['counts'] for record in found] == [
        {'telemetry.realtime': 3},
        {'telemetry.realtime': 2},
    ]


def test_without_an_audit_log_refusals_and_certificates_are_still_counted(counts, event):
    trail = Trail(None, counts, lambda: 100.0)
    trail.client('connect', WHO)
    trail.refused('192.0.2.1', 'tls', 'not TLS')
    trail.certificate('renewed', 'new')
    trail.event(OutgoingEvent(event('safety.estop'), Encoder().encode, 1))
    trail.report()
    assert trail.lost == 0
    assert counts.refused == {'tls': 1}
    assert counts.certificate == {'renewed': 1}

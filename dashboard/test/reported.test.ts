// Copyright 2026 The oht50_bridge Authors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { AnyEvent, SystemAlarm } from 'oht50-client';

import { GRACE, Reported, isReported } from '../src/logic/reported.js';

const at = (second: number): string => `2026-01-01T10:00:${second.toFixed(3).padStart(6, '0')}Z`;
const event = (type: string, second: number, data: object): AnyEvent =>
  ({ type, timestamp: at(second), data }) as unknown as AnyEvent;
const failed = (second: number): AnyEvent =>
  event('mission.completed', second, { mission_id: 'm-1', status: 'failed' });
const stopped = (second: number): AnyEvent =>
  event('safety.estop', second, { estop_id: 'e-1', trigger_type: 'remote' });
const board = (second: number, status: string): AnyEvent =>
  event('module.status_change', second, {
    module_id: 'dock',
    new_status: status,
    error_code: 'MOD-001',
    error_description: 'no answer',
  });
const listed = (more: Partial<SystemAlarm>): SystemAlarm => ({
  alarm_id: 'a',
  code: 'ESTOP',
  name: '',
  severity: 'P0',
  description: '',
  source: 'ann',
  since: at(0),
  gone: null,
  count: 1,
  acknowledged_by: null,
  acknowledged_at: null,
  ...more,
});
const codes = (reported: Reported, now = GRACE): string[] =>
  reported.standing(now).map(({ code }) => code);

test('what needs a person is an alarm when the vehicle does not list it in time', () => {
  const reported = new Reported();
  reported.list([], at(0));
  reported.take(stopped(1), 0);
  reported.take(failed(1), 0);
  reported.take(board(1, 'offline'), 0);
  reported.take(event('safety.zone_entered', 1, { zone_id: 'z', action: 'stop' }), 0);
  const error = { error_code: 'SYS-002', error_name: 'x', affected_services: ['host'] };
  reported.take(event('system.error', 1, { ...error, severity: 'P1', description: 'd' }), 0);
  assert.deepEqual(codes(reported, GRACE - 1), []);
  assert.deepEqual(codes(reported), [
    'ESTOP',
    'MISSION_FAILED',
    'NET-002',
    'ZONE_STOP',
    'SYS-002',
  ]);
  assert.ok(reported.standing(GRACE).every(({ alarm_id: id }) => isReported(id)));
  assert.equal(reported.fresh(GRACE).length, 5);
  assert.equal(reported.fresh(GRACE).length, 0);
});

test('what needs nobody is none', () => {
  const reported = new Reported();
  reported.take(event('safety.zone_entered', 1, { zone_id: 'z', action: 'slow_down' }), 0);
  reported.take(event('mission.completed', 1, { mission_id: 'm', status: 'cancelled' }), 0);
  reported.take(board(1, 'online'), 0);
  const error = { error_code: 'SYS-002', error_name: 'x', affected_services: ['host'] };
  reported.take(event('system.error', 1, { ...error, severity: 'P4', description: '' }), 0);
  assert.deepEqual(codes(reported), []);
});

test('what the vehicle lists, or has listed and let go, is not said twice', () => {
  const reported = new Reported();
  reported.list([listed({})], at(2));
  reported.take(stopped(3), 0);
  // Seen by the list, which does not have it any more.
  reported.take(failed(1), 0);
  assert.deepEqual(codes(reported), []);
  reported.take(failed(3), 0);
  assert.deepEqual(codes(reported), ['MISSION_FAILED']);
  reported.list([listed({ code: 'MISSION_FAILED', gone: at(3) })], at(3.5));
  assert.deepEqual(codes(reported), []);
  reported.take(failed(30), 0);
  assert.deepEqual(codes(reported), ['MISSION_FAILED']);
  // The list is made again, and it knows better.
  reported.list([], at(32.9));
  assert.deepEqual(codes(reported), ['MISSION_FAILED']);
  reported.list([], at(33));
  assert.deepEqual(codes(reported), []);
});

test('it is gone when its event says so, and stays until a person has seen it', () => {
  const reported = new Reported();
  reported.take(stopped(1), 0);
  reported.take(board(1, 'error'), 0);
  reported.take(event('safety.clear', 5, {}), 0);
  reported.take(board(6, 'online'), 0);
  const gone = reported.standing(GRACE).map(({ gone: end }) => end);
  assert.deepEqual(gone, [at(5), at(6)]);
  for (const { alarm_id: id } of reported.standing(GRACE)) reported.dismiss(id);
  assert.deepEqual(codes(reported), []);
});

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

import type { SystemAlarm } from 'oht50-client';

import { Alarms, SHELF_MOST, priorityOf } from '../src/logic/alarms.js';

const alarm = (id: string, more: Partial<SystemAlarm> = {}): SystemAlarm => ({
  alarm_id: id,
  code: id,
  name: id,
  severity: 'P2',
  description: '',
  source: 'dock',
  since: '2026-01-01T10:00:00Z',
  gone: null,
  count: 1,
  acknowledged_by: null,
  acknowledged_at: null,
  ...more,
});

const ids = (alarms: Alarms, now = 0): string[] =>
  alarms.shown(now).map(({ alarm_id }) => alarm_id);

test('priorities are those of the standard, and P4 is for the log', () => {
  assert.deepEqual(['P0', 'P1', 'P2', 'P3', 'P4'].map(priorityOf), [1, 1, 2, 3, 0]);
  const alarms = new Alarms();
  alarms.list([alarm('a', { severity: 'P4' })], 0, 0);
  assert.deepEqual(ids(alarms), []);
});

test('the worst is first, then what stands, then the newest', () => {
  const alarms = new Alarms();
  const at = (second: number): string => `2026-01-01T10:01:0${second}Z`;
  alarms.list(
    [
      alarm('old', { since: at(1) }),
      alarm('gone', { severity: 'P1', since: at(5), gone: at(6) }),
      alarm('bad', { severity: 'P0', since: at(2) }),
      alarm('new', { since: at(4) }),
    ],
    0,
    0,
  );
  assert.deepEqual(ids(alarms), ['bad', 'gone', 'new', 'old']);
  assert.deepEqual(
    alarms.shown(0).map(({ state }) => state),
    ['new', 'gone', 'new', 'new'],
  );
});

test('what was there before the page is not new; what comes blinks for 5 s', () => {
  const alarms = new Alarms();
  assert.equal(alarms.begun, false);
  assert.deepEqual(alarms.list([alarm('a')], 0, 0), []);
  assert.equal(alarms.begun, true);
  const fresh = alarms.list([alarm('a'), alarm('b')], 0, 1000);
  assert.deepEqual(
    fresh.map(({ alarm_id }) => alarm_id),
    ['b'],
  );
  const blinking = (now: number): string[] =>
    alarms.shown(now).flatMap(({ alarm_id, blinks }) => (blinks ? [alarm_id] : []));
  assert.deepEqual(blinking(5999), ['b']);
  assert.deepEqual(blinking(6000), []);
  alarms.list([alarm('a'), alarm('b', { acknowledged_by: 'ann' })], 0, 2000);
  assert.deepEqual(blinking(2000), []);
});

test('the same code collapses with a count, but not at priority 1', () => {
  const alarms = new Alarms();
  const many = [1, 2, 3].map((n) => alarm(`a${n}`, { code: 'NET-003', source: `client${n}` }));
  alarms.list(many, 0, 0);
  assert.deepEqual(
    alarms.shown(0).map((each) => each.ids),
    [['a1', 'a2', 'a3']],
  );
  alarms.list(
    many.map((each) => ({ ...each, severity: 'P1' as const })),
    0,
    0,
  );
  assert.equal(alarms.shown(0).length, 3);
});

test('the first of a group is marked', () => {
  const alarms = new Alarms();
  alarms.list(
    [
      alarm('cause', { since: '2026-01-01T10:00:00Z' }),
      alarm('effect', { since: '2026-01-01T10:00:04Z' }),
      alarm('later', { since: '2026-01-01T11:00:00Z' }),
    ],
    0,
    0,
  );
  assert.deepEqual(
    alarms.shown(0).flatMap(({ alarm_id, first }) => (first ? [alarm_id] : [])),
    ['cause'],
  );
});

test('a shelf has a reason and an end, and takes no priority 1', () => {
  const alarms = new Alarms();
  const [low, high] = [alarm('low'), alarm('high', { severity: 'P1' })];
  alarms.list([low, high], 0, 0);
  assert.equal(alarms.shelve(high, 1000, 'because', 0), false);
  assert.equal(alarms.shelve(low, 1000, '  ', 0), false);
  assert.equal(alarms.shelve(low, 1000, 'because', 0), true);
  assert.deepEqual(ids(alarms, 999), ['high']);
  assert.equal(alarms.shelf(999).length, 1);
  // It comes back by itself.
  assert.deepEqual(ids(alarms, 1000), ['high', 'low']);
  alarms.shelve(low, 100 * SHELF_MOST, 'because', 0);
  assert.equal(alarms.shelf(0)[0]!.until, SHELF_MOST);
  alarms.unshelve(alarms.shelf(0)[0]!);
  assert.deepEqual(ids(alarms, 1), ['high', 'low']);
});

test('more than ten new ones in ten minutes are a flood, with one tone a minute', () => {
  const alarms = new Alarms();
  alarms.list([], 0, 0);
  const some = (n: number): SystemAlarm[] => Array.from({ length: n }, (_, i) => alarm(`a${i}`));
  alarms.list(some(10), 0, 1000);
  assert.equal(alarms.flood(1000), undefined);
  assert.deepEqual([alarms.mayTone(1000), alarms.mayTone(1001)], [true, true]);
  alarms.list(some(11), 0, 2000);
  assert.deepEqual(alarms.flood(2000), { count: 11, sources: [['dock', 11]] });
  assert.deepEqual(
    [2000, 61_000, 61_001].map((now) => alarms.mayTone(now)),
    [false, false, true],
  );
  assert.equal(alarms.flood(602_001), undefined);
});

test('the alarm of the page comes with those of the vehicle and goes again', () => {
  const alarms = new Alarms();
  alarms.list([alarm('a')], 3, 0);
  alarms.setLocal(alarm('none', { severity: 'P1' }), 0);
  assert.deepEqual(
    alarms.shown(0).map(({ alarm_id, local }) => [alarm_id, local]),
    [
      ['none', true],
      ['a', false],
    ],
  );
  alarms.setLocal(undefined, 1);
  assert.deepEqual(ids(alarms), ['a']);
  assert.equal(alarms.more, 3);
});

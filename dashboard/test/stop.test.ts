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

import { LatchBook, StopPresses } from '../src/logic/stop.js';
import type { StopFacts } from '../src/logic/stop.js';

const DATE = 1_700_000_000_000;

const facts = (now: number, more: Partial<StopFacts> = {}): StopFacts => ({
  allowed: true,
  live: true,
  latched: false,
  roundTrip: 12,
  now,
  ...more,
});

const confirmed = { at: 100, confirmed: true, sent: true, message: '' };
const lost = { at: 10_000, confirmed: false, sent: true, message: '' };

test('who may not stop has no control, also while there is no connection', () => {
  const presses = new StopPresses();
  assert.equal(presses.display(facts(0, { allowed: false })).name, 'absent');
  assert.equal(presses.display(facts(0, { allowed: false, live: false })).name, 'absent');
});

test('it is ready only while it reaches the vehicle', () => {
  const presses = new StopPresses();
  assert.deepEqual(presses.display(facts(0)), { name: 'ready', roundTrip: 12 });
  assert.equal(presses.display(facts(0, { live: false })).name, 'offline');
  assert.equal(presses.display(facts(0, { live: false, latched: true })).name, 'offline');
});

test('a press alone is never shown as a stop', () => {
  const presses = new StopPresses();
  presses.pressed(0, DATE);
  // Since when it is under way is the date of the press.
  assert.deepEqual(presses.display(facts(1999)), { name: 'sending', date: DATE });
  assert.equal(presses.display(facts(2000)).name, 'unconfirmed');
  presses.settled({ ...lost });
  assert.equal(presses.display(facts(10_001)).name, 'ready');
  assert.equal(presses.outcome(10_001)?.confirmed, false);
  assert.equal(presses.outcome(70_001), undefined);
});

test('what the vehicle reports is shown, and the control stays a stop', () => {
  const presses = new StopPresses();
  presses.pressed(0, DATE);
  assert.equal(presses.display(facts(50, { latched: true })).name, 'stopped');
  presses.settled({ ...confirmed });
  presses.pressed(200, DATE + 200);
  assert.equal(presses.display(facts(200, { latched: true })).name, 'stopped');
});

test('what the vehicle confirmed without a session is shown, and the control stays offline', () => {
  const presses = new StopPresses();
  const offline = (now: number, latched: boolean) =>
    presses.display(facts(now, { live: false, latched }));
  assert.deepEqual(offline(0, true), { name: 'offline', confirmed: false });
  presses.pressed(0, DATE);
  assert.equal(offline(50, false).name, 'sending');
  presses.settled({ ...confirmed });
  assert.deepEqual(offline(100, true), { name: 'offline', confirmed: true });
  // Not when it was cleared meanwhile, and not for ever.
  assert.deepEqual(offline(100, false), { name: 'offline', confirmed: false });
  assert.deepEqual(offline(60_101, true), { name: 'offline', confirmed: false });
  presses.pressed(70_000, DATE + 70_000);
  presses.settled({ ...lost });
  assert.deepEqual(offline(70_001, true), { name: 'offline', confirmed: false });
});

test('it alarms once a press, and not when it was confirmed', () => {
  const presses = new StopPresses();
  presses.pressed(0, DATE);
  assert.deepEqual(
    [1999, 2000, 2250].map((now) => presses.alarm(now)),
    [false, true, false],
  );
  presses.settled({ ...lost });
  presses.pressed(20_000, DATE + 20_000);
  assert.equal(presses.alarm(22_000), true);
  presses.settled({ ...lost });
  presses.pressed(30_000, DATE + 30_000);
  presses.settled({ ...confirmed });
  assert.equal(presses.alarm(33_000), false);
});

test('of many presses one confirmation is enough', () => {
  const presses = new StopPresses();
  presses.pressed(0, DATE);
  presses.pressed(10, DATE + 10);
  presses.settled({ ...confirmed });
  assert.equal(presses.isPending, false);
  presses.settled({ ...lost });
  assert.equal(presses.outcome(10_001)?.confirmed, true);
});

test('a latch follows the last word of the vehicle, in whatever order it comes', () => {
  const book = new LatchBook();
  assert.equal(
    book.stopped('2026-01-01T10:00:00.012Z', { trigger: 'remote', estopId: 'a' }),
    true,
  );
  // What was said before the stop comes after it.
  assert.equal(book.cleared('2026-01-01T10:00:00Z'), false);
  assert.equal(book.latch.latched, true);
  assert.equal(book.stopped('2026-01-01T10:00:01Z', { time: '2026-01-01T10:00:00.012Z' }), false);
  assert.deepEqual(book.latch, {
    latched: true,
    trigger: 'remote',
    estopId: 'a',
    time: '2026-01-01T10:00:00.012Z',
  });
  assert.equal(book.cleared('2026-01-01T10:00:02Z'), true);
  // A replay of what was missed begins with the past.
  assert.equal(book.stopped('2026-01-01T10:00:00.012Z'), false);
  assert.equal(book.latch.latched, false);
});

test('a status that is late after a clear is taken back by the next one', () => {
  const time = (s: string): string => `2026-01-01T10:00:${s}Z`;
  const book = new LatchBook();
  book.stopped(time('00.000'), { trigger: 'remote' });
  // While nothing else says so, no status takes back what an event said.
  assert.equal(book.status(time('00.500'), false), false);
  assert.equal(book.latch.latched, true);
  book.cleared(time('10.000'));
  assert.equal(book.status(time('10.080'), true), true);
  assert.equal(book.cleared(time('10.020')), false);
  assert.equal(book.status(time('11.080'), true), false);
  assert.equal(book.status(time('12.080'), false), true);
  assert.equal(book.latch.latched, false);
  // One that an event confirms is a stop.
  book.status(time('13.080'), true);
  book.stopped(time('13.090'), { trigger: 'remote' });
  book.status(time('14.080'), true);
  assert.equal(book.status(time('15.080'), false), false);
  assert.equal(book.latch.latched, true);
  // Also where the status was quicker.
  book.cleared(time('20.000'));
  book.status(time('30.080'), true);
  assert.equal(book.stopped(time('30.012')), false);
  assert.equal(book.status(time('31.080'), false), false);
  assert.equal(book.latch.latched, true);
});

test('a status alone latches where no clear was ever reported', () => {
  const book = new LatchBook();
  assert.equal(book.status('2026-01-01T10:00:00Z', true), true);
  assert.equal(book.status('2026-01-01T10:00:01Z', false), false);
  assert.equal(book.latch.latched, true);
});

test('a stop after the date of the vehicle was set back is shown', () => {
  const book = new LatchBook();
  book.heard('telemetry.realtime', '2026-01-01T10:00:00Z');
  book.stopped('2026-01-01T10:00:00Z');
  book.cleared('2026-01-01T10:00:01Z');
  book.heard('telemetry.realtime', '2026-01-01T10:00:02Z');
  assert.equal(book.stopped('2026-01-01T09:00:00Z'), false, 'as a replay of what was missed');
  book.heard('telemetry.realtime', '2026-01-01T09:00:01Z');
  assert.equal(book.stopped('2026-01-01T09:00:02Z'), true);
  assert.equal(book.cleared('2026-01-01T09:00:01Z'), false);
  book.heard('telemetry.realtime', '2026-01-01T09:00:02Z');
  assert.equal(book.cleared('2026-01-01T09:00:03Z'), true);
});

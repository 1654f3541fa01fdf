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

import { Arrivals, ageOnArrival, telemetryLimit } from '../src/logic/freshness.js';

const DATE = 1_700_000_000_000;
const TYPE = 'telemetry.realtime';

/** Arrivals of a vehicle whose clock is `ahead` of ours, over a way that takes 5 ms. */
class Vehicle {
  readonly arrivals = new Arrivals();
  ahead = 0;

  /** A sample that was made at a time on our steady clock, and came so much later. */
  sample(made: number, late = 0): void {
    const now = made + 5 + late;
    this.arrivals.note(TYPE, DATE + made + this.ahead, now, DATE + now);
  }

  state(now: number): string {
    return this.arrivals.state(TYPE, 1000, now);
  }
}

test('a limit is three periods, and a second at least', () => {
  assert.deepEqual([10, 2, 0.2, 0.1].map(telemetryLimit), [1000, 1500, 15_000, 30_000]);
  assert.equal(telemetryLimit(0), 30_000);
});

test('a value is never known, live, stale and lost, by when it came', () => {
  const vehicle = new Vehicle();
  assert.equal(vehicle.state(0), 'never');
  assert.equal(vehicle.arrivals.age(TYPE, 0), undefined);
  vehicle.ahead = 3600_000;
  vehicle.sample(0);
  assert.deepEqual(
    [5, 1005, 1006, 30_005, 30_006].map((now) => vehicle.state(now)),
    ['live', 'live', 'stale', 'stale', 'lost'],
  );
  assert.equal(vehicle.arrivals.age(TYPE, 405), 400);
  vehicle.sample(40_000);
  assert.equal(vehicle.state(40_010), 'live');
});

test('a value that was old when it came is as old as it is', () => {
  const { arrivals } = new Vehicle();
  // The vehicle's clock is a minute behind; it was silent for an hour, then for 2 s.
  const lag = 60_000;
  arrivals.note(TYPE, DATE - lag - 3600_000, 100, DATE + 100, 3600_000);
  assert.equal(arrivals.state(TYPE, 1000, 100), 'lost');
  assert.equal(arrivals.age(TYPE, 150), 3600_050);
  arrivals.note(TYPE, DATE - lag - 2000, 100, DATE + 100, 2000);
  assert.equal(arrivals.state(TYPE, 1000, 100), 'stale');
  // Its age is no difference of the clocks, and what comes at once is not late because of it.
  assert.equal(arrivals.leastLag, lag + 100);
  arrivals.note(TYPE, DATE - lag + 200, 250, DATE + 250);
  assert.deepEqual([arrivals.state(TYPE, 1000, 250), arrivals.delay(TYPE)], ['live', 0]);
});

test('how old a value was when it came, both times are of the vehicle', () => {
  const at = '2026-01-01T10:00:00Z';
  assert.equal(ageOnArrival('2026-01-01T09:00:00Z', at), 3600_000);
  assert.equal(ageOnArrival('2026-01-01T10:00:01Z', at), 0);
  assert.equal(ageOnArrival(at, undefined), 0);
  assert.equal(ageOnArrival('never', at), 0);
});

test('at a low rate a value is not lost before its limit', () => {
  const arrivals = new Arrivals();
  arrivals.note(TYPE, undefined, 0, DATE);
  assert.equal(arrivals.state(TYPE, 60_000, 50_000), 'live');
  assert.equal(arrivals.state(TYPE, 60_000, 60_001), 'lost');
});

test('a backlog is delayed, whatever the clock of the vehicle says', () => {
  const vehicle = new Vehicle();
  vehicle.ahead = -90_000;
  for (let made = 0; made < 2000; made += 100) vehicle.sample(made);
  assert.equal(vehicle.state(2000), 'live');
  vehicle.sample(2000, 500);
  assert.equal(vehicle.state(2505), 'live');
  vehicle.sample(2100, 501);
  assert.equal(vehicle.state(2606), 'delayed');
  assert.equal(vehicle.arrivals.delay(TYPE), 501);
  vehicle.sample(2700);
  assert.equal(vehicle.state(2705), 'live');
});

test('the quickest message counts for a minute', () => {
  const vehicle = new Vehicle();
  vehicle.sample(0);
  for (let made = 100; made <= 59_000; made += 1000) vehicle.sample(made, 600);
  assert.equal(vehicle.state(59_705), 'delayed');
  vehicle.sample(61_000, 600);
  assert.equal(vehicle.state(61_605), 'live');
});

test('messages that stay late while pongs come at once mean that the clock was set', () => {
  const vehicle = new Vehicle();
  vehicle.sample(0);
  vehicle.ahead = -5000;
  vehicle.sample(100);
  assert.equal(vehicle.state(105), 'delayed');
  vehicle.arrivals.pong(20);
  assert.equal(vehicle.state(105), 'delayed');
  vehicle.arrivals.pong(20);
  assert.equal(vehicle.state(105), 'live');
  vehicle.sample(200);
  assert.equal(vehicle.state(205), 'live');
});

test('slow pongs mean that the link is held up', () => {
  const vehicle = new Vehicle();
  vehicle.sample(0);
  vehicle.sample(100, 3000);
  for (let i = 0; i < 5; i++) vehicle.arrivals.pong(3000);
  assert.equal(vehicle.state(3105), 'delayed');
});

test('after the machine slept everything is stale until it comes again', () => {
  const vehicle = new Vehicle();
  vehicle.arrivals.check(0, DATE);
  vehicle.sample(0);
  assert.equal(vehicle.arrivals.check(100, DATE + 2099), false);
  assert.equal(vehicle.arrivals.check(200, DATE + 4200), true);
  assert.equal(vehicle.state(200), 'stale');
  vehicle.sample(250);
  assert.equal(vehicle.state(255), 'live');
});

test('the difference of the clocks is the least way', () => {
  const vehicle = new Vehicle();
  assert.equal(vehicle.arrivals.leastLag, undefined);
  vehicle.ahead = 7000;
  vehicle.sample(0, 80);
  vehicle.sample(100);
  assert.equal(vehicle.arrivals.leastLag, -6995);
});

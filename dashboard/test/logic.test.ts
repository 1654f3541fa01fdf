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

import { builtIn, mayRead } from '../src/logic/access.js';
import { differences, readValue, writeValue } from '../src/logic/config.js';
import { Format, duration, portion } from '../src/logic/format.js';
import { DRAWN, KEPT, Logbook, jsonLines } from '../src/logic/logbook.js';
import { Span, Tail, percentOf, zonesAt, zonesOf } from '../src/logic/rail.js';
import { Trend } from '../src/logic/trends.js';

test('numbers and times are written as each language has them', () => {
  const [en, vi] = [new Format('en-GB', 'UTC'), new Format('vi-VN', 'UTC')];
  assert.equal(en.number(1234.5, 1), '1,234.5');
  assert.equal(vi.number(1234.5, 1), '1.234,5');
  assert.equal(en.number(-0.001, 2), '0.00');
  assert.equal(vi.metres(12_345), '12,35 m');
  assert.equal(en.time('2026-01-01T07:05:09Z'), '07:05:09');
  assert.equal(en.time('soon'), '--');
  assert.match(en.utc('2026-01-01T07:05:09Z'), /01\/01\/2026.*07:05:09 UTC/);
});

test('ages are never rounded up', () => {
  const en = new Format('en-GB');
  const texts = [0, 99, 9999, 10_000, 59_999, 60_000, 3_600_000].map((ms) => en.age(ms));
  assert.deepEqual(texts, ['0.0 s', '0.0 s', '9.9 s', '10 s', '59 s', '1:00', '1:00:00']);
  assert.deepEqual([-1, 41, 3905].map(duration), ['0:00', '0:41', '1:05:05']);
  assert.deepEqual(
    [-1, 5, 20].map((value) => portion(value, 0, 10)),
    [0, 0.5, 1],
  );
});

test('a trend has each sample, gaps, and the extremes of each second', () => {
  const trend = new Trend();
  for (let i = 0; i < 30; i++) trend.add(i / 10, i % 10);
  assert.equal(trend.curve(10).x.length, 30);
  assert.deepEqual(trend.curve(60).y, [0, 9, 0, 9, 0, 9]);
  trend.add(60, 5);
  assert.deepEqual(trend.curve(10).y.slice(-2), [null, 5]);
  assert.deepEqual(trend.range(10, 60), { least: 0, most: 9, last: 5 });
  assert.deepEqual(trend.range(0.1, 60), { least: 5, most: 5, last: 5 });
  assert.equal(new Trend().range(10, 0), undefined);
  assert.equal(trend.last, 60);
});

test('a trend is bounded, and its time never goes back', () => {
  const trend = new Trend();
  for (let i = 0; i < 100_000; i++) trend.add(i / 10, i % 7 === 0 ? null : 1);
  for (const minutes of [10, 60]) {
    const { x, y } = trend.curve(minutes);
    assert.ok(x.length < 14_500 && x.length === y.length, `${x.length}`);
    assert.ok(x.every((value, i) => i === 0 || value >= x[i - 1]!));
  }
});

test('the table of a trend has what was measured then, and nothing for a silence', () => {
  const trend = new Trend();
  for (let i = 0; i <= 100; i++) trend.add(i, i);
  trend.add(590, 7);
  const rows = trend.table(10, 600);
  assert.deepEqual(rows[0], { ago: 0, value: null });
  assert.deepEqual(rows.at(-1), { ago: 540, value: 60 });
});

test('the log keeps the newest, filters, and waits while it is paused', () => {
  const log = new Logbook();
  const add = (type: string, text: string): void =>
    log.add({ time: 'T', type, severity: 'info', text, source: undefined });
  for (let i = 0; i < KEPT + 300; i++) add('system.error', `row ${i}`);
  const all = { family: '', text: '', severity: '' } as const;
  assert.equal(log.find(all).length, KEPT);
  assert.equal(log.find(all)[0]!.text, `row ${KEPT + 299}`);
  log.setPaused(true);
  add('mission.started', 'Station A');
  assert.equal(log.waiting, 1);
  assert.deepEqual(log.find({ ...all, family: 'mission.' }), []);
  log.setPaused(false);
  assert.equal(log.find({ ...all, text: 'station a' }).length, 1);
  assert.equal(log.find({ ...all, severity: 'alarm' }).length, 0);
  assert.ok(DRAWN < KEPT);
});

test('rows are copied as JSON, the oldest first', () => {
  const row = {
    id: 1,
    time: 'T',
    type: 'page.link',
    severity: 'info',
    text: 'a',
    source: undefined,
  } as const;
  const event = { ...row, id: 2, source: { type: 'safety.clear' } };
  assert.equal(
    jsonLines([event, row]),
    '{"time":"T","type":"page.link","text":"a"}\n{"type":"safety.clear"}',
  );
});

test('zones come of the configuration, in mm', () => {
  const config = {
    safety_zones: ['a', 'b', 'broken'],
    safety_zone_types: ['warning', 'restricted'],
    safety_zone_actions: ['slow_down', 'stop'],
    safety_zone_starts: [0, 10],
    safety_zone_ends: [0.2, 12],
  };
  const zones = zonesOf(config);
  assert.deepEqual(
    zones.map(({ name, from, to }) => [name, from, to]),
    [
      ['a', 0, 200],
      ['b', 10_000, 12_000],
    ],
  );
  assert.deepEqual(
    zonesAt(zones, 9600).map(({ name }) => name),
    [],
  );
  assert.deepEqual(
    zonesAt(zones, 9600, 1000).map(({ name }) => name),
    ['b'],
  );
  assert.deepEqual(zonesOf(undefined), []);
});

test('without a length the rail is as long as the positions that were seen', () => {
  const span = new Span();
  assert.deepEqual(span.of(50_000), [0, 50_000]);
  assert.deepEqual(span.of(null), [0, 1000]);
  span.see(1000);
  span.see(11_000);
  assert.deepEqual(span.of(null), [0, 12_000]);
  assert.deepEqual(
    [0, 25, 50, 99].map((x) => percentOf(x, [0, 50])),
    [3, 50, 97, 97],
  );
});

test('the tail is of the last three seconds', () => {
  const tail = new Tail();
  for (const [at, x] of [
    [0, 1],
    [2000, 5],
    [4000, 3],
  ] as const)
    tail.add(at, x);
  assert.deepEqual(tail.range(4000), [3, 5]);
  assert.equal(tail.range(9000), undefined);
});

test('fields are read by the kind of value that they had', () => {
  assert.equal(readValue('0.5', 1), 0.5);
  assert.equal(readValue('fast', 1), undefined);
  assert.equal(readValue('', 1), undefined);
  assert.deepEqual(readValue('0, 1.5', [2]), [0, 1.5]);
  assert.deepEqual(readValue('a, b', ['c']), ['a', 'b']);
  assert.deepEqual(readValue('', ['c']), []);
  assert.equal(readValue('1, x', [2]), undefined);
  assert.equal(readValue('true', false), true);
  assert.equal(writeValue([1, 2]), '1, 2');
  assert.equal(writeValue(null), '');
});

test('only what differs is applied', () => {
  const before = { speed: 0.5, zones: ['a'], rate: 10 };
  const found = differences(before, { speed: '0.50', zones: 'a, b', rate: 'ten' });
  assert.deepEqual(found, {
    differences: [{ name: 'zones', before: ['a'], after: ['a', 'b'] }],
    faults: ['rate'],
  });
});

test('roles that are not known may do nothing', () => {
  assert.ok(builtIn('operator').order.includes('emergency_stop'));
  assert.ok(!builtIn('operator').order.includes('clear_estop'));
  assert.ok(builtIn('admin').order.includes('clear_estop'));
  assert.ok(!builtIn('viewer').order.includes('emergency_stop'));
  assert.deepEqual(builtIn('janitor'), { order: [], read: [] });
  assert.equal(mayRead(builtIn('viewer'), 'module.discovered'), false);
  assert.equal(mayRead(builtIn('viewer'), 'safety.estop'), true);
});

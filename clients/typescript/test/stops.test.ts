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

import type { StopResult } from '../dist/index.js';
import { World, stamp } from './world.js';

const stop = (world: World, call = 1, timeout = 10_000): unknown =>
  world.do((core) => core.stop(call, 'drill', timeout));
const results = (world: World): StopResult[] => world.all('stopped').map(({ result }) => result);
const stops = (world: World): number[] =>
  world
    .all('send')
    .filter(({ text }) => text.includes('emergency_stop'))
    .map(({ connection }) => connection);
const lively = (): World => new World({ token: 'T', probeAfter: 1e9 }).live();

test('it is sent before anything else, and confirmed by its result', () => {
  const world = lively();
  const [first, ...more] = world.do((core) => core.stop(1, 'drill', 10_000));
  assert.deepEqual([first?.do, more], ['send', []]);
  world.pass(20);
  assert.equal(world.last('emergency_stop')['reason'], 'drill');
  world.answer('emergency_stop', 'command.result', {
    accepted: true,
    message: 'stopped',
    estop_id: 'e-1',
  });
  const time = stamp(world.now);
  assert.deepEqual(results(world), [{ confirmed: true, estop_id: 'e-1', time, after_ms: 20 }]);
  world.pass(60_000);
  assert.deepEqual([world.all('open').length, stops(world).length], [1, 1]);
});

test('a stop of the vehicle that comes after it confirms it as well', () => {
  const world = lively();
  world.event('safety.estop', { data: { estop_id: 'e-0' } });
  stop(world);
  assert.deepEqual(results(world), []);
  world.event('safety.estop', { data: { estop_id: 'e-1' } });
  assert.deepEqual(results(world), [{ confirmed: true, estop_id: 'e-1', after_ms: 0 }]);
});

test('so does a status that changed to estop, but not one that was so before', () => {
  const world = lively();
  const status = (text: string): unknown =>
    world.event('system.status', { data: { status: text } });
  stop(world);
  status('estop');
  assert.deepEqual(results(world), []);
  status('idle');
  status('estop');
  assert.equal(results(world)[0]!.confirmed, true);
});

test('what is received to restore the session confirms nothing', () => {
  const world = lively();
  world.event('system.status', { data: { status: 'idle' } });
  world.lose();
  stop(world);
  world.pass(1000);
  world.do((core) => core.retry());
  world.pass(0);
  const { connection } = world;
  const own = world.all('send').find(({ text }) => text.includes('resume'))!;
  assert.notEqual(connection, own.connection);
  world.open();
  world.established();
  world.event('safety.estop', { data: { estop_id: 'e-0' }, seq: 1 });
  world.event('system.status', { data: { status: 'estop' } });
  assert.deepEqual(results(world), []);
});

test('a vehicle that was stopped before does not confirm it by being so still', () => {
  const world = lively();
  world.event('system.status', { data: { status: 'estop' } });
  stop(world);
  world.event('system.status', { data: { status: 'estop' } });
  assert.deepEqual(results(world), []);
});

test('each stop has an outcome of its own', () => {
  const world = lively();
  stop(world, 1, 100);
  world.answer('emergency_stop', 'command.result', { accepted: false, message: 'no' });
  world.pass(100);
  world.lose();
  stop(world, 2, 0);
  world.pass(0);
  assert.deepEqual(results(world), [
    { confirmed: false, after_ms: 100, outcome: 'unknown', message: 'no' },
    { confirmed: false, after_ms: 0, outcome: 'not_sent' },
  ]);
});

test('without a confirmation it makes a connection after 500 ms, then one each second, for 10 s', () => {
  const world = lively();
  stop(world);
  world.pass(499);
  assert.equal(world.all('open').length, 1);
  world.pass(1);
  assert.equal(world.all('open').length, 2);
  world.open();
  const [auth, second, ...more] = world.sent();
  assert.deepEqual(
    [auth!.type, auth!['token'], auth!['resume'], second!.type, more],
    ['auth', 'T', undefined, 'emergency_stop', []],
  );
  world.pass(9499);
  assert.equal(world.all('open').length, 11);
  assert.deepEqual(results(world), []);
  world.pass(1);
  assert.deepEqual(results(world), [{ confirmed: false, after_ms: 10_000, outcome: 'unknown' }]);
  assert.equal(world.all('close').length, 10);
  const { length } = world.log;
  world.open();
  world.pass(60_000);
  assert.equal(stops(world).length, 2);
  assert(world.log.slice(length).every((action) => action.do !== 'send' && action.do !== 'open'));
});

test('the result on such a connection confirms it, and ends all of them', () => {
  const world = lively();
  stop(world);
  world.pass(1500);
  const own = world.connection;
  world.open();
  world.receive({ type: 'connection.established', data: { role: 'operator' } }, own);
  world.do((core) => core.received(own, 'no JSON'));
  world.answer('emergency_stop', 'command.result', {
    accepted: true,
    message: '',
    estop_id: 'e-1',
  });
  const time = stamp(world.now);
  assert.deepEqual(results(world), [{ confirmed: true, estop_id: 'e-1', time, after_ms: 1500 }]);
  assert.equal(world.all('close').length, 2);
  assert.equal(world.core.state.name, 'live');
});

test('without a live connection it makes one at once, and is not sent when it is over', () => {
  const world = new World({ token: 'T', backoff: { first: 20_000 } });
  world.do((core) => core.connect());
  world.pass(0);
  world.lose();
  stop(world, 1, 3000);
  const tried = (): number => world.all('open').length - 1;
  world.pass(0);
  assert.equal(tried(), 1);
  world.lose();
  world.pass(499);
  assert.equal(tried(), 1);
  world.pass(1);
  assert.equal(tried(), 2);
  world.lose();
  world.pass(999);
  assert.equal(tried(), 2);
  while (world.now < 2900) {
    world.lose();
    world.pass(100);
  }
  world.pass(3000 - world.now);
  assert.deepEqual(results(world), [{ confirmed: false, after_ms: 3000, outcome: 'not_sent' }]);
  world.again();
  assert.deepEqual(stops(world), []);
});

test('what the vehicle says in refusing is passed on', () => {
  const world = lively();
  stop(world, 1, 1000);
  world.answer('emergency_stop', 'command.result', { accepted: false, message: 'no motor board' });
  world.pass(1000);
  assert.deepEqual(results(world), [
    { confirmed: false, after_ms: 1000, outcome: 'unknown', message: 'no motor board' },
  ]);
});

test('a role that may not is refused at once; another error is not the end', () => {
  const world = lively();
  stop(world);
  world.refuse('emergency_stop', 'WS-009');
  assert.deepEqual(world.all('fail'), []);
  stop(world, 2);
  world.refuse('emergency_stop', 'WS-006');
  assert.deepEqual(
    world.all('fail').map(({ call, error }) => [call, error.name]),
    [
      [1, 'BridgeError'],
      [2, 'BridgeError'],
    ],
  );
  world.pass(60_000);
  assert.equal(world.all('open').length, 1);
});

test('a storm of presses is one command on each connection until it is answered', () => {
  const world = lively();
  for (let call = 1; call <= 20; call++) stop(world, call);
  assert.equal(stops(world).length, 1);
  world.pass(500);
  assert.equal(world.all('open').length, 2);
  world.open();
  stop(world, 21);
  assert.equal(stops(world).length, 2);
  world.answer('emergency_stop', 'command.result', { accepted: false, message: 'no' });
  stop(world, 22);
  assert.equal(stops(world).length, 3);
  world.answer('emergency_stop', 'command.result', { accepted: true, message: '' });
  assert.equal(results(world).filter(({ confirmed }) => confirmed).length, 22);
  stop(world, 23);
  assert.equal(stops(world).length, 4);
});

test('a press is sent on a new connection though the one before owes an answer', () => {
  const world = lively();
  stop(world);
  world.lose();
  world.again();
  const before = stops(world).length;
  stop(world, 2);
  assert.equal(stops(world).length, before + 1);
});

test('an abort ends the attempts', () => {
  const world = lively();
  stop(world);
  world.pass(500);
  world.do((core) => core.abort(1, 'enough'));
  assert.equal(world.all('fail')[0]!.error.name, 'AbortError');
  assert.equal(world.all('close').length, 1);
  world.pass(60_000);
  assert.equal(world.all('open').length, 2);
});

test('a closed client says that it sends nothing', () => {
  const world = lively();
  world.do((core) => core.close());
  stop(world);
  assert.equal(world.all('fail')[0]!.error.name, 'NotSent');
});

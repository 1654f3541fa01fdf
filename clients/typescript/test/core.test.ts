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

import { World, stamp } from './world.js';

test('it authenticates and restores in one go, and is live when all is answered', () => {
  const world = new World({
    token: 'T',
    clientId: 'panel-1',
    subscriptions: [{ events: ['safety.*'], rate: 2 }],
  });
  world.do((core) => core.connect());
  world.pass(0);
  world.open();
  const [auth, resume, subscribe, ...more] = world
    .sent()
    .map(({ request_id: _, ...rest }) => rest);
  assert.deepEqual(auth, { type: 'auth', token: 'T', client_id: 'panel-1', resume: true });
  assert.deepEqual(resume, { type: 'resume', epoch: '', after: 0 });
  assert.deepEqual([subscribe, more], [{ type: 'subscribe', events: ['safety.*'], rate: 2 }, []]);
  world.established();
  assert.deepEqual(world.states, ['connecting', 'authenticating', 'restoring']);
  world.restored();
  assert.deepEqual(world.states.at(-1), 'live');
  assert.deepEqual(
    world.all('role').map(({ role }) => role),
    ['operator'],
  );
  assert.equal(world.core.established?.epoch, 'E');
});

test('without subscriptions and resumption it becomes live as well', () => {
  const world = new World({ token: 'T', subscriptions: [], resume: false });
  world.do((core) => core.connect());
  world.pass(0);
  world.open();
  assert.equal(world.sent()[0]!['resume'], undefined);
  world.established();
  world.answer('ping', 'pong');
  assert.equal(world.core.state.name, 'live');
});

test('who closes right after connecting has made no connection; a second mount makes one', () => {
  const world = new World();
  world.do((core) => core.connect());
  world.do((core) => core.close());
  world.do((core) => core.connect());
  world.do((core) => core.connect());
  world.pass(100);
  assert.equal(world.all('open').length, 1);
  assert.deepEqual(world.states, ['connecting', 'closed', 'connecting']);
});

test('what comes of an old connection is ignored', () => {
  const world = new World().live();
  const old = world.connection;
  world.lose();
  world.again();
  const { length } = world.log;
  world.open(old);
  world.receive({ type: 'safety.estop', data: { estop_id: 'e' } }, old);
  world.do((core) => core.received(old, 'no JSON'));
  world.lose(4401, old);
  assert.equal(world.log.length, length);
  assert.equal(world.core.state.name, 'live');
});

test('after a loss it subscribes as it did last, and then resumes', () => {
  const world = new World({ token: 'T', subscriptions: [{ events: ['safety.*'] }] }).live({
    seq: 3,
  });
  world.do((core) =>
    core.call(1, 'subscribe', { events: ['mission.*', 'no.such'], rate: 5 }, 1000),
  );
  world.answer('subscribe', 'subscription.confirmed', {
    events: ['mission.*'],
    denied: ['config.*'],
    rates: {},
  });
  world.event('mission.started', { seq: 4 });
  world.lose();
  assert.deepEqual(world.states.slice(-2), ['lost', 'waiting']);
  // What is asked for without a connection is noted.
  world.do((core) => core.call(2, 'unsubscribe', { events: ['safety.estop'] }, 1000));
  assert.deepEqual(world.all('settle').at(-1), { do: 'settle', call: 2, result: null });
  world.again({ seq: 4 });
  assert.deepEqual(
    world
      .sent()
      .slice(1)
      .map(({ request_id: _, ...rest }) => rest),
    [
      { type: 'subscribe', events: ['safety.*'] },
      { type: 'subscribe', events: ['mission.*', 'config.*'], rate: 5 },
      { type: 'unsubscribe', events: ['safety.estop'] },
      { type: 'resume', epoch: 'E', after: 4 },
    ],
  );
});

test('a subscription of which it is not known whether it holds is restored', () => {
  const world = new World({ token: 'T', subscriptions: [] }).live();
  world.do((core) => core.call(1, 'subscribe', { events: ['safety.*'] }, 1000));
  world.lose();
  assert.equal(world.all('fail')[0]!.error.name, 'OutcomeUnknown');
  world.again();
  assert.deepEqual(world.last('subscribe')['events'], ['safety.*']);
});

test('events that could not be replayed are a gap, from the last message to the result', () => {
  const world = new World().live({ recovered: false });
  assert.deepEqual(world.all('gap'), []);
  world.pass(1000);
  world.event('telemetry.status');
  world.lose();
  world.pass(500);
  world.again({ epoch: 'F', recovered: false });
  const until = stamp(world.now);
  assert.deepEqual(world.all('gap'), [
    { do: 'gap', gap: { type: 'gap', recovered: false, since: stamp(1000), until } },
  ]);
  // Before the client is live: what is live has no gap any more.
  assert(world.log.findIndex(({ do: kind }) => kind === 'gap') < world.log.length - 1);
});

test('without resumption each new connection is a gap', () => {
  const world = new World({ token: 'T', resume: false }).live();
  assert.equal(world.all('gap').length, 0);
  world.lose();
  world.again();
  assert.equal(world.all('gap').length, 1);
});

test('the delays begin again when a connection was live for 10 s, not when it opened', () => {
  const world = new World({ token: 'T' }).live();
  const delays = (): number[] =>
    world.all('state').flatMap(({ state }) => (state.name === 'waiting' ? [state.delay] : []));
  world.chance = 1;
  for (let n = 0; n < 3; n++) {
    world.lose();
    world.again();
  }
  assert.deepEqual(delays(), [1500, 2000, 4000]);
  world.pass(9000);
  world.lose();
  assert.equal(delays().at(-1), 8000);
  world.again();
  for (let n = 0; n < 6; n++) {
    world.pass(1700);
    world.event('telemetry.status');
  }
  world.lose();
  assert.equal(delays().at(-1), 1500);
});

test('it never gives up', () => {
  const world = new World();
  world.do((core) => core.connect());
  world.pass(0);
  for (let n = 1; n <= 100; n++) {
    assert.equal(world.all('open').length, n);
    world.lose();
    const { state } = world.core;
    assert(state.name === 'waiting' && state.attempt === n && state.delay <= 30_000);
    world.pass(state.delay);
  }
  world.live();
});

test('a connection that does not open, or is not answered, is given up in time', () => {
  const world = new World();
  world.do((core) => core.connect());
  world.pass(4999);
  assert.equal(world.core.state.name, 'connecting');
  world.pass(1);
  assert.deepEqual([world.core.state.name, world.all('close').length], ['waiting', 1]);
  world.pass(2000);
  world.open();
  world.established();
  world.pass(5000);
  assert.deepEqual([world.core.state.name, world.all('close').length], ['waiting', 2]);
});

test('a frame that is no message is reported, and the connection made again', () => {
  for (const frame of [
    '{"type": ',
    '[]',
    'null',
    '{"type": 1}',
    new ArrayBuffer(2),
    '{"type":"connection.established"}',
  ]) {
    const world = new World();
    world.do((core) => core.connect());
    world.pass(0);
    world.open();
    world.do((core) => core.received(world.connection, frame));
    assert.deepEqual(world.all('error').length, 1);
    assert.deepEqual(
      world.all('close').map(({ code }) => code),
      [4000],
    );
    assert.equal(world.core.state.name, 'waiting');
  }
});

test('what is unknown is ignored', () => {
  const world = new World().live();
  const { length } = world.log;
  world.receive({ type: 'future.thing', data: {} });
  world.receive({ type: 'future' });
  assert.equal(world.log.length, length);
});

test('it probes a quiet connection, and loses it without a pong', () => {
  const world = new World().live();
  world.pass(1999);
  assert.equal(world.types().includes('ping'), false);
  world.pass(1);
  world.answer('ping', 'pong');
  world.pass(1999);
  assert.equal(world.types().filter((type) => type === 'ping').length, 1);
  world.pass(1);
  world.pass(1999);
  assert.equal(world.core.state.name, 'live');
  world.pass(1);
  assert.deepEqual([world.core.state.name, world.all('close')[0]!.code], ['waiting', 4000]);
});

test('a hidden page does not probe, and does when it is shown', () => {
  const world = new World().live();
  world.do((core) => core.setVisible(false));
  world.pass(300_000);
  assert.equal(world.types().includes('ping'), false);
  world.do((core) => core.setVisible(true));
  assert.equal(world.types().filter((type) => type === 'ping').length, 1);
  world.pass(2000);
  assert.equal(world.core.state.name, 'waiting');
});

test('after a pause of the program the pong gets another chance', () => {
  const world = new World().live();
  world.pass(2000);
  world.now += 60_000;
  world.do((core) => core.tick());
  assert.equal(world.core.state.name, 'live');
  assert.equal(world.types().filter((type) => type === 'ping').length, 2);
  world.pass(2000);
  assert.equal(world.core.state.name, 'waiting');
});

test('after a sleep, in which the steady clock stood still, it probes at once', () => {
  const world = new World().live();
  world.ahead += 2500;
  world.do((core) => core.tick());
  assert(world.types().includes('ping'));
  world.answer('ping', 'pong');
  world.do((core) => core.tick());
  assert.equal(world.types().filter((type) => type === 'ping').length, 1);
});

test('no network means lost, and a network again an attempt at once', () => {
  const world = new World({ token: 'T', backoff: { first: 20_000 } }).live();
  world.do((core) => core.offline());
  assert.deepEqual(world.states.slice(-2), ['lost', 'waiting']);
  assert.equal(world.all('close').length, 1);
  world.pass(1000);
  world.do((core) => core.wake());
  world.pass(0);
  assert.equal(world.all('open').length, 2);
});

test('whatever asks for it, there is no more than one attempt a second', () => {
  const world = new World({ token: 'T', backoff: { first: 20_000 } });
  world.do((core) => core.connect());
  for (let n = 0; n < 100; n++) {
    world.pass(100);
    if (world.core.state.name === 'connecting') world.lose();
    world.do((core) => core.retry());
  }
  assert(world.all('open').length <= 11);
  assert(world.all('open').length >= 9);
});

test('close ends the connection and what is under way, from anywhere', () => {
  const world = new World().live();
  world.do((core) => core.call(1, 'get_config', {}, 5000));
  world.do((core) => core.stop(2, undefined, 5000));
  world.do((core) => core.close());
  assert.deepEqual(
    world.all('close').map(({ code }) => code),
    [1000],
  );
  assert.equal(world.all('fail')[0]!.error.name, 'OutcomeUnknown');
  assert.deepEqual(world.all('stopped')[0]!.result, {
    confirmed: false,
    after_ms: 0,
    outcome: 'unknown',
  });
  assert.equal(world.core.nextTick(), Infinity);
  const { length } = world.log;
  world.do((core) => core.close());
  world.do((core) => core.retry());
  world.do((core) => core.wake());
  assert.equal(world.log.length, length);
});

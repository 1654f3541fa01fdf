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
  assert.equal(world.core.establishedAt, stamp(0));
  world.pass(1000);
  world.event('telemetry.status');
  assert.equal(world.core.establishedAt, stamp(0));
  world.lose();
  world.again();
  assert.equal(world.core.establishedAt, stamp(world.now));
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
  assert.deepEqual(world.all('gap'), []);
});

test('a subscription changed while it is restored holds on this connection too', () => {
  const changes = {
    subscribe: { events: ['mission.*'], rate: 5 },
    unsubscribe: { events: ['safety.*'] },
  };
  for (const [command, fields] of Object.entries(changes)) {
    for (const when of ['connecting', 'authenticating', 'restoring']) {
      const world = new World({ token: 'T', subscriptions: [{ events: ['safety.*'] }] });
      world.do((core) => core.connect());
      world.pass(0);
      if (when !== 'connecting') world.open();
      if (when === 'restoring') world.established();
      assert.equal(world.core.state.name, when);
      world.do((core) => core.call(1, command, fields, 1000));
      assert.deepEqual(world.all('settle'), [{ do: 'settle', call: 1, result: null }]);
      if (when === 'connecting') world.open();
      if (when !== 'restoring') world.established();
      const types = world.types().filter((type) => type.endsWith('subscribe'));
      // What is made void before the connection is open is not sent at all.
      if (when === 'connecting' && command === 'unsubscribe') assert.deepEqual(types, []);
      else assert.deepEqual(types, ['subscribe', command]);
      if (types.length > 0) assert.deepEqual(world.last(types.at(-1)!)['events'], fields.events);
      // It is live when that is answered too.
      if (types.length > 1) {
        world.answer('resume', 'resume.result', { recovered: false, epoch: 'E', seq: 0 });
        const [first] = world.sent().filter(({ type }) => type === 'subscribe');
        world.receive({ type: 'subscription.confirmed', request_id: first!.request_id, data: {} });
        assert.equal(world.core.state.name, 'restoring');
      }
      world.restored();
      assert.equal(world.core.state.name, 'live');
    }
  }
});

test('a subscription of which it is not known whether it holds is restored', () => {
  const world = new World({ token: 'T', subscriptions: [] }).live();
  world.do((core) => core.call(1, 'subscribe', { events: ['safety.*'] }, 1000));
  world.do((core) => core.call(2, 'subscribe', { events: ['mission.*'] }, 1000));
  world.do((core) => core.abort(2, 'enough'));
  world.do((core) => core.call(3, 'subscribe', { events: ['config.*'] }, 1));
  world.pass(1);
  world.lose();
  assert.deepEqual(
    world.all('fail').map(({ error }) => error.name),
    ['AbortError', 'OutcomeUnknown', 'OutcomeUnknown'],
  );
  world.again();
  assert.deepEqual(world.last('subscribe')['events'], ['mission.*', 'config.*', 'safety.*']);
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

test('what is missing until a third connection is a gap too, or is replayed', () => {
  const world = new World().live({ seq: 3 });
  world.lose();
  world.pass(1000);
  world.open();
  world.established({ epoch: 'F' });
  world.answer('resume', 'resume.result', { recovered: false, epoch: 'F', seq: 7 });
  assert.deepEqual([world.core.state.name, world.all('gap').length], ['restoring', 1]);
  world.lose();
  world.again({ epoch: 'F', seq: 9 });
  const { epoch, after } = world.last('resume');
  assert.deepEqual([epoch, after, world.all('gap').length], ['F', 7, 1]);
  world.lose();
  world.again({ epoch: 'G', recovered: false });
  assert.equal(world.all('gap').length, 2);

  const without = new World({ token: 'T', resume: false }).live();
  without.lose();
  without.pass(1000);
  without.open();
  without.established();
  without.lose();
  assert.equal(without.all('gap').length, 0);
  without.again();
  assert.equal(without.all('gap').length, 1);
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

test('a subscription that is refused is reported; one that may be granted later is asked for again', () => {
  const world = new World();
  world.do((core) => core.connect());
  world.pass(0);
  world.open();
  world.established();
  world.refuse('subscribe', 'WS-003', true);
  assert.equal(world.core.state.name, 'waiting');
  world.pass(2000);
  world.open();
  world.established();
  world.answer('resume', 'resume.result', { recovered: false, replayed: 0, epoch: 'E', seq: 1 });
  world.refuse('subscribe', 'WS-002');
  assert.equal(world.core.state.name, 'live');
  assert.equal(world.all('error').length, 2);
});

test('what is wrong with the authentication beside the token is reported', () => {
  const world = new World({ token: 'T', clientId: 'no good' });
  world.do((core) => core.connect());
  world.pass(0);
  world.open();
  world.refuse('auth', 'WS-004');
  assert.deepEqual(
    world.all('error').map(({ error }) => error.message),
    ['WS-004 Name: why'],
  );
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

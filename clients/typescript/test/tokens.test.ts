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

import type { TokenPair } from '../dist/index.js';
import { World, stamp } from './world.js';

const asked = (world: World): string[] => world.all('ask').map(({ reason }) => reason);
const give = (world: World, pair: TokenPair | null): void => {
  world.do((core) => core.gave(world.all('ask').at(-1)!.ticket, pair));
};
const getToken = (): null => null;

/** One that is live with a token that the function gave. */
function live(pair: TokenPair, options = {}): World {
  const world = new World({ getToken, probeAfter: 1e9, ...options });
  world.do((core) => core.connect());
  give(world, pair);
  return world.live();
}

test('a token is asked for first, and the connection made with it', () => {
  const world = new World({ getToken });
  world.do((core) => core.connect());
  world.pass(60_000);
  assert.deepEqual([asked(world), world.all('open').length], [['first'], 0]);
  give(world, { token: 'A' });
  world.pass(0);
  world.open();
  assert.equal(world.last('auth')['token'], 'A');
});

test('none means denied; connecting again asks again', () => {
  const world = new World({ getToken });
  world.do((core) => core.connect());
  give(world, null);
  assert.equal(world.core.state.name, 'denied');
  world.pass(1e6);
  assert.equal(world.all('open').length, 0);
  world.do((core) => core.connect());
  give(world, { token: 'A' });
  world.live();
  assert.deepEqual(asked(world), ['first', 'first']);
});

test('denied after a refusal says why the bridge refused', () => {
  const world = new World({ getToken });
  world.do((core) => core.connect());
  give(world, { token: 'A' });
  world.pass(0);
  world.open();
  world.refuse('auth', 'WS-001');
  world.lose(4401);
  give(world, null);
  const { state } = world.core;
  assert(state.name === 'denied');
  assert.equal(state.error.message, 'WS-001 Name: why');
});

test('an answer that comes after the client was closed is dropped', () => {
  const world = new World({ getToken });
  world.do((core) => core.connect());
  const { ticket } = world.all('ask')[0]!;
  world.do((core) => core.close());
  world.do((core) => core.connect());
  world.do((core) => core.gave(ticket, null));
  world.do((core) => core.failedToGive(ticket, new Error('late')));
  assert.equal(world.core.state.name, 'connecting');
  give(world, { token: 'A' });
  world.live();
});

test('a failure is reported, and it is asked again for the same reason after 5 to 10 s', () => {
  for (const [chance, delay] of [
    [0, 5000],
    [1, 10_000],
  ] as const) {
    const world = new World({ getToken });
    world.chance = chance;
    world.do((core) => core.connect());
    world.do((core) => core.failedToGive(world.all('ask')[0]!.ticket, new Error('no')));
    assert.equal(world.all('error')[0]!.error.message, 'no');
    world.pass(delay - 1);
    assert.equal(asked(world).length, 1);
    world.pass(1);
    assert.deepEqual(asked(world), ['first', 'first']);
  }
});

test('a refused token is replaced once, at once; a fresh one that is refused is denied', () => {
  const world = new World({ getToken });
  world.do((core) => core.connect());
  give(world, { token: 'A' });
  world.pass(0);
  world.open();
  world.refuse('auth', 'WS-001');
  world.lose(4401);
  assert.deepEqual([asked(world), world.core.state.name], [['first', 'refused'], 'connecting']);
  give(world, { token: 'B' });
  world.pass(0);
  world.open();
  assert.equal(world.last('auth')['token'], 'B');
  world.refuse('auth', 'WS-001');
  world.lose(4401);
  const state = world.core.state;
  assert(state.name === 'denied');
  assert.equal(state.error.message, 'WS-001 Name: why');
});

test('a network that fails between does not make a fresh token an old one', () => {
  const world = new World({ getToken });
  world.do((core) => core.connect());
  give(world, { token: 'A' });
  world.pass(0);
  world.open();
  world.lose(4401);
  give(world, { token: 'B' });
  world.pass(0);
  // Nobody refuses the token of a connection that was never open.
  world.lose(4401);
  assert.equal(world.core.state.name, 'waiting');
  world.pass(1000);
  world.open();
  world.lose(4401);
  assert.equal(world.core.state.name, 'denied');
});

test('a client that was denied and connects again does not use the refused token', () => {
  const world = new World({ getToken });
  world.do((core) => core.connect());
  for (const token of ['A', 'B']) {
    give(world, { token });
    world.pass(0);
    world.open();
    world.lose(4401);
  }
  assert.equal(world.core.state.name, 'denied');
  world.do((core) => core.connect());
  assert.deepEqual(asked(world), ['first', 'refused', 'first']);
});

test('a given token that is refused is denied; it can be tried again', () => {
  const world = new World({ token: 'T' });
  world.do((core) => core.connect());
  world.pass(0);
  world.open();
  world.lose(4401);
  assert.equal(world.core.state.name, 'denied');
  world.live();
});

test('sessions that are revoked again and again do not make a loop', () => {
  const world = live({ token: 'A' });
  world.lose(4401);
  assert.equal(asked(world).length, 2);
  give(world, { token: 'B' });
  world.live();
  world.lose(4401);
  assert.equal(world.core.state.name, 'waiting');
  world.pass(2000);
  assert.deepEqual(asked(world), ['first', 'refused', 'refused']);
});

test('another token extends the session', () => {
  const world = live({ token: 'A' });
  world.receive({ type: 'auth.expiring', data: {} });
  world.receive({ type: 'auth.expiring', data: {} });
  give(world, { token: 'B' });
  assert.deepEqual(asked(world), ['first', 'expiring']);
  assert.equal(world.last('auth')['token'], 'B');
  const refreshed = { role: 'operator', expires_at: stamp(1e6), token: null, refresh_token: null };
  world.answer('auth', 'auth.refreshed', refreshed);
  assert.deepEqual(world.all('tokens'), []);
  world.lose();
  world.again();
  assert.equal(world.last('auth')['token'], 'B');
});

test('a function that fails at the end of a token is asked again while the session lasts', () => {
  const world = live({ token: 'A' });
  world.receive({ type: 'auth.expiring', data: {} });
  world.do((core) => core.failedToGive(world.all('ask').at(-1)!.ticket, new Error('no')));
  world.pass(5000);
  assert.deepEqual([asked(world).at(-1), world.core.state.name], ['expiring', 'live']);
  give(world, { token: 'B' });
  assert.equal(world.last('auth')['token'], 'B');
});

test('a token whose time was over before a new connection is not sent', () => {
  const world = live({ token: 'A' });
  world.pass(899_000);
  world.lose();
  world.pass(1000);
  assert.deepEqual([asked(world), world.core.state.name], [['first', 'expiring'], 'connecting']);
  world.do((core) => core.failedToGive(world.all('ask').at(-1)!.ticket, new Error('no')));
  world.pass(5000);
  give(world, { token: 'B' });
  world.pass(0);
  world.lose();
  world.pass(4000);
  assert.equal(asked(world).length, 3);
  world.live();
  assert.equal(world.last('auth')['token'], 'B');
  world.pass(900_000);
  world.lose();
  world.pass(1000);
  give(world, null);
  assert.equal(world.core.state.name, 'denied');
});

test('no token at its end is no reason to end the session before', () => {
  const world = live({ token: 'A' });
  world.receive({ type: 'auth.expiring', data: {} });
  give(world, null);
  assert.equal(world.core.state.name, 'live');
});

test('a refresh token is sent once, whatever becomes of it', () => {
  const world = new World({ token: 'T', refreshToken: 'R', probeAfter: 1e9 }).live();
  world.receive({ type: 'auth.expiring', data: {} });
  assert.equal(world.last('refresh_token')['refresh_token'], 'R');
  world.lose();
  world.again();
  world.receive({ type: 'auth.expiring', data: {} });
  assert.equal(world.types().includes('refresh_token'), false);
});

test('nor is it sent when the function gives it a second time', () => {
  const world = live({ token: 'A', refreshToken: 'R' });
  for (let n = 0; n < 2; n++) {
    world.receive({ type: 'auth.expiring', data: {} });
    give(world, { token: 'A', refreshToken: 'R' });
  }
  assert.equal(world.types().filter((type) => type === 'refresh_token').length, 1);
});

test('the new pair is reported and used', () => {
  const world = new World({ token: 'T', refreshToken: 'R', probeAfter: 1e9 }).live();
  world.receive({ type: 'auth.expiring', data: {} });
  const refreshed = { role: 'operator', expires_at: stamp(1e6), token: 'U', refresh_token: 'S' };
  world.answer('refresh_token', 'auth.refreshed', refreshed);
  assert.deepEqual(
    world.all('tokens').map(({ pair }) => pair),
    [{ token: 'U', refreshToken: 'S' }],
  );
  world.receive({ type: 'auth.expiring', data: {} });
  assert.equal(world.last('refresh_token')['refresh_token'], 'S');
  world.lose();
  world.again();
  assert.equal(world.last('auth')['token'], 'U');
});

test('the bridge is given the refresh token, but not one that it may have used', () => {
  const world = new World({
    token: 'T',
    refreshToken: 'R',
    refresh: 'server',
    probeAfter: 1e9,
  }).live();
  assert.equal(world.last('auth')['refresh_token'], 'R');
  world.pass(700_000);
  world.lose();
  world.again();
  assert.equal(world.last('auth')['refresh_token'], 'R');
  world.pass(800_000);
  world.lose();
  world.again();
  assert.equal(world.last('auth')['refresh_token'], undefined);
});

test('nor one that it has used itself, when the bridge did not', () => {
  const world = new World({ token: 'T', refreshToken: 'R', refresh: 'server', probeAfter: 1e9 });
  world.live().receive({ type: 'auth.expiring', data: {} });
  assert.equal(world.last('refresh_token')['refresh_token'], 'R');
  world.lose();
  world.again();
  assert.equal(world.last('auth')['refresh_token'], undefined);
});

test('with refresh none nothing is done at the end of a token', () => {
  const world = live({ token: 'A', refreshToken: 'R' }, { refresh: 'none' });
  const { length } = world.log;
  world.receive({ type: 'auth.expiring', data: {} });
  assert.equal(world.log.length, length);
});

test('a new role is reported, and subscribed for again', () => {
  const world = new World({ token: 'T', refreshToken: 'R', probeAfter: 1e9 }).live();
  const before = world.types().filter((type) => type === 'subscribe').length;
  world.receive({ type: 'auth.expiring', data: {} });
  const refreshed = { role: 'viewer', expires_at: stamp(1e6), token: 'U', refresh_token: 'S' };
  world.answer('refresh_token', 'auth.refreshed', refreshed);
  assert.deepEqual(
    world.all('role').map(({ role }) => role),
    ['operator', 'viewer'],
  );
  assert.equal(world.types().filter((type) => type === 'subscribe').length, before + 1);
  assert.equal(world.core.state.name, 'live');
});

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
import { beforeEach, mock, test } from 'node:test';
import { BroadcastChannel } from 'node:worker_threads';

import { MemoryStore, TokenStore } from '../src/logic/tokens.js';
import { Session } from '../src/session.js';
import { Tabs } from '../src/tabs.js';

const ORIGIN = 'http://vehicle:8000';
const HOUR = 3600_000;
const START = 1_700_000_000_000;

interface Sent extends Record<string, unknown> {
  readonly type: string;
  readonly request_id: string;
}

/** A connection to a bridge that accepts each token and whatever restores a client. */
class Socket {
  static readonly all: Socket[] = [];
  /** Whether new connections are made. */
  static up = true;
  readyState = 0;
  readonly sent: Sent[] = [];
  onopen?: (event: object) => void;
  onmessage?: (event: object) => void;
  onclose?: (event: object) => void;
  onerror?: () => void;

  constructor() {
    Socket.all.push(this);
    queueMicrotask(() => {
      if (!Socket.up) return this.lose();
      this.readyState = 1;
      this.onopen?.({});
    });
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify({ timestamp: stamp(), ...message }) });
  }

  lose(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason: '' });
  }

  close(): void {
    this.readyState = 3;
  }

  send(text: string): void {
    const message = JSON.parse(text) as Sent;
    this.sent.push(message);
    const { type, request_id } = message;
    const number = Socket.all.indexOf(this);
    const replies: Record<string, object> = {
      auth: {
        type: 'connection.established',
        data: {
          role: 'operator',
          epoch: 'E',
          session_id: `s${number}`,
          expires_at: stamp(60_000),
        },
      },
      subscribe: { type: 'subscription.confirmed', data: { events: [], rates: {}, denied: [] } },
      resume: { type: 'resume.result', data: { recovered: true, epoch: 'E', seq: 0 } },
      ping: { type: 'pong', data: {} },
    };
    const reply = replies[type];
    if (reply) queueMicrotask(() => this.say({ request_id, ...reply }));
  }

  /** The refresh tokens that were sent over all connections. */
  static get refreshed(): unknown[] {
    const sent = Socket.all.flatMap((socket) => socket.sent);
    return sent
      .filter(({ type }) => type === 'refresh_token')
      .map((each) => each['refresh_token']);
  }
}

/** The channel of a browser's tabs; the process may end while it is open. */
class Channel extends BroadcastChannel {
  static readonly all: Channel[] = [];

  constructor(name: string) {
    super(name);
    this.unref();
    Channel.all.push(this);
  }
}

const stamp = (later = 0): string => new Date(Date.now() + later).toISOString();

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that ends so much later, ms. */
const token = (later: number, name = 'a'): string =>
  `${part({ alg: 'HS256' })}.${part({ sub: 'ann', exp: Math.floor((Date.now() + later) / 1000) })}.${name}`;

/** Let what is under way go on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Let time pass, and what is due by it. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    mock.timers.tick(50);
    // The channel of the tabs hands on what is posted in a turn of its own.
    for (let n = 0; n < 4; n++) await turn();
  }
}

const replace = (name: string, value: unknown): void => {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
};

beforeEach(() => {
  replace('sessionStorage', new MemoryStore());
  replace('localStorage', new MemoryStore());
  replace('location', { origin: ORIGIN });
  replace('navigator', { onLine: true });
  replace('WebSocket', Socket);
  replace('BroadcastChannel', Channel);
  for (const channel of Channel.all.splice(0)) channel.close();
  Socket.all.length = 0;
  Socket.up = true;
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START });
  mock.method(performance, 'now', () => Date.now() - START);
  mock.method(Math, 'random', () => 0.2);
});

/** A session of a page of its own. */
const session = (): Session =>
  new Session(
    ORIGIN,
    (client) => client.on('error', () => {}),
    () => {},
  );

test('what was just given is sent though the clock of the vehicle is hours behind', async () => {
  const mine = session();
  mine.start({ token: token(-2 * HOUR) });
  await pass(100);
  assert.deepEqual([mine.state.name, mine.fault], ['live', undefined]);
  // The storage has had it for who knows how long.
  const later = session();
  later.start();
  await pass(100);
  assert.deepEqual([later.state.name, later.fault], ['denied', 'expired']);
});

/** A session that is live, and informed that it ends soon. */
async function expiring(): Promise<Session> {
  const mine = session();
  mine.start({ token: token(14_000), refreshToken: 'R' });
  await pass(100);
  assert.equal(mine.state.name, 'live');
  Socket.all.at(-1)!.say({ type: 'auth.expiring', data: { expires_at: stamp(14_000) } });
  await turn();
  return mine;
}

test('a session that ends soon is extended with the refresh token', async () => {
  await expiring();
  await pass(3000);
  assert.deepEqual(Socket.refreshed, ['R']);
});

test('a refresh token is not spent for a connection that was lost meanwhile', async () => {
  const mine = await expiring();
  await pass(500);
  Socket.all.at(-1)!.lose();
  await pass(1400);
  // It has connected again, and would be informed again; without it the token stays as it was.
  assert.equal(mine.state.name, 'live');
  await pass(2000);
  assert.deepEqual([Socket.refreshed, mine.isRenewable], [[], true]);
  Socket.all.at(-1)!.say({ type: 'auth.expiring', data: { expires_at: stamp(10_000) } });
  await pass(3000);
  assert.deepEqual([Socket.refreshed, mine.isRenewable], [['R'], false]);
});

test('a refresh token is not spent while there is no connection, nor by who signed in anew', async () => {
  const mine = await expiring();
  Socket.up = false;
  Socket.all.at(-1)!.lose();
  await pass(3000);
  assert.deepEqual([Socket.refreshed, mine.isRenewable], [[], true]);

  Socket.up = true;
  const other = await expiring();
  other.start({ token: token(14_000, 'b'), refreshToken: 'S' });
  await pass(3000);
  assert.deepEqual([Socket.refreshed, other.isRenewable], [[], true]);
});

test('who was away until the time of the token was over is not kept waiting', async () => {
  const mine = await expiring();
  Socket.up = false;
  Socket.all.at(-1)!.lose();
  await pass(60_000);
  Socket.up = true;
  await pass(20_000);
  assert.deepEqual([mine.state.name, mine.fault], ['denied', 'expired']);
  // A refresh token is of use on a session alone.
  assert.deepEqual([Socket.refreshed, mine.isRenewable], [[], true]);
});

test('what another tab does meanwhile is read before a refresh token is spent', async () => {
  const mine = await expiring();
  const tokens = new TokenStore(sessionStorage, localStorage, ORIGIN);
  // The wait, the claim, and half of the time for which other tabs are asked.
  await pass(2350);
  tokens.spend();
  await pass(1000);
  assert.deepEqual([Socket.refreshed, mine.state.name], [[], 'live']);

  Socket.all.length = 0;
  localStorage.removeItem(`oht50:${ORIGIN}:spent`);
  await expiring();
  await pass(2350);
  tokens.save({ token: token(900_000, 'b'), refreshToken: 'S' });
  await pass(1000);
  const [auth] = Socket.all.at(-1)!.sent.slice(-1);
  assert.deepEqual([Socket.refreshed, auth?.type], [[], 'auth']);
  assert.equal(auth?.['token'], tokens.read()?.token);
});

test('of two tabs that claim one after the other only one does something at a time', async () => {
  for (const [first, second] of [
    [0.9, 0.1],
    [0.1, 0.9],
  ]) {
    const random = mock.method(Math, 'random', () => first);
    const one = new Tabs(ORIGIN, () => {});
    random.mock.mockImplementation(() => second!);
    const other = new Tabs(ORIGIN, () => {});
    let inside = 0;
    let most = 0;
    let done = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 600));
      inside--;
      done++;
    };
    void one.alone('ann', work);
    await pass(100);
    void other.alone('ann', work);
    await pass(8000);
    assert.deepEqual([most, done], [1, 2], `${first} before ${second}`);
  }
});

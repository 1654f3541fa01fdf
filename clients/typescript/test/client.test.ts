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
// The client on real sockets, with a peer that answers as the bridge does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';

import { WebSocket, WebSocketServer } from 'ws';

import { Aborted, Denied, NotSent, Oht50Client, SlowReader } from '../dist/index.js';
import type { AnyEvent, Gap, Options } from '../dist/index.js';

const ANSWERS: Readonly<Record<string, [type: string, data: object]>> = {
  auth: [
    'connection.established',
    { role: 'operator', epoch: 'E', expires_at: '2030-01-01T00:00:00Z' },
  ],
  resume: ['resume.result', { recovered: true, replayed: 0, epoch: 'E', seq: 0 }],
  subscribe: ['subscription.confirmed', { events: [], rates: {}, denied: [] }],
  emergency_stop: ['command.result', { accepted: true, message: '', estop_id: 'e-1' }],
  get_config: ['command.result', { accepted: true, message: '', config: {} }],
};
const TIMESTAMP = '2026-01-01T00:00:00Z';

let server: WebSocketServer;
let url: string;
let sockets: WebSocket[] = [];
const clients: Oht50Client[] = [];

before(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws/telemetry`;
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (data: Buffer) => {
      const { type, token, request_id } = JSON.parse(data.toString()) as Record<string, string>;
      if (token === 'wrong') return socket.close(4401, 'wrong');
      const [answer, content] = ANSWERS[type!] ?? [];
      if (answer === undefined) return;
      socket.send(
        JSON.stringify({ type: answer, timestamp: TIMESTAMP, request_id, data: content }),
      );
    });
  });
});
beforeEach(() => {
  for (const client of clients.splice(0)) client.close();
  sockets = [];
});
after(() => {
  for (const client of clients) client.close();
  server.close();
});

function make(options: Partial<Options> = {}): Oht50Client {
  const client = new Oht50Client({ url, token: 'T', WebSocket, ...options });
  clients.push(client);
  return client;
}

function publish(type: string, data: object = {}): void {
  for (const socket of sockets) socket.send(JSON.stringify({ type, timestamp: TIMESTAMP, data }));
}

const started = (n: number): void => publish('mission.started', { mission_id: `m-${n}` });

test('mount, unmount, mount makes one socket', async () => {
  const client = make();
  const first = client.connect();
  client.close();
  await Promise.all([client.connect(), client.connect()]);
  await assert.rejects(first, Aborted);
  // So do two clients, as a component makes them that is mounted twice.
  const unmounted = make();
  void unmounted.connect();
  unmounted.close();
  await make().connect();
  assert.equal(sockets.length, 2);
});

test('events go to listeners of their type, their family and of all', async () => {
  const client = make();
  await client.connect();
  const heard: string[] = [];
  for (const name of ['mission.started', 'mission.*', '*', 'safety.*'] as const) {
    client.on(name, ({ type }) => heard.push(`${name} ${type}`));
  }
  started(1);
  publish('safety.estop', { estop_id: 'e' });
  await client.call('get_config');
  assert.deepEqual(heard, [
    'mission.started mission.started',
    'mission.* mission.started',
    '* mission.started',
    'safety.* safety.estop',
    '* safety.estop',
  ]);
});

test('a listener that closes the client is the last that is called', async () => {
  const client = make();
  const states: string[] = [];
  client.on('state', ({ name }) => states.push(name));
  client.on('mission.started', () => client.close());
  await client.connect();
  started(1);
  await once(sockets[0]!, 'close');
  assert.deepEqual(states, ['connecting', 'authenticating', 'restoring', 'live', 'closed']);
});

test('a listener that calls gets its answer, and what came before is reported before', async () => {
  const client = make();
  const order: string[] = [];
  client.on('role', () => {
    order.push('role');
    client.retry();
  });
  client.on('state', ({ name }) => order.push(name));
  await client.connect();
  assert.deepEqual(order.slice(2), ['restoring', 'role', 'live']);
});

test('a signal ends the waiting for a connection, not the client', async () => {
  const client = make();
  await assert.rejects(client.connect({ signal: AbortSignal.abort('no') }), Aborted);
  assert.equal(client.state.name, 'idle');
  const abort = new AbortController();
  const connecting = client.connect({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await assert.rejects(
    connecting,
    (error) => error instanceof Aborted && error.outcome === 'not_sent',
  );
  await client.connect();
});

test('a denied client says why to all who wait', async () => {
  const client = make({ token: 'wrong' });
  const iterator = client.events('*');
  const waiting = iterator.next();
  await assert.rejects(client.connect(), Denied);
  await assert.rejects(waiting, Denied);
  assert.equal(client.state.name, 'denied');
});

test('a signal ends the waiting for a command, before and after it is sent', async () => {
  const client = make();
  await client.connect();
  await assert.rejects(
    client.call('list_modules', {}, { signal: AbortSignal.abort() }),
    (error) => error instanceof Aborted && error.outcome === 'not_sent',
  );
  const abort = new AbortController();
  const calling = client.call('list_modules', {}, { signal: abort.signal });
  abort.abort();
  await assert.rejects(
    calling,
    (error) => error instanceof Aborted && error.outcome === 'unknown',
  );
  await assert.rejects(client.call('auth' as 'ping'), TypeError);
});

test('limits beyond those of timers do not run out at once', async () => {
  const client = make();
  await client.connect();
  const calling = client.call('list_modules', {}, { timeout: 2 ** 40 });
  await client.call('get_config', {}, { timeout: Infinity });
  await new Promise((resolve) => setTimeout(resolve, 20));
  client.close();
  await assert.rejects(calling, { name: 'OutcomeUnknown', message: /connection was lost/ });
});

test('a stop is confirmed, and refused when the client is closed', async () => {
  const client = make();
  await client.connect();
  const { confirmed, estop_id, after_ms } = await client.stop('drill');
  assert.deepEqual([confirmed, estop_id, after_ms >= 0], [true, 'e-1', true]);
  client.close();
  await assert.rejects(client.stop(), NotSent);
  await assert.rejects(client.call('get_config'), NotSent);
});

test('an iterator takes what it asks for, until a signal or the end of the client', async () => {
  const client = make();
  await client.connect();
  const abort = new AbortController();
  const read = async (items: AsyncIterable<AnyEvent | Gap>): Promise<string[]> => {
    const types: string[] = [];
    for await (const { type } of items) types.push(type);
    return types;
  };
  const missions = read(client.events('mission.*', { signal: abort.signal }));
  const two = read(client.events(['safety.estop', 'mission.started']));
  assert.deepEqual(await read(client.events('*', { signal: AbortSignal.abort() })), []);
  started(1);
  publish('safety.estop', { estop_id: 'e' });
  publish('telemetry.status');
  await client.call('get_config');
  abort.abort();
  assert.deepEqual(await missions, ['mission.started']);
  client.close();
  assert.deepEqual(await two, ['mission.started', 'safety.estop']);
});

test('an iterator that nobody reads ends, and others go on', async () => {
  const client = make({ queue: 2 });
  await client.connect();
  const slow = client.events('mission.*');
  const read: Promise<unknown>[] = [];
  const quick = client.events();
  for (let n = 1; n <= 3; n++) read.push(quick.next());
  for (let n = 1; n <= 3; n++) started(n);
  await Promise.all(read);
  await slow.next();
  await slow.next();
  await assert.rejects(slow.next(), SlowReader);
});

test('what a listener throws is reported; without a listener of errors, to the console', async (t) => {
  const client = make();
  await client.connect();
  client.on('mission.started', () => {
    throw new Error('thrown');
  });
  const written = t.mock.method(console, 'error', () => {});
  started(1);
  await client.call('get_config');
  assert.equal(written.mock.callCount(), 1);
  const errors: string[] = [];
  client.on('error', ({ message }) => errors.push(message));
  started(2);
  await client.call('get_config');
  assert.deepEqual([errors, written.mock.callCount()], [['thrown'], 1]);
});

test('an address where nobody listens is tried again, without an error that nobody takes', async () => {
  const client = make({ url: 'ws://127.0.0.1:9/', backoff: { first: 1, max: 1 } });
  const waited = new Promise<void>((resolve) => {
    let times = 0;
    client.on('state', ({ name }) => {
      if (name === 'waiting' && ++times === 3) resolve();
    });
  });
  void client.connect();
  await waited;
  client.close();
});

test('a class that cannot make a connection is a loss as any other', async () => {
  const Refusing = class {
    constructor() {
      throw new Error('a page of https reaches wss:// only');
    }
  } as unknown as NonNullable<Options['WebSocket']>;
  const client = make({ WebSocket: Refusing, url: 'ws://127.0.0.1:9/', backoff: { first: 1e6 } });
  const waiting = new Promise<string>((resolve) => {
    client.on('state', (state) => {
      if (state.name === 'waiting') resolve(state.reason);
    });
  });
  void client.connect();
  assert.match(await waiting, /wss/);
});

test('options without which nothing works are refused', (t) => {
  assert.throws(() => new Oht50Client({ url, WebSocket }), /token or getToken/);
  assert.throws(() => new Oht50Client({ token: 'T', WebSocket }), /option url/);
  assert.throws(
    () => new Oht50Client({ token: 'T', WebSocket, url: 'http://host/' }),
    /not an address/,
  );
  assert.throws(() => new Oht50Client({ token: 'T', WebSocket, url: 'nothing' }), TypeError);
  const builtIn = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  t.after(() => builtIn && Object.defineProperty(globalThis, 'WebSocket', builtIn));
  Reflect.deleteProperty(globalThis, 'WebSocket');
  assert.throws(() => new Oht50Client({ url, token: 'T' }), /that of ws/);
});

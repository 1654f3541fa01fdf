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
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';

import { WebSocket, WebSocketServer } from 'ws';

import { Transport } from '../dist/transport.js';

let server: WebSocketServer;
const made: WebSocket[] = [];
const heard: unknown[][] = [];
let transport: Transport;

before(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const make = (): WebSocket => {
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    made.push(socket);
    return socket;
  };
  transport = new Transport(make, {
    opened: (...what) => heard.push(['opened', ...what]),
    received: (...what) => heard.push(['received', ...what]),
    closed: (...what) => heard.push(['closed', ...what]),
  });
});
after(() => server.close());

/** Make a connection; the socket of the server. */
async function open(connection: number): Promise<WebSocket> {
  const connected = once(server, 'connection');
  transport.open(connection);
  await once(made.at(-1)!, 'open');
  const [socket] = (await connected) as [WebSocket];
  return socket;
}

test('what happens to a connection is reported with its number', async () => {
  const peer = await open(1);
  const closed = once(made[0]!, 'close');
  peer.send('hello');
  peer.close(4503, 'slow');
  await closed;
  assert.deepEqual(heard.splice(0), [
    ['opened', 1],
    ['received', 1, 'hello'],
    ['closed', 1, 4503, 'slow'],
  ]);
});

test('what comes of a connection that was closed here is not, and its handlers are gone', async () => {
  const peer = await open(2);
  const socket = made[1]!;
  const { onmessage } = socket;
  const closed = once(socket, 'close');
  peer.send('on its way');
  transport.close(2, 1000, '');
  transport.send(2, 'nowhere');
  assert.deepEqual([socket.onopen, socket.onmessage, socket.onclose], [null, null, null]);
  // Not even a handler that was already called for.
  onmessage?.({ data: 'late' } as never);
  await closed;
  assert.deepEqual(heard.splice(0), [['opened', 2]]);
});

test('a reason that is too long for a close frame is cut between two characters', async () => {
  const peer = await open(4);
  const closed = once(peer, 'close');
  transport.close(4, 4000, `${'a'.repeat(122)}é`);
  assert.equal(String((await closed)[1]), 'a'.repeat(122));
  heard.length = 0;
  await open(5);
  transport.close(5, 4000, '\u{1f6d1}'.repeat(31));
  await once(made.at(-1)!, 'close');
  heard.length = 0;
});

test('a text for a connection that is not open is not sent', async () => {
  transport.open(3);
  transport.send(3, 'too early');
  assert.equal(transport.isOpen(3), false);
  await once(made.at(-1)!, 'open');
  assert.equal(transport.isOpen(3), true);
  transport.close(3, 1000, '');
  await once(made.at(-1)!, 'close');
});

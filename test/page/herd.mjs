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
// Many clients in one process: each has a token of the first line of the standard input. What
// becomes of each is a line on the standard output. It ends when the standard input does.
import { createInterface } from 'node:readline';

import { Oht50Client } from 'oht50-client';
import { WebSocket } from 'ws';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { url, tokens } = JSON.parse((await lines.next()).value);
const clients = tokens.map((token, number) => {
  const subscriptions = [{ events: ['safety.*'], rate: 1 }];
  const client = new Oht50Client({ url, token, subscriptions, WebSocket });
  client.on('state', ({ name, code }) =>
    console.log(JSON.stringify({ number, name, code, at: performance.now() / 1000 })),
  );
  client.on('error', () => {});
  void client.connect();
  return client;
});
await lines.next();
for (const client of clients) client.close();

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

import { SlowReader } from '../dist/errors.js';
import { Queue } from '../dist/queue.js';

async function all<T>(queue: Queue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

test('items come in order, also to readers that waited for them', async () => {
  const queue = new Queue<number>(10, () => {});
  const waited = [queue.next(), queue.next()];
  for (const item of [1, 2, 3, 4]) queue.push(item);
  queue.end();
  queue.push(5);
  assert.deepEqual(
    (await Promise.all(waited)).map(({ value }) => value as number),
    [1, 2],
  );
  assert.deepEqual(await all(queue), [3, 4]);
});

test('a full queue gives what it has, then SlowReader, then nothing', async () => {
  let ends = 0;
  const queue = new Queue<number>(2, () => ends++);
  for (const item of [1, 2, 3, 4]) queue.push(item);
  assert.equal(ends, 1);
  assert.deepEqual([(await queue.next()).value, (await queue.next()).value], [1, 2]);
  await assert.rejects(queue.next(), SlowReader);
  assert.deepEqual(await queue.next(), { done: true, value: undefined });
});

test('a reader that waits learns of the end', async () => {
  const queue = new Queue<number>(2, () => {});
  const waiting = [queue.next(), queue.next()];
  queue.end(new TypeError('over'));
  await assert.rejects(waiting[0]!, TypeError);
  assert.equal((await waiting[1]!).done, true);
});

test('a reader that leaves its loop ends it', async () => {
  let ends = 0;
  const queue = new Queue<number>(5, () => ends++);
  for (const item of [1, 2, 3]) queue.push(item);
  for await (const item of queue) if (item === 2) break;
  assert.equal(ends, 1);
  assert.equal((await queue.next()).done, true);
});

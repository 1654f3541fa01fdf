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
import { mock, test } from 'node:test';

import { Emitter } from '../dist/emitter.js';

test('a listener that throws is reported and disturbs no other', async () => {
  const errors: string[] = [];
  const heard: unknown[] = [];
  const emitter = new Emitter((error) => errors.push(error.message));
  emitter.add('x', () => {
    throw new Error('thrown');
  });
  emitter.add('x', () => Promise.reject(new Error('rejected')));
  emitter.add('x', () => Promise.reject('no error'));
  emitter.add('x', (value) => heard.push(value));
  emitter.emit('x', 1);
  await new Promise(setImmediate);
  assert.deepEqual([heard, errors], [[1], ['thrown', 'rejected', 'no error']]);
});

test('what fails in reporting an error goes to the console, and not round', async (t) => {
  const written = t.mock.method(console, 'error', () => {});
  const emitter = new Emitter((error) => emitter.emit('error', error));
  emitter.add('error', () => {
    throw new Error('thrown');
  });
  emitter.add('error', () => Promise.reject(new Error('rejected')));
  emitter.emit('error', new Error('first'));
  await new Promise(setImmediate);
  assert.equal(written.mock.callCount(), 2);
});

test('each addition has an end of its own, also while it is called', () => {
  const emitter = new Emitter(assert.fail);
  const listener = mock.fn(() => second());
  const first = emitter.add('x', listener);
  const second = emitter.add('x', listener);
  emitter.emit('x', 1);
  assert.equal(listener.mock.callCount(), 2);
  emitter.emit('x', 2);
  assert.equal(listener.mock.callCount(), 3);
  first();
  first();
  assert.equal(emitter.has('x'), false);
  emitter.emit('x', 3);
  assert.equal(listener.mock.callCount(), 3);
});

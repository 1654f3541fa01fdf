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

import { delayAfter } from '../dist/backoff.js';

const backoff = { first: 1000, max: 30_000 };

test('delays double up to the limit, each with a random part', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 20].map((n) => delayAfter(backoff, n, 1006, 1)),
    [1500, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
  assert.deepEqual(
    [1, 2, 3, 20].map((n) => delayAfter(backoff, n, 1006, 0)),
    [1000, 1000, 2000, 15_000],
  );
});

test('a code of a crowded bridge means five times the first delay at least', () => {
  for (const code of [1013, 4429]) {
    assert.deepEqual(
      [0, 1].map((random) => delayAfter(backoff, 1, code, random)),
      [5000, 7500],
    );
    assert.equal(delayAfter(backoff, 6, code, 1), 30_000);
  }
});

test('after 4408 the first attempt follows at once, a further one does not', () => {
  assert.equal(delayAfter(backoff, 1, 4408, 0.5), 0);
  assert(delayAfter(backoff, 2, 4408, 0.5) >= 1000);
});

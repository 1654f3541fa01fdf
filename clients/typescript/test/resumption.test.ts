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

import { Resumption } from '../dist/resumption.js';

let count = 0;
const event = (seq?: number, data: object = { n: ++count }, type = 'mission.started') => ({
  type,
  timestamp: '2026-01-01T00:00:00Z',
  data,
  ...(seq === undefined ? {} : { seq }),
});

/** One that is live in an epoch, after the events up to a number. */
function live(epoch: string, seq: number): Resumption {
  const resumption = new Resumption();
  resumption.established(epoch);
  resumption.finished(epoch, seq);
  return resumption;
}

test('without a number it asks for that of now, then for what follows the highest handled', () => {
  const resumption = new Resumption();
  assert.deepEqual([resumption.begun, resumption.request], [false, { epoch: '', after: 0 }]);
  resumption.established('E');
  resumption.finished('E', 7);
  assert.deepEqual([resumption.begun, resumption.request], [true, { epoch: 'E', after: 7 }]);
  assert(resumption.isNew(event(8)) && resumption.isNew(event(9)));
  assert.deepEqual(resumption.request, { epoch: 'E', after: 9 });
});

test('while events are replayed the old number stays, and none is handled twice', () => {
  const resumption = live('E', 5);
  resumption.established('E');
  assert(resumption.isNew(event(8)));
  assert.deepEqual(resumption.request, { epoch: 'E', after: 5 });
  assert.deepEqual(
    [4, 5, 6, 7, 8].map((seq) => resumption.isNew(event(seq))),
    [false, false, true, true, false],
  );
  // Lost before the end of the replay: all of it is asked for again, and not handled again.
  resumption.established('E');
  assert.deepEqual(resumption.request, { epoch: 'E', after: 5 });
  assert.deepEqual(
    [6, 7, 8, 9].map((seq) => resumption.isNew(event(seq))),
    [false, false, false, true],
  );
  resumption.finished('E', 9);
  assert.deepEqual(resumption.request, { epoch: 'E', after: 9 });
});

test('what was handled in an epoch that is no more says nothing of the next one', () => {
  const resumption = live('E', 5);
  resumption.established('E');
  assert(resumption.isNew(event(6)));
  resumption.established('F');
  assert(resumption.isNew(event(6)));
  // Lost again before it is known from where to resume there.
  resumption.established('F');
  assert.equal(resumption.isNew(event(6)), false);
  assert.deepEqual(resumption.request, { epoch: 'E', after: 5 });
});

test('what was published after the replay and came before its end counts', () => {
  const resumption = live('E', 5);
  resumption.established('E');
  resumption.isNew(event(9));
  resumption.finished('E', 8);
  assert.deepEqual(resumption.request, { epoch: 'E', after: 9 });
});

test('numbers of another epoch mean nothing', () => {
  const resumption = live('E', 50);
  resumption.established('F');
  assert(resumption.isNew(event(1)));
  resumption.finished('F', 3);
  assert.deepEqual(resumption.request, { epoch: 'F', after: 3 });
});

test('an urgent event without a number comes once, whichever comes first', () => {
  for (const [first, second] of [
    [undefined, 6],
    [6, undefined],
    [undefined, undefined],
  ]) {
    const resumption = live('E', 5);
    const data = { estop_id: 'e' };
    assert(resumption.isNew(event(first, data, 'safety.estop')));
    resumption.established('E');
    assert.equal(resumption.isNew(event(second, data, 'safety.estop')), false);
    assert(resumption.isNew(event(undefined, { estop_id: 'f' }, 'safety.estop')));
  }
});

test('two events that look alike and have numbers of their own are two', () => {
  const resumption = live('E', 0);
  assert(resumption.isNew(event(1, { zone_id: 'z' }, 'safety.zone_entered')));
  assert(resumption.isNew(event(2, { zone_id: 'z' }, 'safety.zone_entered')));
});

test('values of the state class come as often as they are sent', () => {
  const resumption = live('E', 0);
  const value = event(undefined, { status: 'idle' }, 'system.status');
  assert(resumption.isNew(value) && resumption.isNew(value));
});

test('what is remembered has a limit', () => {
  const resumption = live('E', 0);
  const first = event();
  resumption.isNew(first);
  for (let n = 0; n < 1000; n++) resumption.isNew(event());
  assert(resumption.isNew(first));
});

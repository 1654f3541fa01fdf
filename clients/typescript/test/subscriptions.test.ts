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

import { Subscriptions } from '../dist/subscriptions.js';

const subscribe = 'subscribe' as const;
const unsubscribe = 'unsubscribe' as const;

test('what was subscribed to is subscribed to again, with its rates', () => {
  const wanted = [{ events: ['telemetry.*', 'safety.*'], rate: 10 }, { events: ['mission.*'] }];
  assert.deepEqual(
    new Subscriptions(wanted).commands,
    wanted.map((each) => ({ type: subscribe, ...each })),
  );
  assert.deepEqual(new Subscriptions([]).commands, []);
});

test('a repetition changes the rate alone', () => {
  const subscriptions = new Subscriptions([
    { events: ['telemetry.realtime', 'safety.*'], rate: 10 },
  ]);
  subscriptions.apply({ type: subscribe, events: ['telemetry.realtime'], rate: 1 });
  assert.deepEqual(subscriptions.commands, [
    { type: subscribe, events: ['safety.*'], rate: 10 },
    { type: subscribe, events: ['telemetry.realtime'], rate: 1 },
  ]);
});

test('what a later change makes void is forgotten', () => {
  const subscriptions = new Subscriptions([{ events: ['*'], rate: 10 }]);
  for (let n = 1; n < 100; n++) {
    subscriptions.apply({ type: subscribe, events: ['telemetry.realtime'], rate: n });
    subscriptions.apply({ type: subscribe, events: ['telemetry.*'], rate: n });
  }
  assert.deepEqual(subscriptions.commands, [
    { type: subscribe, events: ['*'], rate: 10 },
    { type: subscribe, events: ['telemetry.*'], rate: 99 },
  ]);
  subscriptions.apply({ type: unsubscribe, events: ['*'] });
  assert.deepEqual(subscriptions.commands, []);
});

test('the end of a part is kept beside the whole', () => {
  const subscriptions = new Subscriptions([{ events: ['*'] }]);
  subscriptions.apply({ type: unsubscribe, events: ['telemetry.*', 'mission.progress'] });
  assert.deepEqual(subscriptions.commands, [
    { type: subscribe, events: ['*'] },
    { type: unsubscribe, events: ['telemetry.*', 'mission.progress'] },
  ]);
  // A family that only begins alike is another one.
  const other = new Subscriptions([{ events: ['safety.*'] }]);
  other.apply({ type: unsubscribe, events: ['safe.*'] });
  assert.deepEqual(other.commands, [{ type: subscribe, events: ['safety.*'] }]);
});

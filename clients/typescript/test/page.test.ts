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
import { afterEach, test } from 'node:test';

import { addressOf } from '../dist/options.js';
import { watchPage } from '../dist/page.js';

class Page extends EventTarget {
  visibilityState = 'visible';
}
const globals = globalThis as unknown as Record<string, unknown>;

afterEach(() => {
  for (const name of ['window', 'document', 'location']) Reflect.deleteProperty(globals, name);
});

test('what a page reports is passed on, until the end', () => {
  const window = new EventTarget();
  const document = new Page();
  Object.assign(globals, { window, document });
  const heard: string[] = [];
  const end = watchPage({
    visible: (isVisible) => heard.push(isVisible ? 'visible' : 'hidden'),
    online: () => heard.push('online'),
    offline: () => heard.push('offline'),
  });
  document.visibilityState = 'hidden';
  const all: [EventTarget, string][] = [
    [document, 'visibilitychange'],
    [window, 'pageshow'],
    [document, 'resume'],
    [window, 'online'],
    [window, 'offline'],
  ];
  for (const [target, type] of all) target.dispatchEvent(new Event(type));
  assert.deepEqual(heard, ['visible', 'hidden', 'online', 'online', 'online', 'offline']);
  end();
  for (const [target, type] of all) target.dispatchEvent(new Event(type));
  assert.equal(heard.length, 6);
});

test('outside a page there is nothing to report', () => {
  const never = (): void => assert.fail();
  watchPage({ visible: never, online: never, offline: never })();
});

test('a page connects to where it came from', () => {
  globals['location'] = { origin: 'https://vehicle.example:8000' };
  assert.equal(addressOf({}), 'wss://vehicle.example:8000/ws/telemetry');
  assert.equal(addressOf({ url: 'ws://other/ws/telemetry' }), 'ws://other/ws/telemetry');
});

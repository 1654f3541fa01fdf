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

import { BridgeError } from '../dist/errors.js';
import { World } from './world.js';

test('each call gets its own reply', () => {
  const world = new World().live();
  world.do((core) => core.call(1, 'get_config', {}, 5000));
  const [first] = [world.last('get_config')];
  world.do((core) => core.call(2, 'get_config', {}, 5000));
  const second = world.last('get_config');
  for (const { request_id } of [second, first!]) {
    world.receive({
      type: 'command.result',
      request_id,
      data: { accepted: request_id === first!.request_id },
    });
  }
  assert.deepEqual(
    world.all('settle').map(({ call, result }) => [call, result]),
    [
      [2, { accepted: false }],
      [1, { accepted: true }],
    ],
  );
});

test('the status that answers a command is a reply, not an event', () => {
  const world = new World().live();
  world.do((core) => core.call(1, 'get_system_status', {}, 5000));
  world.answer('get_system_status', 'system.status', { status: 'idle' });
  assert.deepEqual(world.all('settle')[0]!.result, { status: 'idle' });
  assert.deepEqual(world.all('event'), []);
});

test('an error of the bridge has its code', () => {
  const world = new World().live();
  world.do((core) => core.call(1, 'clear_estop', {}, 5000));
  world.refuse('clear_estop', 'WS-006');
  const { error } = world.all('fail')[0]!;
  assert(error instanceof BridgeError);
  assert.deepEqual([error.code, error.temporary, error.outcome], ['WS-006', false, 'refused']);
  assert.equal(error.message, 'WS-006 Name: why');
  assert.deepEqual(world.all('error'), []);
});

test('without a connection nothing is sent, neither now nor later', () => {
  const world = new World();
  const outcomes = (): unknown[] =>
    world.all('fail').map(({ error }) => (error as { outcome?: string }).outcome);
  world.do((core) => core.call(1, 'pause_mission', {}, 5000));
  world.do((core) => core.connect());
  world.pass(0);
  world.do((core) => core.call(2, 'pause_mission', {}, 5000));
  world.open();
  world.established();
  world.do((core) => core.call(3, 'pause_mission', {}, 5000));
  world.restored();
  world.lose();
  world.do((core) => core.call(4, 'pause_mission', {}, 5000));
  assert.deepEqual(outcomes(), ['not_sent', 'not_sent', 'not_sent', 'not_sent']);
  world.again();
  world.do((core) => core.close());
  world.do((core) => core.call(5, 'pause_mission', {}, 5000));
  assert.equal(world.all('send').filter(({ text }) => text.includes('pause_mission')).length, 0);
  assert.equal(outcomes().length, 5);
});

test('a command above 16,384 bytes is not sent', () => {
  const world = new World().live();
  // 2 bytes a character.
  world.do((core) => core.call(1, 'update_config', { changes: { a: 'ä'.repeat(8200) } }, 5000));
  world.do((core) => core.call(2, 'update_config', { changes: { a: 'ä'.repeat(8100) } }, 5000));
  assert.deepEqual(
    world.all('fail').map(({ call, error }) => [call, error.name]),
    [[1, 'NotSent']],
  );
  assert.equal(world.types().filter((type) => type === 'update_config').length, 1);
});

test('without a reply in time, or after a loss, the outcome is unknown; a late reply disturbs nobody', () => {
  const world = new World({ token: 'T', probeAfter: 1e9 }).live();
  world.do((core) => core.call(1, 'get_config', {}, 300));
  world.do((core) => core.call(2, 'list_modules', {}, 5000));
  world.pass(300);
  assert.deepEqual(
    world.all('fail').map(({ call, error }) => [call, error.name]),
    [[1, 'OutcomeUnknown']],
  );
  world.answer('get_config', 'command.result', { accepted: true });
  world.refuse('get_config', 'WS-009');
  assert.deepEqual([world.all('settle'), world.all('error')], [[], []]);
  world.lose();
  assert.equal(world.all('fail')[1]!.error.name, 'OutcomeUnknown');
});

test('a limit without an end is none', () => {
  const world = new World({ token: 'T', probeAfter: Infinity }).live();
  world.do((core) => core.call(1, 'get_config', {}, Infinity));
  assert.equal(world.core.nextTick(), Infinity);
});

test('who aborts waits no longer, and learns that it may have happened', () => {
  const world = new World().live();
  world.do((core) => core.call(1, 'pause_mission', {}, 5000));
  world.do((core) => core.abort(1, 'enough'));
  const { error } = world.all('fail')[0]!;
  assert.deepEqual(
    [error.name, error.cause, (error as { outcome?: string }).outcome],
    ['AbortError', 'enough', 'unknown'],
  );
  world.answer('pause_mission', 'command.result', { accepted: true });
  world.do((core) => core.abort(1, 'again'));
  assert.deepEqual([world.all('settle').length, world.all('fail').length], [0, 1]);
  assert.equal(world.core.state.name, 'live');
});

test('an error that answers nothing that was asked for is reported', () => {
  const world = new World().live();
  const error = {
    type: 'error',
    error_code: 'WS-005',
    error_name: 'N',
    description: 'd',
    temporary: false,
  };
  world.receive({ ...error, seq: 8 });
  assert.deepEqual(
    world.all('error').map(({ error: { name } }) => name),
    ['BridgeError'],
  );
  // It stood for an event of this number.
  world.lose();
  world.again();
  assert.equal(world.last('resume')['after'], 8);
});

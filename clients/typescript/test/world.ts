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
// A core whose time and chance the test decides, and a bridge that answers when it says so.
import assert from 'node:assert/strict';

import type { Action } from '../dist/actions.js';
import { Core } from '../dist/core.js';
import type { Options } from '../dist/options.js';
import { settingsOf } from '../dist/options.js';

export type Sent = { readonly type: string; readonly request_id: string } & Record<
  string,
  unknown
>;

const REPLIES: Readonly<Record<string, string>> = {
  resume: 'resume.result',
  subscribe: 'subscription.confirmed',
  unsubscribe: 'subscription.removed',
};

/** A core, and all that came of it. */
export class World {
  now = 0;
  /** How far the date runs ahead of the steady clock, ms. */
  ahead = 1_700_000_000_000;
  chance = 0;
  readonly core: Core;
  readonly log: Action[] = [];

  constructor(options: Partial<Options> = { token: 'T' }) {
    this.core = new Core(settingsOf(options as Options), {
      steady: () => this.now,
      wall: () => this.now + this.ahead,
      random: () => this.chance,
    });
  }

  /** Do something, and take what comes of it. */
  do(work: (core: Core) => void): Action[] {
    work(this.core);
    const actions = this.core.take();
    this.log.push(...actions);
    return actions;
  }

  /** Let time pass, with a tick whenever one is due. */
  pass(ms: number): Action[] {
    const actions: Action[] = [];
    const end = this.now + ms;
    for (let due = this.core.nextTick(); due <= end; due = this.core.nextTick()) {
      this.now = Math.max(this.now, due);
      actions.push(...this.do((core) => core.tick()));
    }
    this.now = end;
    return actions;
  }

  all<D extends Action['do']>(kind: D): Extract<Action, { do: D }>[] {
    return this.log.filter((action): action is Extract<Action, { do: D }> => action.do === kind);
  }

  get states(): string[] {
    return this.all('state').map(({ state }) => state.name);
  }

  /** The newest connection. */
  get connection(): number {
    return this.all('open').at(-1)!.connection;
  }

  sent(connection = this.connection): Sent[] {
    return this.all('send')
      .filter((action) => action.connection === connection)
      .map(({ text }) => JSON.parse(text) as Sent);
  }

  types(connection = this.connection): string[] {
    return this.sent(connection).map(({ type }) => type);
  }

  /** The newest message of a type. */
  last(type: string, connection = this.connection): Sent {
    const sent = this.sent(connection)
      .filter((message) => message.type === type)
      .at(-1);
    assert(sent, `no ${type} was sent`);
    return sent;
  }

  open(connection = this.connection): Action[] {
    return this.do((core) => core.opened(connection));
  }

  receive(message: object, connection = this.connection): Action[] {
    const text = JSON.stringify({ timestamp: stamp(this.now), ...message });
    return this.do((core) => core.received(connection, text));
  }

  lose(code = 1006, connection = this.connection): Action[] {
    return this.do((core) => core.closed(connection, code, ''));
  }

  /** Answer a message that the client sent. */
  answer(type: string, reply: string, data: object = {}): Action[] {
    return this.receive({ type: reply, data, request_id: this.last(type).request_id });
  }

  /** Refuse a message that the client sent. */
  refuse(type: string, code: string): Action[] {
    const { request_id } = this.last(type);
    const error = { error_code: code, error_name: 'Name', description: 'why', temporary: false };
    return this.receive({ type: 'error', request_id, ...error });
  }

  established(data: object = {}): Action[] {
    return this.answer('auth', 'connection.established', {
      role: 'operator',
      epoch: 'E',
      expires_at: stamp(this.now + 900_000),
      ...data,
    });
  }

  /** Answer all that the client sent to restore itself. */
  restored({ epoch = 'E', seq = 0, recovered = true } = {}): void {
    for (const { type, request_id } of this.sent()) {
      const reply = REPLIES[type];
      const data =
        type === 'resume'
          ? { recovered, replayed: 0, epoch, seq }
          : { events: [], rates: {}, denied: [] };
      if (reply !== undefined) this.receive({ type: reply, request_id, data });
    }
  }

  /** Make a connection live, from wherever the client is. */
  live(resumed: { epoch?: string; seq?: number; recovered?: boolean; role?: string } = {}): this {
    const { role = 'operator', ...result } = resumed;
    if (this.core.state.name !== 'connecting') this.do((core) => core.connect());
    this.pass(0);
    this.open();
    this.established({ epoch: result.epoch ?? 'E', role });
    this.restored(result);
    assert.equal(this.core.state.name, 'live');
    return this;
  }

  /** Wait for the next attempt, and make it live. */
  again(resumed: Parameters<World['live']>[0] = {}): this {
    assert.equal(this.core.state.name, 'waiting');
    while (this.core.state.name === 'waiting') this.pass(this.core.nextTick() - this.now);
    return this.live(resumed);
  }

  /** Receive an event; what is reported of it. */
  event(type: string, rest: object = {}): Action[] {
    return this.receive({ type, data: {}, ...rest }).filter((action) => action.do === 'event');
  }
}

export const stamp = (ms: number): string => new Date(ms).toISOString();

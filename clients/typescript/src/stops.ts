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
import type { Action, Clock, TokenPair } from './actions.js';
import { Aborted, BridgeError, NotSent } from './errors.js';
import type { AnyEvent } from './events.js';
import { encode, parse } from './messages.js';
import type { Message } from './messages.js';
import type { CommandResultData, ErrorMessage } from './protocol.js';

/** Without a confirmation after so long, further connections are made, ms. */
const DOUBTED = 500;
const PERIOD = 1000;

/** What became of an emergency stop. */
export interface StopResult {
  /** Whether the vehicle said that it is stopped. */
  readonly confirmed: boolean;
  /** The stop that it reported. */
  readonly estop_id?: string;
  /** When the bridge wrote the result that confirmed it; absent where an event did, which has its own. */
  readonly time?: string;
  /** Until the confirmation or the end of the attempts, ms. */
  readonly after_ms: number;
  /** Where nothing confirmed it: whether it was sent at all. */
  readonly outcome?: 'not_sent' | 'unknown';
  /** What the vehicle said last, where it did not accept. */
  readonly message?: string;
}

interface Press {
  readonly call: number;
  readonly since: number;
  readonly deadline: number;
}

interface Attempt {
  readonly ids: Set<string>;
  open: boolean;
}

/** What the stops need of the core. */
export interface StopContext {
  readonly clock: Clock;
  readonly actions: Action[];
  readonly pair: () => TokenPair | undefined;
  readonly clientId: string | undefined;
  /** Connection of the live session; undefined if there is none. */
  readonly live: () => number | undefined;
  nextId(): string;
  nextConnection(): number;
}

/**
 * Emergency stops under way: the only command that is sent again, on connections of its own.
 *
 * A press of the button while another is under way shares its connections. It is sent too where no
 * command waits for its answer: a storm of presses is one command until the vehicle has answered.
 */
export class Stops {
  #presses: Press[] = [];
  #reason: string | undefined;
  #next = Infinity;
  #sent = false;
  /** A connection was made for it. */
  #tried = false;
  #message: string | undefined;
  /** Requests on the connection of the session. */
  readonly #ids = new Set<string>();
  /** The connection of the session on which one of them waits for its answer. */
  #asked: number | undefined;
  readonly #attempts = new Map<number, Attempt>();
  readonly #context: StopContext;
  /** The last reported status; a vehicle that was stopped before confirms nothing by it. */
  #status: unknown;

  constructor(context: StopContext) {
    this.#context = context;
  }

  /** Stop the vehicle: send at once, and again until it is confirmed or `timeout` is over. */
  press(call: number, reason: string | undefined, timeout: number): void {
    const now = this.#context.clock.steady();
    const first = this.#presses.length === 0;
    this.#presses.push({ call, since: now, deadline: now + timeout });
    this.#reason = reason;
    const live = this.#context.live();
    if (live !== undefined && live !== this.#asked) {
      this.#asked = live;
      this.#send(live, this.#ids);
    }
    for (const [connection, { open, ids }] of this.#attempts) {
      if (open && ids.size === 0) this.#send(connection, ids);
    }
    if (first) this.#next = now + (this.#sent ? DOUBTED : 0);
  }

  /** End the waiting for a stop; whether it was under way. */
  abort(call: number, cause: unknown): boolean {
    const press = this.#presses.find((each) => each.call === call);
    if (press === undefined) return false;
    const error = new Aborted('emergency_stop: aborted', this.#outcome, cause);
    this.#context.actions.push({ do: 'fail', call, error });
    this.#remove([press]);
    return true;
  }

  /** End all with their outcome: the client is closed. */
  close(): void {
    this.#unconfirmed(this.#presses);
  }

  /** When `tick` is due. */
  nextTick(): number {
    return Math.min(this.#next, ...this.#presses.map(({ deadline }) => deadline));
  }

  /** Do what is due by time. */
  tick(): void {
    const now = this.#context.clock.steady();
    this.#unconfirmed(this.#presses.filter(({ deadline }) => deadline <= now));
    if (this.#presses.length === 0 || this.#next > now) return;
    this.#next = now + (this.#sent || this.#tried ? PERIOD : DOUBTED);
    this.#tried = true;
    if (this.#context.pair() === undefined) return;
    const connection = this.#context.nextConnection();
    this.#attempts.set(connection, { ids: new Set(), open: false });
    this.#context.actions.push({ do: 'open', connection });
  }

  /** Whether a connection belongs to a stop. */
  owns(connection: number): boolean {
    return this.#attempts.has(connection);
  }

  /** A connection is open: authenticate and stop in one go. */
  opened(connection: number): void {
    const attempt = this.#attempts.get(connection)!;
    const { token } = this.#context.pair() ?? { token: '' };
    const { clientId, actions } = this.#context;
    const fields = { token, ...(clientId === undefined ? {} : { client_id: clientId }) };
    const text = encode('auth', fields, this.#context.nextId());
    actions.push({ do: 'send', connection, text });
    attempt.open = true;
    this.#send(connection, attempt.ids);
  }

  /** Take a frame of a connection of a stop. */
  received(connection: number, data: unknown): void {
    const message = parse(data);
    const ids = this.#attempts.get(connection)!.ids;
    if (message?.request_id !== undefined && ids.delete(message.request_id))
      this.#answered(message);
  }

  /** A connection of a stop ended; the next attempt follows by time. */
  closed(connection: number): void {
    this.#attempts.delete(connection);
  }

  /** Take a frame of the session's connection; whether it answers a stop. */
  answers(data: unknown): boolean {
    if (this.#ids.size === 0 || typeof data !== 'string' || !data.includes('request_id'))
      return false;
    const message = parse(data);
    if (message?.request_id === undefined || !this.#ids.delete(message.request_id)) return false;
    this.#asked = undefined;
    this.#answered(message);
    return true;
  }

  /** Take an event: it may confirm a stop, but not one that a session receives to be restored. */
  event(event: AnyEvent, isLive: boolean): void {
    if (event.type === 'safety.estop' && isLive) this.#confirmed(event.data.estop_id);
    if (event.type !== 'system.status') return;
    const { status } = event.data;
    const before = this.#status;
    this.#status = status;
    if (isLive && status === 'estop' && before !== undefined && before !== 'estop') {
      this.#confirmed();
    }
  }

  #answered(message: Message): void {
    if (message.type === 'error') {
      const error = new BridgeError(message as unknown as ErrorMessage);
      this.#message = error.message;
      // No repetition gives a role the right.
      if (error.code !== 'WS-006') return;
      for (const { call } of this.#presses)
        this.#context.actions.push({ do: 'fail', call, error });
      this.#remove(this.#presses);
      return;
    }
    const data = message.data as CommandResultData;
    this.#message = data.message;
    if (!data.accepted) return;
    this.#confirmed(data['estop_id'] as string | undefined, message.timestamp);
  }

  #confirmed(estopId?: string, time?: string): void {
    const now = this.#context.clock.steady();
    const said = {
      ...(estopId === undefined ? {} : { estop_id: estopId }),
      ...(time === undefined ? {} : { time }),
    };
    for (const { call, since } of this.#presses) {
      const result = { confirmed: true, ...said, after_ms: now - since };
      this.#context.actions.push({ do: 'stopped', call, result });
    }
    this.#remove(this.#presses);
  }

  #unconfirmed(presses: readonly Press[]): void {
    const now = this.#context.clock.steady();
    for (const { call, since } of presses) {
      const message = this.#message === undefined ? {} : { message: this.#message };
      const result = {
        confirmed: false,
        after_ms: now - since,
        outcome: this.#outcome,
        ...message,
      };
      this.#context.actions.push({ do: 'stopped', call, result });
    }
    this.#remove(presses);
  }

  #remove(presses: readonly Press[]): void {
    if (presses.length === 0) return;
    this.#presses = this.#presses.filter((each) => !presses.includes(each));
    if (this.#presses.length > 0) return;
    // Nothing of it is sent later.
    for (const connection of this.#attempts.keys()) {
      this.#context.actions.push({ do: 'close', connection, code: 1000, reason: '' });
    }
    this.#attempts.clear();
    this.#ids.clear();
    this.#next = Infinity;
    this.#sent = this.#tried = false;
    this.#asked = undefined;
    this.#message = undefined;
  }

  get #outcome(): 'not_sent' | 'unknown' {
    return this.#sent ? 'unknown' : 'not_sent';
  }

  #send(connection: number, ids: Set<string>): void {
    const id = this.#context.nextId();
    ids.add(id);
    this.#sent = true;
    const fields = this.#reason === undefined ? {} : { reason: this.#reason };
    const text = encode('emergency_stop', fields, id);
    this.#context.actions.push({ do: 'send', connection, text });
  }
}

/** The error of a stop of a client that is closed. */
export const closedError = (): NotSent => new NotSent('emergency_stop: the client is closed');

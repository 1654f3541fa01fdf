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
import { BridgeError, NotSent, OutcomeUnknown } from './errors.js';
import type { AnyEvent } from './events.js';
import { encode, parse, tooLong } from './messages.js';
import type { Message } from './messages.js';
import type { Settings } from './options.js';
import { DELIVERY } from './protocol.js';
import type {
  AuthRefreshedData,
  ConnectionEstablishedData,
  ErrorMessage,
  ResumeResultData,
  SubscriptionConfirmedData,
} from './protocol.js';
import type { Resumption } from './resumption.js';
import type { Change, Subscriptions } from './subscriptions.js';

/** A tick that comes so much later than it was due comes after a pause of the program, ms. */
const PAUSED = 1000;

/** What a session reports to the core. */
export interface Owner {
  established(data: ConnectionEstablishedData): void;
  live(): void;
  expiring(): void;
  refreshed(data: AuthRefreshedData): void;
  event(event: AnyEvent): void;
  /** Events may have been missed, if there was an earlier connection. */
  gap(until: string): void;
  /** The connection is of no use: close it. */
  failed(code: number, reason: string): void;
}

/** What sessions share, and what outlives them. */
export interface Context {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly actions: Action[];
  readonly subscriptions: Subscriptions;
  readonly resumption: Resumption;
  /** A text that no request had before. */
  nextId(): string;
}

interface Call {
  readonly call: number;
  readonly command: string;
  readonly deadline: number;
  readonly change: Change | undefined;
}

/** The protocol on one connection: authentication, restoring, commands, events, probing. */
export class Session {
  /** Why the bridge refused the token, if it did. */
  refusal: BridgeError | undefined;
  /** The vehicle's time of the last message. */
  stamp = '';
  isLive = false;
  isEstablished = false;
  #deadline: number;
  #heard: number;
  #pongBy = Infinity;
  #auth = '';
  /** Requests of the restoring that are not answered yet. */
  readonly #restoring = new Set<string>();
  /** Requests of the session itself that are not answered yet. */
  readonly #own = new Set<string>();
  readonly #calls = new Map<string, Call>();
  readonly #context: Context;
  readonly #owner: Owner;
  readonly connection: number;

  constructor(connection: number, context: Context, owner: Owner) {
    this.connection = connection;
    this.#context = context;
    this.#owner = owner;
    this.#heard = context.clock.steady();
    this.#deadline = this.#heard + context.settings.connectTimeout;
  }

  /** The connection is open: authenticate and restore, all in one go. */
  opened(pair: TokenPair): void {
    const { settings, resumption, subscriptions } = this.#context;
    this.#auth = this.#request('auth', {
      token: pair.token,
      ...(settings.clientId === undefined ? {} : { client_id: settings.clientId }),
      ...(settings.resume ? { resume: true } : {}),
      ...(settings.refresh === 'server' && pair.refreshToken !== undefined
        ? { refresh_token: pair.refreshToken }
        : {}),
    });
    // Without a number yet it is asked for first, when no event can be on its way.
    if (settings.resume && !resumption.begun) this.#resume();
    this.restore();
    if (settings.resume && resumption.begun) this.#resume();
    if (subscriptions.commands.length === 0 && !settings.resume)
      this.#restoring.add(this.#request('ping'));
  }

  /** Subscribe to what is wanted, also after a change of the role: patterns are expanded then. */
  restore(): void {
    for (const change of this.#context.subscriptions.commands) this.#change(change);
  }

  /** Subscribe to what is wanted since the restoring began; before that it is a part of it. */
  change(change: Change): void {
    if (this.#auth !== '') this.#change(change);
  }

  #change({ type, ...fields }: Change): void {
    const id = this.#request(type, fields);
    if (!this.isLive) this.#restoring.add(id);
  }

  /** Extend the session. */
  refresh(type: 'auth' | 'refresh_token', fields: object): void {
    this.#request(type, fields);
  }

  /** Send a command of the user. */
  call(call: number, command: string, fields: object, timeout: number, change?: Change): void {
    const id = this.#context.nextId();
    const text = encode(command, fields, id);
    if (tooLong(text)) {
      const error = new NotSent(`${command} is above 16,384 bytes`);
      this.#context.actions.push({ do: 'fail', call, error });
      return;
    }
    const deadline = this.#context.clock.steady() + timeout;
    this.#calls.set(id, { call, command, deadline, change });
    this.#send(text);
  }

  /** Forget a call; whether it was under way here. */
  forget(call: number): boolean {
    for (const [id, each] of this.#calls) {
      if (each.call !== call) continue;
      if (each.change) this.#context.subscriptions.apply(each.change);
      return this.#calls.delete(id);
    }
    return false;
  }

  /** Ask at once whether the bridge is there. */
  probe(): void {
    if (!this.isLive) return;
    this.#request('ping');
    this.#pongBy = this.#context.clock.steady() + this.#context.settings.pongTimeout;
  }

  /** The connection ended: what was under way has an unknown outcome. */
  ended(reason: string): void {
    for (const { call, command, change } of this.#calls.values()) {
      // It may be in force already; so that it is in any case, it is restored.
      if (change) this.#context.subscriptions.apply(change);
      const error = new OutcomeUnknown(
        `${command}: the connection was lost before the reply: ${reason}`,
      );
      this.#context.actions.push({ do: 'fail', call, error });
    }
    this.#calls.clear();
  }

  /** When `tick` is due. */
  nextTick(visible: boolean): number {
    const calls = [...this.#calls.values()].map(({ deadline }) => deadline);
    return Math.min(this.#deadline, this.#probeAt(visible), ...calls);
  }

  /** Do what is due by time. */
  tick(visible: boolean): void {
    const now = this.#context.clock.steady();
    for (const [id, { call, command, deadline, change }] of this.#calls) {
      if (deadline > now) continue;
      this.#calls.delete(id);
      if (change) this.#context.subscriptions.apply(change);
      const error = new OutcomeUnknown(`${command}: no reply in time`);
      this.#context.actions.push({ do: 'fail', call, error });
    }
    if (this.#deadline <= now) {
      this.#owner.failed(
        4000,
        this.isEstablished ? 'not restored in time' : 'no connection in time',
      );
    } else if (this.#probeAt(visible) <= now) {
      // After a pause the pong may have come and not have been read yet.
      if (this.#pongBy === Infinity || now - this.#pongBy > PAUSED) this.probe();
      else this.#owner.failed(4000, 'no pong');
    }
  }

  #probeAt(visible: boolean): number {
    if (!this.isLive || !visible) return Infinity;
    return this.#pongBy < Infinity
      ? this.#pongBy
      : this.#heard + this.#context.settings.probeAfter;
  }

  /** Take a frame. */
  received(data: unknown): void {
    const message = parse(data);
    if (message === undefined) return this.#unreadable(data);
    this.#heard = this.#context.clock.steady();
    this.#pongBy = Infinity;
    this.stamp = message.timestamp;
    try {
      this.#take(message);
    } catch (error) {
      this.#unreadable(data, error);
    }
  }

  #unreadable(data: unknown, cause?: unknown): void {
    const text = typeof data === 'string' ? data.slice(0, 80) : 'a binary frame';
    const error = new Error(`not a message of the protocol: ${text}`, { cause });
    this.#context.actions.push({ do: 'error', error });
    this.#owner.failed(4000, 'not a message of the protocol');
  }

  #take(message: Message): void {
    switch (message.type) {
      case 'connection.established':
        return this.#established(message.data as ConnectionEstablishedData);
      case 'auth.expiring':
        return this.#owner.expiring();
      case 'auth.refreshed':
        this.#owner.refreshed(message.data as AuthRefreshedData);
        break;
      case 'error':
        return this.#refused(message as Message & ErrorMessage);
      case 'resume.result':
        this.#resumed(message.data as ResumeResultData);
        break;
    }
    if (message.request_id !== undefined) this.#answered(message.request_id, message);
    else if (DELIVERY.has(message.type) && this.#context.resumption.isNew(message)) {
      this.#owner.event(message as AnyEvent);
    }
  }

  #established(data: ConnectionEstablishedData): void {
    if (this.isEstablished) return;
    this.isEstablished = true;
    this.#deadline = this.#heard + this.#context.settings.commandTimeout;
    this.#context.resumption.established(data.epoch);
    this.#owner.established(data);
  }

  #refused(message: ErrorMessage & Message): void {
    const error = new BridgeError(message);
    const { request_id: id, seq } = message;
    // It stands for an event that was too large to send.
    if (seq !== undefined) this.#context.resumption.isNew(message);
    const call = id === undefined ? undefined : this.#calls.get(id);
    if (call !== undefined) {
      this.#calls.delete(id as string);
      this.#context.actions.push({ do: 'fail', call: call.call, error });
    } else if (id !== undefined && id === this.#auth) {
      this.refusal = error;
      // Of a token that is refused the core makes what is to be made.
      if (error.code !== 'WS-001') this.#context.actions.push({ do: 'error', error });
    } else if (id === undefined || this.#own.has(id)) {
      this.#context.actions.push({ do: 'error', error });
    }
    // Without what it wants it is not live, and the same may be granted later.
    if (id !== undefined && error.temporary && this.#restoring.has(id)) {
      return this.#owner.failed(4000, error.message);
    }
    if (id !== undefined) this.#done(id);
  }

  #answered(id: string, message: Message): void {
    const call = this.#calls.get(id);
    if (call !== undefined) {
      this.#calls.delete(id);
      if (call.change) {
        // Without the patterns that the bridge does not know.
        const { events, denied = [] } = message.data as Partial<SubscriptionConfirmedData>;
        this.#context.subscriptions.apply({
          ...call.change,
          events: [...(events ?? []), ...denied],
        });
      }
      this.#context.actions.push({ do: 'settle', call: call.call, result: message.data });
    }
    this.#done(id);
  }

  #resume(): void {
    this.#restoring.add(this.#request('resume', this.#context.resumption.request));
  }

  #resumed(data: ResumeResultData): void {
    this.#context.resumption.finished(data.epoch, data.seq ?? 0);
    if (!data.recovered) this.#owner.gap(this.stamp);
  }

  #done(id: string): void {
    this.#own.delete(id);
    if (!this.#restoring.delete(id) || this.#restoring.size > 0 || !this.isEstablished) return;
    this.isLive = true;
    this.#deadline = Infinity;
    this.#owner.live();
  }

  #request(type: string, fields: object = {}): string {
    const id = this.#context.nextId();
    this.#own.add(id);
    this.#send(encode(type, fields, id));
    return id;
  }

  #send(text: string): void {
    this.#context.actions.push({ do: 'send', connection: this.connection, text });
  }
}

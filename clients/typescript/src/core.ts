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
import type { Action, Clock, TokenPair, TokenReason } from './actions.js';
import { delayAfter } from './backoff.js';
import { Aborted, Denied, NotSent } from './errors.js';
import type { AnyEvent } from './events.js';
import type { Settings } from './options.js';
import type { AuthRefreshedData, ConnectionEstablishedData } from './protocol.js';
import { Resumption } from './resumption.js';
import { Session } from './session.js';
import type { Context, Owner } from './session.js';
import { mayFollow } from './states.js';
import type { State } from './states.js';
import { Stops, closedError } from './stops.js';
import { Subscriptions } from './subscriptions.js';
import type { Change } from './subscriptions.js';

/** A connection that lived so long is stable: the delays begin again, ms. */
const STABLE = 10_000;
/** No more than one attempt in this time, whatever asks for it, ms. */
const AT_MOST_EACH = 1000;
/** When the date runs ahead of the steady clock by so much, the machine slept, ms. */
const SLEPT = 2000;
/** A bridge that was given a refresh token may have used it so long before the end, ms. */
const REFRESHED_BEFORE = 120_000;
/** Close code of a connection that ended without a close frame. */
const ABNORMAL = 1006;

/**
 * A client without I/O: what happened goes in, what is to be done comes out.
 *
 * After each method the caller takes the actions with `take` and carries them out in order, then
 * calls `tick` when `nextTick` says. What comes of a connection that it has closed it does not
 * report.
 */
export class Core {
  state: State = { name: 'idle' };
  role = '';
  established: ConnectionEstablishedData | undefined;
  /** When the bridge wrote that, by the clock of the vehicle. */
  establishedAt: string | undefined;
  #actions: Action[] = [];
  #pair: TokenPair | undefined;
  /** What the function that supplies tokens is asked for, and since which question. */
  #asking: { readonly ticket: number; readonly reason: TokenReason } | undefined;
  /** For which reason it is asked next; undefined: the pair will do. */
  #wanted: TokenReason | undefined;
  #askAgain = Infinity;
  /** The present token was given for one that was refused. */
  #fresh = false;
  /** Refresh tokens that were sent. */
  readonly #spent = new Set<string>();
  /** When the session ends unless it is extended. */
  #expires = Infinity;
  #session: Session | undefined;
  #due = Infinity;
  #begun = -Infinity;
  #liveSince = Infinity;
  #failures = 0;
  #refusals = 0;
  /** Why the bridge refused the last token, while no other one was given. */
  #refusal: string | undefined;
  #lastStamp: string | undefined;
  #visible = true;
  #skew: number;
  #counter = 0;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #context: Context;
  readonly #stops: Stops;

  constructor(settings: Settings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#pair = settings.pair;
    this.#skew = clock.wall() - clock.steady();
    const nextId = (): string => `${++this.#counter}`;
    this.#context = {
      settings,
      clock,
      actions: this.#actions,
      subscriptions: new Subscriptions(settings.subscriptions),
      resumption: new Resumption(),
      nextId,
    };
    this.#stops = new Stops({
      clock,
      actions: this.#actions,
      clientId: settings.clientId,
      pair: () => this.#pair,
      live: () => (this.state.name === 'live' ? this.#session?.connection : undefined),
      nextId,
      nextConnection: () => ++this.#counter,
    });
  }

  /** Return the actions since the last call. */
  take(): Action[] {
    return this.#actions.splice(0);
  }

  // What the user asks for

  /** Begin to connect, unless that has begun. */
  connect(): void {
    if (!['idle', 'denied', 'closed'].includes(this.state.name)) return;
    this.#failures = this.#refusals = 0;
    this.#refusal = undefined;
    this.#fresh = false;
    // The token that was refused would be refused again.
    if (this.state.name === 'denied' && this.#settings.asks) this.#pair = undefined;
    this.#begin(this.#pair === undefined ? 'first' : undefined);
  }

  /** End the connection and all that is under way. */
  close(): void {
    if (this.state.name === 'closed') return;
    this.#stops.close();
    this.#end(1000, 'closed by the user');
    this.#enter({ name: 'closed' });
  }

  /** Do not wait any longer for the next attempt. */
  retry(): void {
    if (this.state.name !== 'waiting') return;
    this.#due = Math.max(this.#clock.steady(), this.#begun + AT_MOST_EACH);
  }

  /** Send a command; a subscription without a live connection is noted and restored. */
  call(call: number, command: string, fields: object, timeout: number): void {
    const change =
      command === 'subscribe' || command === 'unsubscribe'
        ? ({ type: command, ...fields } as Change)
        : undefined;
    if (this.state.name === 'live') {
      this.#session!.call(call, command, fields, timeout, change);
    } else if (change) {
      this.#context.subscriptions.apply(change);
      this.#session?.change(change);
      this.#actions.push({ do: 'settle', call, result: null });
    } else {
      const error = new NotSent(`${command}: there is no connection (${this.state.name})`);
      this.#actions.push({ do: 'fail', call, error });
    }
  }

  /** Stop the vehicle, by all means for `timeout`. */
  stop(call: number, reason: string | undefined, timeout: number): void {
    if (this.state.name === 'closed') {
      this.#actions.push({ do: 'fail', call, error: closedError() });
    } else this.#stops.press(call, reason, timeout);
  }

  /** End the waiting for a command or a stop. */
  abort(call: number, cause: unknown): void {
    if (this.#stops.abort(call, cause) || !this.#session?.forget(call)) return;
    this.#actions.push({
      do: 'fail',
      call,
      error: new Aborted('aborted after sending', 'unknown', cause),
    });
  }

  // What the surroundings report

  /** The page is shown, or hidden; while it is hidden, timers run once a minute. */
  setVisible(visible: boolean): void {
    if (visible === this.#visible) return;
    this.#visible = visible;
    if (visible) this.wake();
  }

  /** There may be a network again, or the program ran on after a pause. */
  wake(): void {
    this.retry();
    this.#session?.probe();
  }

  /** There is no network. */
  offline(): void {
    if (this.#session) this.#lose(ABNORMAL, 'offline', 4000);
  }

  /** A connection is open. */
  opened(connection: number): void {
    if (this.#stops.owns(connection)) return this.#stops.opened(connection);
    if (this.#session?.connection !== connection || this.#pair === undefined) return;
    const pair = this.#pair;
    this.#enter({ name: 'authenticating' });
    this.#session.opened(pair);
  }

  /** A connection received a frame. */
  received(connection: number, data: unknown): void {
    if (this.#stops.owns(connection)) return this.#stops.received(connection, data);
    if (this.#session?.connection !== connection) return;
    if (!this.#stops.answers(data)) this.#session.received(data);
  }

  /** A connection ended by itself, or was not made. */
  closed(connection: number, code: number, reason: string): void {
    if (this.#stops.owns(connection)) return this.#stops.closed(connection);
    if (this.#session?.connection === connection) this.#lose(code, reason);
  }

  /** The function that supplies tokens gave one, or none. */
  gave(ticket: number, pair: TokenPair | null): void {
    if (this.#asking?.ticket !== ticket) return;
    const { reason } = this.#asking;
    this.#asking = undefined;
    if (this.#session) return this.#extend(pair);
    if (pair === null) return this.#deny(this.#refusal || 'there is no token');
    this.#refusal = undefined;
    this.#pair = pair;
    this.#expires = Infinity;
    this.#fresh = reason === 'refused';
    this.#wanted = undefined;
    this.#due = this.#clock.steady();
  }

  /** The function that supplies tokens failed. */
  failedToGive(ticket: number, error: Error): void {
    if (this.#asking?.ticket !== ticket) return;
    this.#asking = undefined;
    this.#actions.push({ do: 'error', error });
    const delay = this.#settings.backoff.first * (5 + 5 * this.#clock.random());
    if (this.#session) this.#askAgain = this.#clock.steady() + delay;
    else this.#wait(delay, ABNORMAL, 'no token');
  }

  // Time

  /** When `tick` is due, on the steady clock; Infinity: not at all. */
  nextTick(): number {
    const session = this.#session?.nextTick(this.#visible) ?? Infinity;
    return Math.min(this.#due, this.#askAgain, session, this.#stops.nextTick());
  }

  /** Do what is due by time. */
  tick(): void {
    const now = this.#clock.steady();
    const skew = this.#clock.wall() - now;
    if (skew - this.#skew > SLEPT && this.#visible) this.wake();
    this.#skew = skew;
    this.#stops.tick();
    if (this.#askAgain <= now) this.#ask('expiring');
    if (this.#due <= now) {
      this.#due = Infinity;
      if (this.state.name === 'waiting') this.#begin(this.#wanted);
      else this.#open();
    }
    this.#session?.tick(this.#visible);
  }

  // The life of connections

  #enter(state: State): void {
    if (!mayFollow(this.state.name, state.name)) {
      throw new Error(`illegal transition: ${this.state.name} -> ${state.name}`);
    }
    this.state = state;
    this.#actions.push({ do: 'state', state });
  }

  /** Begin an attempt, with a new token if there is a reason to ask for one. */
  #begin(reason: TokenReason | undefined): void {
    this.#begun = this.#clock.steady();
    // The bridge would refuse it.
    if (this.#settings.asks && this.#expires <= this.#begun) reason ??= 'expiring';
    this.#wanted = reason;
    this.#enter({ name: 'connecting' });
    if (reason === undefined) this.#due = this.#begun;
    else this.#ask(reason);
  }

  /** Not in `connect` itself: who closes right after it has made no connection. */
  #open(): void {
    const connection = ++this.#counter;
    this.#session = new Session(connection, this.#context, this.#owner(connection));
    this.#actions.push({ do: 'open', connection });
  }

  #ask(reason: TokenReason): void {
    this.#askAgain = Infinity;
    this.#asking = { ticket: ++this.#counter, reason };
    this.#actions.push({ do: 'ask', ...this.#asking });
  }

  #owner(connection: number): Owner {
    const stale = (): boolean => this.#session?.connection !== connection;
    return {
      established: (data) => {
        this.established = data;
        this.establishedAt = this.#session!.stamp;
        this.#enter({ name: 'restoring' });
        this.#setExpiry(data.expires_at);
        this.#setRole(data.role);
      },
      live: () => {
        this.#liveSince = this.#clock.steady();
        this.#fresh = false;
        if (!this.#settings.resume) this.#gap(this.#session!.stamp);
        this.#lastStamp = '';
        this.#enter({ name: 'live' });
      },
      expiring: () => this.#expiring(),
      refreshed: (data) => this.#refreshed(data),
      event: (event: AnyEvent) => {
        this.#stops.event(event, this.state.name === 'live');
        this.#actions.push({ do: 'event', event });
      },
      gap: (until) => this.#gap(until),
      failed: (code, reason) => {
        if (!stale()) this.#lose(ABNORMAL, reason, code);
      },
    };
  }

  #gap(until: string): void {
    if (this.#lastStamp === undefined) return;
    const gap = { type: 'gap', recovered: false, since: this.#lastStamp, until } as const;
    this.#actions.push({ do: 'gap', gap });
  }

  #setExpiry(at: string): void {
    const left = Date.parse(at) - Date.parse(this.#session?.stamp ?? '');
    this.#expires = Number.isNaN(left) ? Infinity : this.#clock.steady() + left;
  }

  #setRole(role: string): void {
    if (role === this.role) return;
    this.role = role;
    this.#actions.push({ do: 'role', role });
  }

  /** End the session, its connection and what is asked for it. */
  #end(code: number | undefined, reason: string): void {
    this.#due = this.#askAgain = Infinity;
    this.#asking = undefined;
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    if (session.isLive) this.#lastStamp = session.stamp;
    session.ended(reason);
    if (code !== undefined) {
      this.#actions.push({ do: 'close', connection: session.connection, code, reason });
    }
  }

  /** The connection is lost, or closed with `own` because it is of no use. */
  #lose(code: number, reason: string, own?: number): void {
    const { refusal, isLive } = this.#session!;
    this.#end(own, reason);
    if (isLive) {
      if (this.#clock.steady() - this.#liveSince >= STABLE) this.#failures = this.#refusals = 0;
      this.#enter({ name: 'lost', code, reason });
    }
    if (
      this.#settings.refresh === 'server' &&
      this.#expires - this.#clock.steady() < REFRESHED_BEFORE
    ) {
      // It may have been used, with the answer lost.
      if (this.#pair !== undefined) this.#pair = { token: this.#pair.token };
    }
    this.#failures += 1;
    const delay = delayAfter(this.#settings.backoff, this.#failures, code, this.#clock.random());
    const refused = code === 4401 || refusal?.code === 'WS-001';
    // Before it was open, nobody can have refused the token.
    if (!refused || this.state.name === 'connecting') {
      this.#wanted = undefined;
      return this.#wait(delay, code, reason);
    }
    if (this.#fresh || !this.#settings.asks) return this.#deny(refusal?.message ?? reason);
    this.#refusals += 1;
    this.#refusal = refusal?.message ?? reason;
    if (this.#refusals === 1) return this.#begin('refused');
    this.#wanted = 'refused';
    return this.#wait(delay, code, reason);
  }

  #wait(delay: number, code: number, reason: string): void {
    this.#due = this.#clock.steady() + delay;
    this.#enter({
      name: 'waiting',
      attempt: this.#failures,
      delay,
      until: this.#due,
      code,
      reason,
    });
  }

  #deny(why: string): void {
    this.#end(4000, 'denied');
    this.#enter({ name: 'denied', error: new Denied(why) });
  }

  // Tokens

  #expiring(): void {
    if (this.#settings.refresh === 'none' || this.#asking) return;
    if (this.#settings.asks) this.#ask('expiring');
    else this.#extend(null);
  }

  /** Extend the session with another token than that in use, else with the refresh token. */
  #extend(pair: TokenPair | null): void {
    const session = this.#session;
    if (session === undefined) return;
    if (pair !== null && pair.token !== this.#pair?.token) {
      this.#pair = pair;
      return session.refresh('auth', { token: pair.token });
    }
    const refreshToken = pair?.refreshToken ?? this.#pair?.refreshToken;
    if (this.#pair === undefined || refreshToken === undefined) return;
    if (this.#spent.has(refreshToken)) return;
    // It works once, and a second use revokes all: it is spent before it is sent.
    this.#spent.add(refreshToken);
    this.#pair = { token: this.#pair.token };
    session.refresh('refresh_token', { refresh_token: refreshToken });
  }

  #refreshed(data: AuthRefreshedData): void {
    const { role, token, refresh_token: refreshToken } = data;
    this.#setExpiry(data.expires_at);
    if (token !== null) {
      this.#pair = { token, ...(refreshToken === null ? {} : { refreshToken }) };
      this.#actions.push({ do: 'tokens', pair: this.#pair });
    }
    if (role === this.role) return;
    this.#setRole(role);
    this.#session?.restore();
  }
}

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
import { Core } from './core.js';
import { Emitter, asError } from './emitter.js';
import { Aborted } from './errors.js';
import { patternsOf } from './events.js';
import type { AnyEvent, EventOf, Gap, Pattern } from './events.js';
import { addressOf, settingsOf } from './options.js';
import type { Options, Settings, Socket } from './options.js';
import { watchPage } from './page.js';
import type {
  CommandMap,
  ConnectionEstablishedData,
  ReplyMap,
  SubscriptionConfirmedData,
  SubscriptionRemovedData,
} from './protocol.js';
import { Queue } from './queue.js';
import type { State } from './states.js';
import type { StopResult } from './stops.js';
import { Transport } from './transport.js';

/** Beyond this a timer would run out at once, ms. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** How long a stop is tried, ms. */
const STOP_TIMEOUT = 10_000;
const NOT_CALLED = new Set(['auth', 'resume']);

/** What a client reports beside events. */
export interface Reports {
  state: State;
  gap: Gap;
  role: string;
  tokens: TokenPair;
  error: Error;
}

/** The commands that `call` takes: those of the session itself are the client's affair. */
export type Command = Exclude<keyof CommandMap, 'auth' | 'resume'>;

/** The fields of a command. */
export type Fields<C extends Command> = Omit<CommandMap[C], 'type' | 'request_id'>;

/** The data of the reply to a command. */
export type Reply<C extends Command> = ReplyMap[C]['data'];

/** How long to wait for a command. */
export interface CallOptions {
  /** Limit for the reply, ms; default: the option `commandTimeout`. */
  readonly timeout?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

function waitingFor(
  resolve: (value: never) => void,
  reject: (error: Error) => void,
  settled: () => void,
): Waiting {
  return {
    resolve: (value) => {
      settled();
      resolve(value);
    },
    reject: (error) => {
      settled();
      reject(error);
    },
  };
}

const clock: Clock = {
  steady: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
};

/** A client of the bridge of one vehicle. */
export class Oht50Client {
  readonly #options: Options;
  readonly #settings: Settings;
  readonly #core: Core;
  readonly #transport: Transport;
  readonly #emitter = new Emitter((error) => this.#failed(error));
  readonly #queues = new Set<{
    readonly patterns: ReadonlySet<string>;
    readonly queue: Queue<AnyEvent | Gap>;
  }>();
  readonly #calls = new Map<number, Waiting>();
  readonly #connecting = new Set<Waiting>();
  readonly #notices: Action[] = [];
  #notifying = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | undefined;
  #lastCall = 0;

  /** @throws TypeError for options without which nothing can be done */
  constructor(options: Options) {
    const url = addressOf(options);
    const Class =
      options.WebSocket ?? (globalThis.WebSocket as (new (url: string) => Socket) | undefined);
    if (Class === undefined) {
      throw new TypeError(
        'this Node has no WebSocket: give the option WebSocket, such as that of ws',
      );
    }
    this.#options = options;
    this.#settings = settingsOf(options);
    this.#core = new Core(this.#settings, clock);
    this.#transport = new Transport(() => new Class(url), {
      opened: (connection) => this.#run(() => this.#core.opened(connection)),
      received: (connection, data) => this.#run(() => this.#core.received(connection, data)),
      closed: (connection, code, reason) =>
        this.#run(() => this.#core.closed(connection, code, reason)),
    });
  }

  /** Where the client is. */
  get state(): State {
    return this.#core.state;
  }

  /** The role in force, by the last word of the bridge; empty before the first. */
  get role(): string {
    return this.#core.role;
  }

  /** What the bridge said of itself and of the session when it was last established. */
  get established(): ConnectionEstablishedData | undefined {
    return this.#core.established;
  }

  /**
   * When the bridge wrote that, by the clock of the vehicle: so much later than its own time comes
   * the first value of a type, which the bridge may have kept for long.
   */
  get establishedAt(): string | undefined {
    return this.#core.establishedAt;
  }

  /**
   * Connect, and stay connected until `close`; repeating it has no effect.
   *
   * @returns when the client is live
   * @throws Denied; Aborted if `signal` ends the waiting, while the client goes on, or `close` does
   */
  connect({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const connected = new Promise<void>((resolve, reject) => {
      if (signal?.aborted) throw new Aborted('connect: aborted', 'not_sent', signal.reason);
      const abort = (): void => {
        this.#connecting.delete(waiting);
        waiting.reject(new Aborted('connect: aborted', 'not_sent', signal?.reason));
      };
      const waiting = waitingFor(resolve, reject, () =>
        signal?.removeEventListener('abort', abort),
      );
      this.#connecting.add(waiting);
      signal?.addEventListener('abort', abort);
      this.#unwatch ??= watchPage({
        visible: (visible) => this.#run(() => this.#core.setVisible(visible)),
        online: () => this.wake(),
        offline: () => this.#run(() => this.#core.offline()),
      });
      this.#run(() => this.#core.connect());
      if (this.state.name === 'live') this.#settleConnecting();
    });
    // The state says it too: who does not wait for it is not to end with an unhandled rejection.
    connected.catch(() => {});
    return connected;
  }

  /** End the connection, all iterators and all that is under way. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#run(() => this.#core.close());
    this.#settleConnecting(new Aborted('connect: the client was closed', 'not_sent'));
    for (const { queue } of [...this.#queues]) queue.end();
  }

  /**
   * Ask at once whether the bridge is there, and do not wait any longer for the next attempt: the
   * program ran on after a pause, such as a sleep of the machine. What a page reports is known.
   */
  wake(): void {
    this.#run(() => this.#core.wake());
  }

  /** Do not wait any longer for the next attempt; at most one a second. */
  retry(): void {
    this.#run(() => this.#core.retry());
  }

  /**
   * Call a function for each event of a type, of a family such as `safety.*`, or of all (`*`), or
   * for what the client reports: state, gap, role, tokens, error.
   *
   * What the function throws is reported to `error`; without a listener there, to the console.
   *
   * @returns a function that ends it
   */
  on<N extends keyof Reports | Pattern>(
    name: N,
    listener: (value: N extends keyof Reports ? Reports[N] : EventOf<N>) => unknown,
  ): () => void {
    return this.#emitter.add(name, listener as (value: never) => unknown);
  }

  /**
   * Return the events from now on, and gaps, in order. It goes on over lost connections.
   *
   * It ends when `signal` is aborted or the client is closed, and throws Denied, or SlowReader when
   * more items wait than the option `queue` allows.
   */
  events<P extends Pattern>(
    patterns: P | readonly P[] = '*' as P,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<EventOf<P> | Gap> {
    const end = (): void => queue.end();
    const queue = new Queue<AnyEvent | Gap>(this.#settings.queue, () => {
      this.#queues.delete(entry);
      signal?.removeEventListener('abort', end);
    });
    const entry = { patterns: new Set<string>([patterns].flat()), queue };
    this.#queues.add(entry);
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end);
    return queue as AsyncIterableIterator<never>;
  }

  /**
   * Send a command and return the data of its reply; `accepted: false` is no error.
   *
   * @throws NotSent at once without a live connection, BridgeError, OutcomeUnknown, Aborted
   */
  call<C extends Command>(
    command: C,
    ...[fields, options]: object extends Fields<C>
      ? [fields?: Fields<C>, options?: CallOptions]
      : [fields: Fields<C>, options?: CallOptions]
  ): Promise<Reply<C>> {
    if (NOT_CALLED.has(command)) {
      return Promise.reject(new TypeError(`${command} is the affair of the client`));
    }
    const timeout = options?.timeout ?? this.#settings.commandTimeout;
    return this.#ask(options?.signal, command, (call) =>
      this.#core.call(call, command, fields ?? {}, timeout),
    );
  }

  /**
   * Subscribe to more, or to the same at another rate (Hz), also on later connections.
   *
   * @returns what the bridge confirmed; null without a live connection, for then it is restored
   */
  subscribe(
    events: readonly Pattern[],
    { rate, ...options }: CallOptions & { readonly rate?: number } = {},
  ): Promise<SubscriptionConfirmedData | null> {
    const fields = { events: [...events], ...(rate === undefined ? {} : { rate }) };
    return this.call('subscribe', fields, options);
  }

  /** End subscriptions, also on later connections; returns null as `subscribe` does. */
  unsubscribe(
    events: readonly Pattern[],
    options: CallOptions = {},
  ): Promise<SubscriptionRemovedData | null> {
    return this.call('unsubscribe', { events: [...events] }, options);
  }

  /**
   * Stop the vehicle: the only command that is repeated, over connections of its own, until the
   * vehicle confirms it or `timeout` (ms, default 10,000) is over. Nothing of it is sent later.
   *
   * @throws BridgeError if the role may not, NotSent if the client is closed, Aborted
   */
  stop(
    reason?: string,
    { timeout = STOP_TIMEOUT, signal }: CallOptions = {},
  ): Promise<StopResult> {
    return this.#ask(signal, 'emergency_stop', (call) => this.#core.stop(call, reason, timeout));
  }

  #ask<T>(
    signal: AbortSignal | undefined,
    command: string,
    send: (call: number) => void,
  ): Promise<T> {
    if (signal?.aborted) {
      return Promise.reject(new Aborted(`${command}: aborted`, 'not_sent', signal.reason));
    }
    const call = ++this.#lastCall;
    const promise = new Promise<T>((resolve, reject) => {
      const abort = (): void => this.#run(() => this.#core.abort(call, signal?.reason));
      signal?.addEventListener('abort', abort);
      const settled = (): void => {
        this.#calls.delete(call);
        signal?.removeEventListener('abort', abort);
      };
      this.#calls.set(call, waitingFor(resolve, reject, settled));
    });
    this.#run(() => send(call));
    return promise;
  }

  /** Let the core work; do at once what it wants sent, then report, in order. */
  #run(work: () => void): void {
    work();
    const actions = this.#core.take();
    for (const action of actions) this.#act(action);
    clearTimeout(this.#timer);
    const delay = this.#core.nextTick() - clock.steady();
    if (delay < Infinity) {
      const capped = Math.min(Math.max(delay, 0), LONGEST_TIMER);
      this.#timer = setTimeout(() => this.#run(() => this.#core.tick()), capped);
    }
    // A listener may call the client: what comes of it is reported after what came before it.
    if (this.#notifying) return;
    this.#notifying = true;
    try {
      for (let notice = this.#notices.shift(); notice; notice = this.#notices.shift()) {
        this.#notify(notice);
      }
    } finally {
      this.#notifying = false;
    }
  }

  #act(action: Action): void {
    switch (action.do) {
      case 'open':
        return this.#transport.open(action.connection);
      case 'send':
        return this.#transport.send(action.connection, action.text);
      case 'close':
        return this.#transport.close(action.connection, action.code, action.reason);
      default:
        this.#notices.push(action);
    }
  }

  #notify(action: Action): void {
    switch (action.do) {
      case 'ask':
        return void this.#askForToken(action.ticket, action.reason);
      case 'event':
        for (const pattern of patternsOf(action.event.type))
          this.#emitter.emit(pattern, action.event);
        return this.#queue(action.event);
      case 'gap':
        this.#emitter.emit('gap', action.gap);
        return this.#queue(action.gap);
      case 'state':
        this.#stateChanged(action.state);
        return this.#emitter.emit('state', action.state);
      case 'role':
        return this.#emitter.emit('role', action.role);
      case 'tokens':
        return this.#emitter.emit('tokens', action.pair);
      case 'error':
        return this.#failed(action.error);
      case 'settle':
      case 'stopped':
        return this.#calls.get(action.call)?.resolve(action.result as never);
      case 'fail':
        return this.#calls.get(action.call)?.reject(action.error);
    }
  }

  #queue(item: AnyEvent | Gap): void {
    const chosen = item.type === 'gap' ? undefined : patternsOf(item.type);
    for (const { patterns, queue } of [...this.#queues]) {
      if (chosen === undefined || chosen.some((each) => patterns.has(each))) queue.push(item);
    }
  }

  #stateChanged(state: State): void {
    if (state.name === 'live') this.#settleConnecting();
    if (state.name !== 'denied') return;
    this.#settleConnecting(state.error);
    for (const { queue } of [...this.#queues]) queue.end(state.error);
  }

  #settleConnecting(error?: Error): void {
    for (const { resolve, reject } of this.#connecting) {
      if (error) reject(error);
      else resolve(undefined as never);
    }
    this.#connecting.clear();
  }

  async #askForToken(ticket: number, reason: 'first' | 'expiring' | 'refused'): Promise<void> {
    let pair: TokenPair | null;
    try {
      pair = (await this.#options.getToken?.(reason)) ?? null;
      if (pair !== null && typeof pair.token !== 'string') {
        throw new TypeError('getToken gives { token } or null');
      }
    } catch (error) {
      return this.#run(() => this.#core.failedToGive(ticket, asError(error)));
    }
    this.#run(() => this.#core.gave(ticket, pair));
  }

  #failed(error: Error): void {
    if (this.#emitter.has('error')) this.#emitter.emit('error', error);
    else console.error(error);
  }
}

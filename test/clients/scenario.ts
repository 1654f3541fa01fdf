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
// One scenario: a client, what it reports, and the steps.
import {
  Aborted,
  BridgeError,
  Denied,
  NotSent,
  Oht50Client,
  OutcomeUnknown,
  SlowReader,
} from 'oht50-client';
import type { AnyEvent, Gap, Options, Pattern, State, TokenPair } from 'oht50-client';

import type { Controller, Json } from './controller.js';
import { at, listOf, matches, written } from './matching.js';

const STEP = 20_000;
const REPORT = 10_000;
const MS = 1000;

/** A scenario as it stands in scenarios.json; only what the runner itself reads is typed. */
export interface Scenario {
  readonly name: string;
  readonly bridge?: Json;
  readonly client?: Json;
  readonly steps: readonly Step[];
}

type Step = Json & { readonly step: string; readonly as?: string; readonly of?: string };
/** Has an act done. */
export type Acting = Pick<Controller, 'act'>;
type Outcome = { readonly ok: unknown } | { readonly error: unknown };

interface Operation {
  readonly outcome: Promise<Outcome>;
  readonly abort: AbortController;
}

const KINDS: readonly [new (...values: never[]) => Error, string][] = [
  [NotSent, 'not_sent'],
  [BridgeError, 'refused'],
  [OutcomeUnknown, 'unknown'],
  [Denied, 'denied'],
  [SlowReader, 'slow_reader'],
  [Aborted, 'aborted'],
];

function described(error: unknown): Json {
  const kind = KINDS.find(([Class]) => error instanceof Class)?.[1] ?? String(error);
  return error instanceof BridgeError
    ? { kind, code: error.code, temporary: error.temporary }
    : { kind };
}

/** Wait for some milliseconds, or until a signal. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
  });
}

/** What a client reported, by what it is about. */
class Reports {
  readonly #records = new Map<string, unknown[]>();
  readonly #positions = new Map<string, number>();
  #changed = new AbortController();

  add(what: string, record: unknown): void {
    this.all(what).push(record);
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  all(what: string): unknown[] {
    const records = this.#records.get(what) ?? [];
    this.#records.set(what, records);
    return records;
  }

  async expect(what: string, match: unknown): Promise<void> {
    const records = this.all(what);
    const deadline = performance.now() + REPORT;
    for (let n = this.#positions.get(what) ?? 0; ; n++) {
      while (n >= records.length) {
        const left = deadline - performance.now();
        if (left <= 0)
          throw new Error(
            `${what}: no ${JSON.stringify(match)} in ${JSON.stringify(records.slice(-20))}`,
          );
        await sleep(left, this.#changed.signal);
      }
      if (!matches(match, records[n])) continue;
      this.#positions.set(what, n + 1);
      return;
    }
  }
}

/** Runs the steps of one scenario. */
export class Run {
  readonly #controller: Acting;
  readonly #role: string;
  readonly #reports = new Reports();
  readonly #operations = new Map<string, Operation>();
  readonly #iterators = new Map<string, AsyncIterableIterator<AnyEvent | Gap>>();
  #client!: Oht50Client;

  constructor(controller: Acting, client: Json) {
    this.#controller = controller;
    this.#role = (client['role'] as string | undefined) ?? 'operator';
  }

  /** Make the client, do the steps, and close it. */
  static async run(
    controller: Acting,
    { bridge = {}, client = {}, steps }: Scenario,
    options: Pick<Options, 'url' | 'WebSocket'>,
  ): Promise<void> {
    await controller.act({ act: 'start', settings: bridge, fresh: true });
    const run = new Run(controller, client);
    run.#client = new Oht50Client({ ...options, ...(await run.#options(client)) } as Options);
    run.#listen();
    try {
      for (const [number, step] of steps.entries()) {
        const done = new AbortController();
        const late = sleep(STEP, done.signal).then(() => {
          if (!done.signal.aborted) throw new Error(`takes longer than ${STEP} ms`);
        });
        try {
          await Promise.race([run.#step(step), late]);
        } catch (error) {
          throw new Error(`step ${number + 1} ${JSON.stringify(step)}: ${String(error)}`);
        } finally {
          done.abort();
        }
      }
    } finally {
      run.#client.close();
    }
  }

  async #token(role = this.#role): Promise<TokenPair> {
    const { token, refresh_token } = await this.#controller.act({ act: 'token', role });
    return { token: token as string, refreshToken: refresh_token as string };
  }

  async #options(given: Json): Promise<Json> {
    const { role: _, token, refresh_token, get_token, backoff, ...rest } = given;
    const options: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(rest)) {
      const camel = name.replace(/_(.)/g, (_match, letter: string) => letter.toUpperCase());
      options[camel] = /^(connect|command|probe|pong)/.test(camel) ? Number(value) * MS : value;
    }
    if (backoff !== undefined) {
      const { first, max } = backoff as { first: number; max: number };
      options['backoff'] = { first: first * MS, max: max * MS };
    }
    if (get_token !== undefined) options['getToken'] = this.#supplier(get_token as string[]);
    else if (token !== undefined) options['token'] = token;
    else {
      const pair = await this.#token();
      options['token'] = pair.token;
      if (refresh_token === true) options['refreshToken'] = pair.refreshToken;
    }
    return options;
  }

  #supplier(gives: readonly string[]): NonNullable<Options['getToken']> {
    let calls = 0;
    return async (reason) => {
      this.#reports.add('token', { reason });
      const what = gives[Math.min(calls++, gives.length - 1)];
      if (what === 'null') return null;
      if (what === 'wrong') return { token: 'wrong' };
      if (what === 'throw') throw new Error('no token now');
      return { token: (await this.#token(what === 'fresh' ? undefined : what)).token };
    };
  }

  #listen(): void {
    const reports = this.#reports;
    const state = (value: State): Json =>
      value.name === 'waiting'
        ? { name: value.name, code: value.code, attempt: value.attempt, delay: value.delay / MS }
        : { name: value.name };
    this.#client.on('state', (value) => reports.add('state', state(value)));
    this.#client.on('*', (event) => reports.add('event', event));
    this.#client.on('gap', ({ recovered }) => reports.add('gap', { recovered }));
    this.#client.on('role', (role) => reports.add('role', { role }));
    this.#client.on('error', ({ message }) => reports.add('error', { message }));
    this.#client.on('tokens', ({ token, refreshToken }) =>
      reports.add('tokens', { token, refresh_token: refreshToken }),
    );
  }

  async #step(step: Step): Promise<void> {
    switch (step.step) {
      case 'expect':
        return this.#reports.expect(step['what'] as string, step['match']);
      case 'collected':
        return this.#collected(step);
      case 'act': {
        const answer = await this.#controller.act(step['act'] as Json);
        if (!matches(step['expect'] ?? {}, answer))
          throw new Error(`answer ${JSON.stringify(answer)}`);
        return;
      }
      case 'abort':
        return this.#operations.get(step.of!)!.abort.abort();
      case 'result':
        return this.#compare(step, await this.#operations.get(step.of!)!.outcome);
      case 'iterate':
        this.#iterators.set(step.as!, this.#client.events(step['events'] as Pattern[]));
        return;
    }
    const abort = new AbortController();
    const outcome = this.#operation(step, abort.signal).then(
      (ok): Outcome => ({ ok }),
      (error: unknown): Outcome => ({ error }),
    );
    if (step.as === undefined) this.#compare(step, await outcome);
    else this.#operations.set(step.as, { outcome, abort });
  }

  async #operation(step: Step, signal: AbortSignal): Promise<unknown> {
    const client = this.#client;
    const seconds = step['timeout'] as number | undefined;
    const options = { signal, ...(seconds === undefined ? {} : { timeout: seconds * MS }) };
    const events = step['events'] as Pattern[];
    switch (step.step) {
      case 'connect':
        await client.connect({ signal });
        return {};
      case 'close':
        return client.close();
      case 'retry':
        return client.retry();
      case 'subscribe':
        return client.subscribe(
          events,
          step['rate'] === undefined ? {} : { rate: step['rate'] as number },
        );
      case 'unsubscribe':
        return client.unsubscribe(events);
      case 'call':
        return client.call(
          step['command'] as 'subscribe',
          written(step['fields'] ?? {}) as never,
          options,
        );
      case 'stop': {
        const { after_ms, ...result } = await client.stop(
          step['reason'] as string | undefined,
          options,
        );
        return { ...result, after: after_ms / MS };
      }
      case 'read':
        return { items: await this.#read(step.of!, step['count'] as number) };
    }
    throw new Error(`no such step: ${step.step}`);
  }

  async #read(name: string, count: number): Promise<unknown[]> {
    const items: unknown[] = [];
    while (items.length < count) {
      const { value, done } = await this.#iterators.get(name)!.next();
      if (done === true) throw new Error('the iterator ended');
      items.push(value.type === 'gap' ? { gap: { recovered: value.recovered } } : value);
    }
    return items;
  }

  #collected(step: Step): void {
    const values = this.#reports
      .all(step['what'] as string)
      .filter((record) => matches(step['match'], record))
      .map((record) => at(record, step['path'] as string));
    if (!matches(listOf(step['equals']), values)) {
      throw new Error(`collected ${JSON.stringify(values)}`);
    }
  }

  #compare(step: Step, outcome: Outcome): void {
    const { ok, error } = (step['expect'] ?? {}) as { ok?: unknown; error?: unknown };
    if ('error' in outcome) {
      if (error === undefined) throw outcome.error;
      if (matches(error, described(outcome.error))) return;
      throw new Error(`failed with ${JSON.stringify(described(outcome.error))}`);
    }
    if (error !== undefined || (ok !== undefined && !matches(ok, outcome.ok))) {
      throw new Error(`gave ${JSON.stringify(outcome.ok)}`);
    }
  }
}

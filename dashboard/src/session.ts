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
import { Oht50Client } from 'oht50-client';
import type { Pattern, State, TokenPair, TokenReason } from 'oht50-client';

import { MemoryStore, TokenStore, claimsOf, faultOf, fingerprint } from './logic/tokens.js';
import type { Kept, SignInFault, Store, TokenClaims } from './logic/tokens.js';
import { Tabs } from './tabs.js';

/** Longest wait before a refresh, so that tabs and screens do not all refresh at once, ms. */
const JITTER = 10_000;
/** How long others wait for the answer to a refresh, ms. */
const ANSWER = 8000;
const SUBSCRIPTIONS: readonly { readonly events: readonly Pattern[]; readonly rate: number }[] = [
  { events: ['*'], rate: 10 },
];

/** Who stands before the page waits for it: however long the bridge is away, it is tried often, ms. */
const BACKOFF = { first: 1000, max: 2500 };

/** No clock is so wrong, ms. */
const LONG_AGO = 3600_000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** There is no newer token yet; the client asks again in a few seconds. */
export class NoNewToken extends Error {}

function storage(kind: 'sessionStorage' | 'localStorage'): Store {
  try {
    const store = globalThis[kind];
    store.getItem('');
    return store;
  } catch {
    return new MemoryStore();
  }
}

/** Who is signed in, and the client that speaks for them. */
export class Session {
  readonly #tokens: TokenStore;
  readonly #tabs: Tabs;
  readonly #attach: (client: Oht50Client) => void;
  readonly #changed: () => void;
  readonly #url: string | undefined;
  #client: Oht50Client | undefined;
  /** The token that the client has. */
  #given: string | undefined;
  /** A token that somebody has just given, and not the storage. */
  #entered: string | undefined;
  #renewed: (() => void) | undefined;
  #fault: SignInFault | undefined;
  /** Then the page has values, and the badge says that they are old. */
  #wasLive = false;
  /** What the bridge said of the fault. */
  detail = '';

  /**
   * @param origin of the bridge; tokens are kept by it
   * @param attach listens to a new client
   * @param changed called when somebody is signed in or out
   */
  constructor(origin: string, attach: (client: Oht50Client) => void, changed: () => void) {
    this.#tokens = new TokenStore(storage('sessionStorage'), storage('localStorage'), origin);
    this.#tabs = new Tabs(origin, () => this.#end());
    this.#attach = attach;
    this.#changed = changed;
    this.#url =
      origin === location.origin ? undefined : `${origin.replace(/^http/, 'ws')}/ws/telemetry`;
  }

  /** The client; undefined while nobody is signed in. */
  get client(): Oht50Client | undefined {
    return this.#client;
  }

  get state(): State {
    return this.#client?.state ?? { name: 'closed' };
  }

  /** What the token in use says of itself. */
  get claims(): TokenClaims | undefined {
    return this.#given === undefined ? undefined : claimsOf(this.#given);
  }

  /** Whether the screen stays signed in. */
  get isKept(): boolean {
    return this.#tokens.isKept;
  }

  /** Whether the session can be extended without a person. */
  get isRenewable(): boolean {
    const kept = this.#tokens.read();
    return kept?.refreshToken !== undefined && kept.spent !== true;
  }

  /** Why nobody is signed in; undefined while all is well. */
  get fault(): SignInFault | undefined {
    const out = this.state.name === 'denied' || this.state.name === 'closed';
    return this.#fault ?? (out ? 'none' : undefined);
  }

  /** Sign in with new tokens, or those that are kept. */
  start(given?: Kept, outlive = false): void {
    if (given) this.#tokens.save(given, outlive);
    this.#entered = given?.token;
    this.#client?.close();
    this.#client = undefined;
    this.#given = undefined;
    this.#fault = undefined;
    this.detail = '';
    if (!this.#tokens.read()) {
      this.#fault = 'none';
      return this.#changed();
    }
    const client = new Oht50Client({
      ...(this.#url === undefined ? {} : { url: this.#url }),
      clientId: 'dashboard',
      getToken: (reason) => this.#supply(reason),
      subscriptions: SUBSCRIPTIONS,
      backoff: BACKOFF,
    });
    this.#client = client;
    client.on('tokens', (pair) => this.#save(pair));
    client.on('state', (state) => {
      if (state.name === 'live') {
        this.#fault = undefined;
        this.#wasLive = true;
      }
      // Until it is live again: what comes and goes with each attempt would move all below it.
      if (state.name === 'waiting' && state.code !== 4401) {
        const lost = this.#wasLive ? undefined : 'unreachable';
        this.#fault = state.code === 1013 ? 'full' : lost;
      }
      if (state.name !== 'denied') return;
      if (this.#fault !== 'expired') this.#fault = faultOf(state.error.message);
      this.detail = state.error.message;
      this.#changed();
    });
    this.#attach(client);
    void client.connect().catch(() => {});
    this.#changed();
  }

  /** Sign out here and in all tabs. */
  signOut(): void {
    this.#tabs.signOut();
    this.#end();
  }

  #end(): void {
    this.#tokens.clear();
    this.#client?.close();
    this.#client = undefined;
    this.#given = undefined;
    this.#fault = 'none';
    this.#changed();
  }

  async #supply(reason: TokenReason): Promise<TokenPair | null> {
    if (reason === 'expiring') return this.#renew();
    const kept = this.#tokens.read();
    if (!kept || kept.token === this.#given) return null;
    // One that expired long ago is not sent: it would count as an attempt to guess one. What was
    // just given is, as the clock of the vehicle may be far behind.
    const claims = kept.token === this.#entered ? undefined : claimsOf(kept.token);
    if (claims && claims.exp * 1000 < Date.now() - LONG_AGO) {
      this.#fault = 'expired';
      return null;
    }
    this.#given = kept.token;
    // Without the refresh token: that is given when it is to be used, and by one tab.
    return { token: kept.token };
  }

  async #renew(): Promise<TokenPair | null> {
    const client = this.#client;
    const session = client?.established?.session_id;
    await wait(Math.random() * JITTER);
    return new Promise((resolve, reject) => {
      // Before there is a connection nothing renews a token whose time is over: it is not waited for.
      const none = (why: string): void => {
        if (client !== this.#client || client?.state.name !== 'connecting')
          return reject(new NoNewToken(why));
        this.#fault = 'expired';
        resolve(null);
      };
      const work = async (): Promise<void> => {
        const kept = this.#tokens.read();
        if (!kept) return reject(new NoNewToken('signed out'));
        if (kept.token !== this.#given) return resolve(this.#adopt(kept));
        const { refreshToken } = kept;
        if (refreshToken === undefined) return none('no refresh token');
        const name = fingerprint(refreshToken);
        // What another tab wrote may not be here yet: each process has a copy of the storage.
        const newer = await this.#tabs.ask(name, kept.spent === true);
        if (newer) {
          this.#tokens.save(newer);
          return resolve(this.#adopt(newer));
        }
        // A pair of another tab may have come meanwhile, or it was used there.
        const now = this.#tokens.read();
        if (!now) return reject(new NoNewToken('signed out'));
        if (now.token !== kept.token) return resolve(this.#adopt(now));
        if (now.spent) return none('the refresh token was used');
        // The client drops what it asked for on another connection: it would be spent for nothing.
        const isSame = client === this.#client && client?.established?.session_id === session;
        if (!isSame || client?.state.name !== 'live') return none('there is another connection');
        this.#tokens.spend();
        const answered = new Promise<void>((done) => {
          this.#renewed = done;
        });
        resolve({ token: kept.token, refreshToken });
        await Promise.race([answered, wait(ANSWER)]);
        this.#renewed = undefined;
      };
      this.#tabs.alone(this.claims?.sub ?? '', work).catch(reject);
    });
  }

  #adopt(kept: Kept): TokenPair {
    this.#given = kept.token;
    return { token: kept.token };
  }

  #save(pair: TokenPair): void {
    const before = this.#tokens.read()?.refreshToken;
    this.#tokens.save(pair);
    this.#given = pair.token;
    if (before !== undefined) this.#tabs.share(fingerprint(before), pair);
    this.#renewed?.();
    this.#changed();
  }
}

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
import type { Kept } from './logic/tokens.js';

type Message =
  | { readonly type: 'pair'; readonly of: string; readonly pair: Kept }
  | { readonly type: 'need'; readonly of: string }
  | { readonly type: 'signed-out' }
  | { readonly type: 'claim'; readonly id: string }
  | { readonly type: 'held'; readonly id: string };

/** How long a claim waits for somebody who objects, ms. */
const CLAIM = 200;
/** How long another tab is waited for that used a refresh token, and one that may have, ms. */
const PATIENCE = 3000;
const DOUBT = 300;
const RETRY = 1000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The tabs of one bridge in one browser: one at a time refreshes, all get the new tokens, and all
 * are signed out together. Pages of plain http have no navigator.locks; there a claim over the
 * channel does the same, which the holder refuses, and of several claims all but one give way.
 */
export class Tabs {
  readonly #name: string;
  readonly #channel: BroadcastChannel | undefined;
  readonly #id = `${Math.random()}`.slice(2).padEnd(20, '0');
  readonly #pairs = new Map<string, Kept>();
  #claims = false;
  #holds = false;
  #refused = false;
  #answer: ((pair: Kept) => void) | undefined;
  #wanted = '';

  /** @param signedOut called when another tab signed out */
  constructor(origin: string, signedOut: () => void) {
    this.#name = `oht50:${origin}`;
    if (typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => {
      switch (data.type) {
        case 'signed-out':
          this.#pairs.clear();
          return signedOut();
        case 'pair':
          if (data.of === this.#wanted) this.#answer?.(data.pair);
          return;
        case 'need': {
          const pair = this.#pairs.get(data.of);
          if (pair) this.#post({ type: 'pair', of: data.of, pair });
          return;
        }
        case 'claim':
          if (this.#holds || (this.#claims && this.#id < data.id))
            this.#post({ type: 'held', id: data.id });
          // Who objects to nothing must not hold it too, also where its own claim came first.
          else if (this.#claims) this.#refused = true;
          return;
        case 'held':
          if (data.id === this.#id) this.#refused = true;
      }
    };
  }

  /** Do something that no other tab does at the same time. */
  async alone(subject: string, work: () => Promise<void>): Promise<void> {
    if (navigator.locks) {
      await navigator.locks.request(`${this.#name}:${subject}`, work);
      return;
    }
    for (;;) {
      this.#refused = false;
      this.#claims = true;
      this.#post({ type: 'claim', id: this.#id });
      await wait(CLAIM);
      if (!this.#refused) break;
      this.#claims = false;
      await wait(RETRY * (1 + Math.random()));
    }
    this.#holds = true;
    try {
      await work();
    } finally {
      this.#holds = this.#claims = false;
    }
  }

  /** Give the other tabs the pair that took the place of a refresh token. */
  share(of: string, pair: Kept): void {
    this.#pairs.set(of, pair);
    this.#post({ type: 'pair', of, pair });
  }

  /**
   * Ask the other tabs for the pair that took the place of a refresh token.
   *
   * @param spent whether it is known that one of them used it
   */
  async ask(of: string, spent: boolean): Promise<Kept | undefined> {
    this.#wanted = of;
    const answered = new Promise<Kept | undefined>((resolve) => {
      this.#answer = resolve;
      setTimeout(() => resolve(undefined), spent ? PATIENCE : DOUBT);
    });
    this.#post({ type: 'need', of });
    const pair = await answered;
    if (pair) this.#pairs.set(of, pair);
    return pair;
  }

  /** Sign all other tabs out. */
  signOut(): void {
    this.#pairs.clear();
    this.#post({ type: 'signed-out' });
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message);
  }
}

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
import { DELIVERY } from './protocol.js';

/** How many events are remembered to know one again that comes without its number. */
const REMEMBERED = 1000;

/** What of an event decides whether it is the same as another. */
export interface Comparable {
  readonly type: string;
  readonly timestamp: string;
  readonly seq?: number;
  readonly data?: unknown;
}

/** Which events were handled, so that none is missed and none comes twice. */
export class Resumption {
  #epoch: string | undefined;
  /** The number from which to resume: the highest handled, while nothing is replayed. */
  #after = 0;
  /** Numbers handled since the last `resume.result`, while the next one is waited for. */
  #handled: Set<number> | undefined;
  /** Of which epoch the events of this connection are. */
  #current: string | undefined;
  /** Events handled, each with whether its number is known. */
  readonly #known = new Map<string, boolean>();

  /** Whether there is an epoch and a number to resume from. */
  get begun(): boolean {
    return this.#epoch !== undefined;
  }

  /** The fields of `resume`; an empty epoch asks for the epoch and the number of now. */
  get request(): { epoch: string; after: number } {
    return { epoch: this.#epoch ?? '', after: this.#after };
  }

  /** A connection is established with a server of this epoch. */
  established(epoch: string): void {
    // Where a replay was cut off, all of it comes again, also what was handled of it.
    if (epoch !== this.#current) this.#handled = undefined;
    this.#handled ??= new Set();
    this.#current = epoch;
  }

  /** The replay is over. */
  finished(epoch: string, seq: number): void {
    // What was published after the replay may have come before its end.
    this.#after = Math.max(seq, ...(this.#handled ?? []));
    this.#epoch = epoch;
    this.#handled = undefined;
  }

  /** Whether an event is new; from now on it is not. */
  isNew(event: Comparable): boolean {
    const { seq } = event;
    if (seq !== undefined && !this.#note(seq)) return false;
    if (DELIVERY.get(event.type) === 'state') return true;
    // An urgent event that overtook others has no number, and in the replay it has one.
    const key = JSON.stringify([event.type, event.timestamp, event.data]);
    const numbered = this.#known.get(key);
    this.#known.delete(key);
    this.#known.set(key, seq !== undefined || numbered === true);
    if (this.#known.size > REMEMBERED) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    return numbered === undefined || (numbered && seq !== undefined);
  }

  /** Note a number; false if it was handled before. */
  #note(seq: number): boolean {
    if (this.#handled === undefined) {
      // Within a connection the bridge numbers in ascending order and repeats none.
      this.#after = Math.max(this.#after, seq);
      return true;
    }
    const least = this.#current === this.#epoch ? this.#after : 0;
    if (seq <= least || this.#handled.has(seq)) return false;
    this.#handled.add(seq);
    return true;
  }
}

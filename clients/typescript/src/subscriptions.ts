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
/** Events that are wanted, by pattern. */
export interface Subscription {
  readonly events: readonly string[];
  /** At most so many events of each state-class type a second, Hz; without it the table's. */
  readonly rate?: number;
}

/** A change of what is subscribed to. */
export interface Change extends Subscription {
  readonly type: 'subscribe' | 'unsubscribe';
}

interface Entry {
  readonly type: Change['type'];
  readonly pattern: string;
  readonly rate: number | undefined;
}

/** Whether each type that `inner` chooses is chosen by `outer`. */
function covers(outer: string, inner: string): boolean {
  return (
    outer === '*' ||
    outer === inner ||
    (outer.endsWith('.*') && inner.startsWith(outer.slice(0, -1)))
  );
}

/** Whether there may be a type that both patterns choose. */
const overlaps = (one: string, other: string): boolean => covers(one, other) || covers(other, one);

/** What is subscribed to, as the shortest list of commands that brings it about. */
export class Subscriptions {
  #entries: Entry[] = [];

  constructor(wanted: readonly Subscription[]) {
    for (const each of wanted) this.apply({ type: 'subscribe', ...each });
  }

  /** Note a change; what it makes void is forgotten. */
  apply({ type, events, rate }: Change): void {
    for (const pattern of new Set(events)) {
      this.#entries = this.#entries.filter((entry) => !covers(pattern, entry.pattern));
      if (
        type === 'subscribe' ||
        this.#entries.some((entry) => overlaps(pattern, entry.pattern))
      ) {
        this.#entries.push({ type, pattern, rate });
      }
    }
  }

  /** The commands, in order; neighbours that differ by the pattern alone are one. */
  get commands(): Change[] {
    const commands: { type: Change['type']; events: string[]; rate?: number }[] = [];
    for (const { type, pattern, rate } of this.#entries) {
      const last = commands.at(-1);
      if (last && last.type === type && last.rate === rate) last.events.push(pattern);
      else commands.push({ type, events: [pattern], ...(rate === undefined ? {} : { rate }) });
    }
    return commands;
  }
}

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
import type { Denied } from './errors.js';

/** Where a client is. */
export type State =
  | { readonly name: 'idle' | 'connecting' | 'authenticating' | 'restoring' | 'live' | 'closed' }
  | { readonly name: 'lost'; readonly code: number; readonly reason: string }
  | {
      readonly name: 'waiting';
      /** Attempts that failed in a row. */
      readonly attempt: number;
      /** Time to the next attempt, ms. */
      readonly delay: number;
      /** The next attempt on the clock of performance.now(), ms. */
      readonly until: number;
      /** Close code of the connection that was lost; 1006 if there was no close frame. */
      readonly code: number;
      readonly reason: string;
    }
  | { readonly name: 'denied'; readonly error: Denied };

export type StateName = State['name'];

const NEXT: Readonly<Record<StateName, readonly StateName[]>> = {
  idle: ['connecting'],
  connecting: ['authenticating', 'waiting', 'denied'],
  authenticating: ['restoring', 'connecting', 'waiting', 'denied'],
  restoring: ['live', 'connecting', 'waiting', 'denied'],
  live: ['lost'],
  lost: ['connecting', 'waiting', 'denied'],
  waiting: ['connecting'],
  denied: ['connecting'],
  closed: ['connecting'],
};

/** Whether a state may follow another; `closed` may from anywhere. */
export function mayFollow(before: StateName, after: StateName): boolean {
  return after === 'closed' ? before !== 'closed' : NEXT[before].includes(after);
}

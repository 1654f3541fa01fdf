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
import type { AnyEvent, Gap } from './events.js';
import type { State } from './states.js';
import type { StopResult } from './stops.js';

/** An access token, with the refresh token that was issued with it. */
export interface TokenPair {
  readonly token: string;
  readonly refreshToken?: string;
}

/** Why a token is asked for: there is none, it ends soon, or the bridge refused it. */
export type TokenReason = 'first' | 'expiring' | 'refused';

/** What the caller of the core does to the world. */
export type Effect =
  | { readonly do: 'open'; readonly connection: number }
  | { readonly do: 'send'; readonly connection: number; readonly text: string }
  | {
      readonly do: 'close';
      readonly connection: number;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly do: 'ask'; readonly ticket: number; readonly reason: TokenReason };

/** What the caller of the core reports to those who use the client. */
export type Notice =
  | { readonly do: 'state'; readonly state: State }
  | { readonly do: 'event'; readonly event: AnyEvent }
  | { readonly do: 'gap'; readonly gap: Gap }
  | { readonly do: 'role'; readonly role: string }
  | { readonly do: 'tokens'; readonly pair: TokenPair }
  | { readonly do: 'error'; readonly error: Error }
  | { readonly do: 'settle'; readonly call: number; readonly result: unknown }
  | { readonly do: 'fail'; readonly call: number; readonly error: Error }
  | { readonly do: 'stopped'; readonly call: number; readonly result: StopResult };

/** One step of what the core wants done, in order. */
export type Action = Effect | Notice;

/** The times, ms, and chance. */
export interface Clock {
  /** Never goes back; may stand still while the machine sleeps. */
  steady(): number;
  /** Of the date; may jump. */
  wall(): number;
  /** From 0 to 1. */
  random(): number;
}

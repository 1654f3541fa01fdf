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
import type { EventMap } from './protocol.js';

/** The type of an event, such as mission.started. */
export type EventType = keyof EventMap;

type Family = EventType extends infer T ? (T extends `${infer F}.${string}` ? F : never) : never;

/** What events are chosen by: a type, all of a family, or all. */
export type Pattern = EventType | `${Family}.*` | '*';

/** Any event of the vehicle. */
export type AnyEvent = EventMap[EventType];

/** The events that a pattern chooses. */
export type EventOf<P extends string> = P extends '*'
  ? AnyEvent
  : P extends `${infer F}.*`
    ? EventMap[Extract<EventType, `${F}.${string}`>]
    : P extends EventType
      ? EventMap[P]
      : never;

/** Events may be missing here: the bridge could not replay what was missed. */
export interface Gap {
  readonly type: 'gap';
  readonly recovered: false;
  /** By the clock of the vehicle: the last message before the loss. */
  readonly since: string;
  /** By the clock of the vehicle: when events came again. */
  readonly until: string;
}

/** The patterns that choose a type: itself, its family, and all. */
export function patternsOf(type: string): string[] {
  return [type, `${type.slice(0, type.indexOf('.'))}.*`, '*'];
}

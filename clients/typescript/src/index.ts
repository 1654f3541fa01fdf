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
export { Oht50Client } from './client.js';
export type { CallOptions, Command, Fields, Reply, Reports } from './client.js';
export type { TokenPair, TokenReason } from './actions.js';
export {
  Aborted,
  BridgeError,
  Denied,
  NotSent,
  Oht50Error,
  OutcomeUnknown,
  SlowReader,
} from './errors.js';
export type { Outcome } from './errors.js';
export type { AnyEvent, EventOf, EventType, Gap, Pattern } from './events.js';
export type { Options, Socket } from './options.js';
export type { State, StateName } from './states.js';
export type { StopResult } from './stops.js';
export type * from './protocol.js';

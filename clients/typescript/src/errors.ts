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
import type { ErrorMessage } from './protocol.js';

/** What happened to a command: it was not sent, it was refused, or it may have been carried out. */
export type Outcome = 'not_sent' | 'refused' | 'unknown';

/** What all errors of this client have in common. */
export abstract class Oht50Error extends Error {
  abstract override readonly name: string;
}

/** There is no connection, or the command cannot be sent: nothing has happened. */
export class NotSent extends Oht50Error {
  override readonly name = 'NotSent';
  readonly outcome = 'not_sent';
}

/** No reply came in time, or the connection was lost after sending: it may have happened. */
export class OutcomeUnknown extends Oht50Error {
  override readonly name = 'OutcomeUnknown';
  readonly outcome = 'unknown';
}

/** The bridge refused a command or a token. */
export class BridgeError extends Oht50Error {
  override readonly name = 'BridgeError';
  readonly outcome = 'refused';
  /** Such as WS-006; programs decide by it. */
  readonly code: string;
  /** Whether the same request may succeed later. */
  readonly temporary: boolean;

  constructor(
    message: Pick<ErrorMessage, 'error_code' | 'error_name' | 'description' | 'temporary'>,
  ) {
    super(`${message.error_code} ${message.error_name}: ${message.description}`);
    this.code = message.error_code;
    this.temporary = message.temporary;
  }
}

/** The signal of the caller ended the waiting; `cause` is its reason. */
export class Aborted extends Oht50Error {
  override readonly name = 'AbortError';
  readonly outcome: 'not_sent' | 'unknown';

  constructor(message: string, outcome: 'not_sent' | 'unknown', cause?: unknown) {
    super(message, { cause });
    this.outcome = outcome;
  }
}

/** No token, or the bridge refused a fresh one; the client stays without a connection. */
export class Denied extends Oht50Error {
  override readonly name = 'Denied';
}

/** An iterator was not read fast enough; it has ended, events are missing in it. */
export class SlowReader extends Oht50Error {
  override readonly name = 'SlowReader';
}

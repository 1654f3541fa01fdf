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
import type { TokenPair, TokenReason } from './actions.js';
import type { Backoff } from './backoff.js';
import type { Pattern } from './events.js';

/** The part of a WebSocket that is used: that of browsers, of Node, and of `ws` have it. */
export interface Socket {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** Options of a client; all times in ms. */
export interface Options {
  /** Address of the bridge; default: the page's origin with /ws/telemetry. */
  readonly url?: string;
  /** Names the client in the audit log: up to 64 of A-Z a-z 0-9 . _ : @ - */
  readonly clientId?: string;
  /** Access token, where `getToken` does not supply it. */
  readonly token?: string;
  /** The refresh token that was issued with `token`. */
  readonly refreshToken?: string;
  /**
   * Supplies a token: `first`, when there is none; `expiring`, when that in use ends soon;
   * `refused`, when the bridge refused it. Null: there is none, the client is denied.
   * If it throws, it is asked again after 5 to 10 times the first delay.
   */
  readonly getToken?: (reason: TokenReason) => TokenPair | null | Promise<TokenPair | null>;
  /** Who refreshes the session before its token ends; default: client. */
  readonly refresh?: 'client' | 'server' | 'none';
  /** What is subscribed to on each connection; default: all, at 10 Hz. */
  readonly subscriptions?: readonly {
    readonly events: readonly Pattern[];
    readonly rate?: number;
  }[];
  /** Delays between attempts; default: from 1,000 to 30,000. */
  readonly backoff?: Partial<Backoff>;
  /** Limit for a connection with authentication; default: 5,000. */
  readonly connectTimeout?: number;
  /** Limit for the reply to a command; default: 5,000. */
  readonly commandTimeout?: number;
  /** After so long without a message the bridge is asked for a pong; default: 2,000. */
  readonly probeAfter?: number;
  /** A connection without a pong after so long is lost; default: 2,000. */
  readonly pongTimeout?: number;
  /** Whether events that were missed are requested; default: true. */
  readonly resume?: boolean;
  /** Items that an iterator holds before it ends with SlowReader; default: 1,000. */
  readonly queue?: number;
  /** Class of the connections, such as that of `ws`; default: globalThis.WebSocket. */
  readonly WebSocket?: new (url: string) => Socket;
}

/** Options with their defaults, without what only the transport needs. */
export type Settings = Required<
  Pick<
    Options,
    | 'refresh'
    | 'subscriptions'
    | 'connectTimeout'
    | 'commandTimeout'
    | 'probeAfter'
    | 'pongTimeout'
    | 'resume'
    | 'queue'
  >
> & {
  readonly backoff: Backoff;
  readonly clientId: string | undefined;
  readonly pair: TokenPair | undefined;
  readonly asks: boolean;
};

/** The options with their defaults. */
export function settingsOf(options: Options): Settings {
  const { token, refreshToken, getToken } = options;
  if (token === undefined && getToken === undefined) {
    throw new TypeError('Oht50Client needs the option token or getToken');
  }
  return {
    clientId: options.clientId,
    pair:
      token === undefined
        ? undefined
        : { token, ...(refreshToken === undefined ? {} : { refreshToken }) },
    asks: getToken !== undefined,
    refresh: options.refresh ?? 'client',
    subscriptions: options.subscriptions ?? [{ events: ['*'], rate: 10 }],
    backoff: { first: options.backoff?.first ?? 1000, max: options.backoff?.max ?? 30_000 },
    connectTimeout: options.connectTimeout ?? 5000,
    commandTimeout: options.commandTimeout ?? 5000,
    probeAfter: options.probeAfter ?? 2000,
    pongTimeout: options.pongTimeout ?? 2000,
    resume: options.resume ?? true,
    queue: options.queue ?? 1000,
  };
}

/** The address of the bridge that the options mean. */
export function addressOf(options: Options): string {
  const { location } = globalThis as { location?: { origin: string } };
  const text = options.url ?? location?.origin.replace(/^http/, 'ws').concat('/ws/telemetry');
  if (text === undefined) throw new TypeError('outside a page Oht50Client needs the option url');
  const url = new URL(text);
  if (!['ws:', 'wss:'].includes(url.protocol))
    throw new TypeError(`not an address of a WebSocket: ${text}`);
  return url.href;
}

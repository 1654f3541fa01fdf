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
import type { Socket } from './options.js';

/** What happens to connections. */
export interface Listener {
  opened(connection: number): void;
  received(connection: number, data: unknown): void;
  closed(connection: number, code: number, reason: string): void;
}

const OPEN = 1;
const ABNORMAL = 1006;
/** What a close frame has room for, bytes. */
const LONGEST_REASON = 123;
const nothing = (): void => {};

/** As much of a reason as a close frame has room for: a socket refuses to close with more. */
function shortened(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= LONGEST_REASON) return reason;
  // A character that is cut in two is left out.
  return new TextDecoder().decode(bytes.subarray(0, LONGEST_REASON), { stream: true });
}

/** The sockets of a client. What comes of one that was closed here is reported to nobody. */
export class Transport {
  readonly #sockets = new Map<number, Socket>();
  readonly #make: () => Socket;
  readonly #listener: Listener;

  constructor(make: () => Socket, listener: Listener) {
    this.#make = make;
    this.#listener = listener;
  }

  /** Make a connection. */
  open(connection: number): void {
    let socket: Socket;
    try {
      socket = this.#make();
    } catch (error) {
      // Such as a page of https that may not reach ws://.
      queueMicrotask(() => this.#listener.closed(connection, ABNORMAL, String(error)));
      return;
    }
    this.#sockets.set(connection, socket);
    const current = (): boolean => this.#sockets.get(connection) === socket;
    socket.onopen = () => {
      if (current()) this.#listener.opened(connection);
    };
    socket.onmessage = ({ data }: { readonly data?: unknown }) => {
      if (current()) this.#listener.received(connection, data);
    };
    socket.onclose = ({ code, reason }: { readonly code?: number; readonly reason?: string }) => {
      if (current()) this.#end(connection, code ?? ABNORMAL, reason ?? '');
    };
    // Early versions of Node's own WebSocket report a failure by `error` alone.
    socket.onerror = () => {
      setTimeout(() => {
        if (current() && socket.readyState > OPEN) this.#end(connection, ABNORMAL, '');
      });
    };
  }

  /** Whether a text can be sent now. */
  isOpen(connection: number): boolean {
    return this.#sockets.get(connection)?.readyState === OPEN;
  }

  /** Send a text; one that cannot be sent now is dropped, its sender learns of the loss. */
  send(connection: number, text: string): void {
    if (this.isOpen(connection)) this.#sockets.get(connection)?.send(text);
  }

  /** Close a connection, and listen to it no more. */
  close(connection: number, code: number, reason: string): void {
    const socket = this.#sockets.get(connection);
    if (socket === undefined) return;
    this.#forget(connection, socket);
    socket.close(code, shortened(reason));
  }

  #end(connection: number, code: number, reason: string): void {
    const socket = this.#sockets.get(connection);
    if (socket !== undefined) this.#forget(connection, socket);
    this.#listener.closed(connection, code, reason);
  }

  #forget(connection: number, socket: Socket): void {
    this.#sockets.delete(connection);
    socket.onopen = socket.onmessage = socket.onclose = null;
    // `ws` throws an error that nobody listens to.
    socket.onerror = nothing;
  }
}

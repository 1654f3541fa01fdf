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
/** Listeners by name. A listener that fails disturbs no other. */
export class Emitter {
  readonly #listeners = new Map<string, Set<(value: never) => unknown>>();
  readonly #failed: (error: Error) => void;

  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  /** Add a listener; the function returned removes it. */
  add(name: string, listener: (value: never) => unknown): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    // Of its own, so that the same function can be added twice.
    const own = (value: never): unknown => listener(value);
    listeners.add(own);
    return () => {
      listeners.delete(own);
    };
  }

  /** Whether a name has listeners. */
  has(name: string): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  /** Call the listeners of a name. */
  emit(name: string, value: unknown): void {
    // What fails in reporting an error is not reported the same way again.
    const failed = name === 'error' ? (error: Error) => console.error(error) : this.#failed;
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        const result = listener(value as never);
        if (result instanceof Promise) result.catch((reason: unknown) => failed(asError(reason)));
      } catch (reason) {
        failed(asError(reason));
      }
    }
  }
}

/** What was thrown, as an error. */
export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason });
}

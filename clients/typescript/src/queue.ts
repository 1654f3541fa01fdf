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
import { SlowReader } from './errors.js';

/** Items for one reader; when too many wait, it ends with SlowReader after the last of them. */
export class Queue<T> implements AsyncIterableIterator<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((result: IteratorResult<T> | Promise<never>) => void)[] = [];
  readonly #most: number;
  readonly #onEnd: () => void;
  #ended = false;
  #error: Error | undefined;

  /**
   * @param most items that may wait
   * @param onEnd called once, when nothing more is taken
   */
  constructor(most: number, onEnd: () => void) {
    this.#most = most;
    this.#onEnd = onEnd;
  }

  /** Add an item. */
  push(item: T): void {
    if (this.#ended) return;
    const reader = this.#waiting.shift();
    if (reader) reader({ done: false, value: item });
    else if (this.#items.length < this.#most) this.#items.push(item);
    else this.end(new SlowReader(`${this.#most} items wait to be read`));
  }

  /** Take no more items; what waits can be read, then the error is thrown if there is one. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#onEnd();
    for (const reader of this.#waiting.splice(0)) reader(this.#last());
  }

  /** Return the next item. */
  next(): Promise<IteratorResult<T>> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    if (this.#ended) return Promise.resolve(this.#last());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** End: the reader left its loop. */
  return(): Promise<IteratorResult<T>> {
    this.#items.length = 0;
    this.end();
    return Promise.resolve(this.#last());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #last(): IteratorResult<T> | Promise<never> {
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? { done: true, value: undefined } : Promise.reject(error);
  }
}

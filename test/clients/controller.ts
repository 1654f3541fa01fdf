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
// The controller of the scenarios, as a child process.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What the controller answers, or what an act or a scenario says. */
export type Json = { readonly [key: string]: unknown };

/** A bridge and a proxy before it, in a process of their own. */
export class Controller {
  readonly #process: ChildProcess;
  readonly #waiting: ((answer: Json) => void)[] = [];
  readonly #ended: Promise<void>;

  /**
   * @param python a Python that has the package installed
   * @param program path of controller.py
   */
  constructor(python: string, program: string) {
    this.#process = spawn(python, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as Json);
    });
    this.#ended = new Promise((resolve) => this.#process.on('close', () => resolve()));
  }

  /** Wait for the address for clients. */
  async open(): Promise<string> {
    return (await this.#answer())['url'] as string;
  }

  /** Have an act done. */
  async act(act: Json): Promise<Json> {
    const answer = this.#answer();
    this.#process.stdin!.write(`${JSON.stringify(act)}\n`);
    const result = await answer;
    if (result['ok'] !== true)
      throw new Error(`${JSON.stringify(act)}: ${String(result['error'])}`);
    return result;
  }

  /** End it. */
  async close(): Promise<void> {
    this.#process.stdin!.end();
    await this.#ended;
  }

  #answer(): Promise<Json> {
    const ended = this.#ended.then((): never => {
      throw new Error('the controller ended');
    });
    return Promise.race([new Promise<Json>((resolve) => this.#waiting.push(resolve)), ended]);
  }
}

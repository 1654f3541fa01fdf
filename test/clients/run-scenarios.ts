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
// Run scenarios against the TypeScript client.
//
//   node build/run-scenarios.js ws|built-in|chromium PYTHON [NAME ...]
//
// ws, built-in, chromium: whose WebSocket the client uses, the last one in that browser. PYTHON:
// one that has the package installed. NAME: of a scenario; without one they are read from the
// standard input, a line each. Prints for each a line of JSON: its name, the seconds it took, and
// the error if it failed.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { WebSocket } from 'ws';

import { Browser } from './browser.js';
import { Controller } from './controller.js';
import { Run } from './scenario.js';
import type { Scenario } from './scenario.js';

const folder = new URL('..', import.meta.url);
const [whose, python = 'python3', ...names] = process.argv.slice(2);
const scenarios = JSON.parse(
  readFileSync(new URL('scenarios.json', folder), 'utf8'),
) as Scenario[];
const controller = new Controller(python, fileURLToPath(new URL('controller.py', folder)));
const url = await controller.open();
const options = { url, ...(whose === 'ws' ? { WebSocket } : {}) };
const browser = whose === 'chromium' ? await Browser.open(controller) : undefined;

for await (const name of names.length > 0 ? names : createInterface({ input: process.stdin })) {
  const begun = performance.now();
  let error: string | undefined;
  try {
    const scenario = scenarios.find((each) => each.name === name);
    if (scenario === undefined) throw new Error('there is no such scenario');
    await (browser?.run(scenario, url) ?? Run.run(controller, scenario, options));
  } catch (reason) {
    error = reason instanceof Error ? reason.message : String(reason);
  }
  const seconds = Math.round(performance.now() - begun) / 1000;
  console.log(JSON.stringify({ name, seconds, error }));
}
await browser?.close();
await controller.close();

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
// Run the scenarios against the TypeScript client.
//
//   node build/run-scenarios.js ws|built-in PYTHON [NAME ...]
//
// ws, built-in: whose WebSocket the client uses. PYTHON: one that has the package installed.
// NAME: of a scenario; without it all are run. Prints for each a line of JSON: its name, the
// seconds it took, and the error if it failed; exit code 1 if one did.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { WebSocket } from 'ws';

import { Controller } from './controller.js';
import { Run } from './scenario.js';
import type { Scenario } from './scenario.js';

const PARALLEL = 4;
const folder = new URL('..', import.meta.url);
const [whose, python = 'python3', ...names] = process.argv.slice(2);
const all = JSON.parse(readFileSync(new URL('scenarios.json', folder), 'utf8')) as Scenario[];
const left = all.filter(({ name }) => names.length === 0 || names.includes(name));
// Most of them wait most of the time.
await Promise.all(Array.from({ length: Math.min(PARALLEL, left.length) }, work));

async function work(): Promise<void> {
  const controller = new Controller(python, fileURLToPath(new URL('controller.py', folder)));
  const url = await controller.open();
  for (let scenario = left.shift(); scenario; scenario = left.shift()) {
    const begun = performance.now();
    let error: string | undefined;
    try {
      await Run.run(controller, scenario, { url, ...(whose === 'ws' ? { WebSocket } : {}) });
    } catch (reason) {
      error = reason instanceof Error ? reason.message : String(reason);
      process.exitCode = 1;
    }
    const seconds = Math.round(performance.now() - begun) / 1000;
    console.log(JSON.stringify({ name: scenario.name, seconds, error }));
  }
  await controller.close();
}

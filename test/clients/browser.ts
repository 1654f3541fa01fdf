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
// The scenarios in a browser: what happens to the bridge is asked of the server of the page.
import type { Controller, Json } from './controller.js';
import { Run } from './scenario.js';
import type { Scenario } from './scenario.js';

const controller = {
  async act(act: Json): Promise<Json> {
    const answer = await fetch('/act', { method: 'POST', body: JSON.stringify(act) });
    const result = (await answer.json()) as Json;
    if (result['ok'] !== true)
      throw new Error(`${JSON.stringify(act)}: ${String(result['error'])}`);
    return result;
  },
} as unknown as Controller;

/** Run a scenario; the error if it failed. */
async function runScenario(scenario: Scenario, url: string): Promise<string | null> {
  try {
    await Run.run(controller, scenario, { url });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

Object.assign(globalThis, { runScenario });

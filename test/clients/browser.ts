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
// Chromium, in which scenarios run. What they load there comes from a web server of their own.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { chromium } from 'playwright-core';
import type { Browser as Chromium, Page } from 'playwright-core';

import type { Controller, Json } from './controller.js';
import type { Scenario } from './scenario.js';

const CLIENT = new URL('../../../clients/typescript/dist/', import.meta.url);
const DOCUMENT =
  '<!doctype html><title>scenarios</title><link rel="icon" href="data:,">' +
  '<script type="importmap">{"imports": {"oht50-client": "/client/index.js"}}</script>';

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, folder = '', file = ''] = (request.url ?? '/').split('/');
  const type = folder === '' ? 'text/html' : 'text/javascript';
  const from = folder === 'client' ? CLIENT : import.meta.url;
  const content = folder === '' ? DOCUMENT : await readFile(new URL(file, from));
  response.writeHead(200, { 'content-type': type }).end(content);
}

/** A page in Chromium that runs scenarios. */
export class Browser {
  readonly #chromium: Chromium;
  readonly #page: Page;
  readonly #server: Server;

  private constructor(program: Chromium, page: Page, server: Server) {
    this.#chromium = program;
    this.#page = page;
    this.#server = server;
  }

  /**
   * Start Chromium: that of the environment variable CHROMIUM, else that of apt.
   *
   * @param controller has acts done
   */
  static async open(controller: Controller): Promise<Browser> {
    const server = createServer((request, response) => void serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const program = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: process.geteuid?.() === 0 ? ['--no-sandbox'] : [],
    });
    const page = await program.newPage();
    await page.exposeFunction('act', (act: Json) => controller.act(act));
    const browser = new Browser(program, page, server);
    await page.goto(browser.#site);
    return browser;
  }

  get #site(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * Run a scenario.
   *
   * @param url address of the bridge
   */
  async run({ bridge, ...rest }: Scenario, url: string): Promise<void> {
    const scenario: Scenario = { ...rest, bridge: { ...bridge, origins: [this.#site] } };
    await this.#page.evaluate(
      async ({ scenario, url, path }) => {
        const { Run } = (await import(path)) as typeof import('./scenario.js');
        const { act } = globalThis as unknown as { act: (act: Json) => Promise<Json> };
        await Run.run({ act }, scenario, { url });
      },
      { scenario, url, path: '/tests/scenario.js' },
    );
  }

  /** End it. */
  async close(): Promise<void> {
    await this.#chromium.close();
    this.#server.close();
  }
}

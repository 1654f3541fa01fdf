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
// Drives a browser for the tests, which are written in Python: a line of JSON on the standard input
// is a call of Playwright, the line on the standard output its outcome. What a page complains about
// is collected.
//
// {"id": 1, "on": "page-1", "calls": [["getByRole", "button", {"name": "STOP"}], ["click"]]}
// {"id": 1, "value": ...} or {"id": 1, "object": "page-1"} or {"id": 1, "error": "..."}
import { createInterface } from 'node:readline';

import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const objects = new Map();
const complaints = [];
let count = 0;

/** What stays here, by a method that it alone has. */
const kinds = [
  ['context', 'newPage'],
  ['page', 'goto'],
  ['session', 'detach'],
];

/** Keep an object; return its name. */
function keep(kind, object) {
  const name = `${kind}-${++count}`;
  objects.set(name, object);
  return name;
}

/** Collect what a page complains about. */
function watch(page) {
  const note = (kind, text) => complaints.push({ kind, text, url: page.url() });
  page.on('console', (message) => note(`console ${message.type()}`, message.text()));
  page.on('pageerror', (error) => note('error', String(error.stack ?? error)));
  page.on('crash', () => note('crash', 'the page crashed'));
  page.on('dialog', (dialog) => {
    note('dialog', dialog.message());
    void dialog.dismiss();
  });
}

/** Reports of the Content Security Policy, beside what is on the console. */
function reportViolations() {
  document.addEventListener('securitypolicyviolation', (event) =>
    globalThis.noteViolation?.(`${event.violatedDirective} ${event.blockedURI}`),
  );
}

/** What the driver can do besides Playwright. */
const own = {
  async context(options) {
    const context = await objects.get('browser').newContext(options);
    context.on('page', watch);
    await context.exposeFunction('noteViolation', (text) =>
      complaints.push({ kind: 'policy', text, url: '' }),
    );
    await context.addInitScript(reportViolations);
    return context;
  },
  complaints() {
    return complaints.splice(0);
  },
  async axe(page, tags) {
    const { violations } = await new AxeBuilder({ page: objects.get(page) })
      .withTags(tags)
      .analyze();
    return violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`),
    }));
  },
  /** Requests of the DevTools protocol. */
  async session(page) {
    return objects.get(page).context().newCDPSession(objects.get(page));
  },
};

/** Do the calls one after the other, each on what the one before returned. */
async function act({ on, calls }) {
  let target = on === 'driver' ? own : objects.get(on);
  if (target === undefined) throw new Error(`there is no ${on}`);
  for (const [method, ...values] of calls) {
    const member = target[method];
    target = await (typeof member === 'function' ? member.apply(target, values) : member);
  }
  const kind = kinds.find(([, method]) => typeof target?.[method] === 'function')?.[0];
  return kind === undefined ? { value: target ?? null } : { object: keep(kind, target) };
}

const { args, executablePath } = JSON.parse(process.argv[2]);
// As people have it: with the cache for back and forward, and with slow timers in the background.
const ignoreDefaultArgs = [
  '--disable-back-forward-cache',
  '--disable-background-timer-throttling',
];
objects.set('browser', await chromium.launch({ executablePath, args, ignoreDefaultArgs }));
console.log('{}');
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await act(request);
  } catch (error) {
    answer = { error: String(error?.message ?? error) };
  }
  console.log(JSON.stringify({ id: request.id, ...answer }));
}
await objects.get('browser').close();

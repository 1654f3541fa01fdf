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
// Opens the page of a vehicle in Chromium at 1920x1080 and measures it; driven by bench/page.py.
//
//   node bench/page.mjs '{"link": ..., "executablePath": ..., "args": []}'
//
// A line on the standard input is a request, that on the standard output its answer: `load` opens
// the page as somebody who was never here, and gives when it was painted and when it was live, in ms
// from the navigation; `open` opens it for the other requests; `reset` forgets the frames, `figures`
// gives them with memory and nodes, `slow` lets the page have a quarter of the processor, `stop`
// presses STOP and gives how long STOPPED took, in ms.
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

/** Counts frames by their length, in steps of 0.1 ms up to 200 ms, and tasks above 50 ms. */
function record() {
  const counts = new Uint32Array(2000);
  let last;
  let tasks = 0;
  let since = 0;
  const frame = (now) => {
    if (last !== undefined) counts[Math.min(1999, Math.floor((now - last) * 10))] += 1;
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const count = (entries) => {
    tasks += entries.filter(({ startTime }) => startTime >= since).length;
  };
  const observer = new PerformanceObserver((list) => count(list.getEntries()));
  observer.observe({ entryTypes: ['longtask'] });
  // What was before, such as the collection of garbage for a measurement, is not of the page.
  globalThis.resetFrames = () => {
    counts.fill(0);
    tasks = 0;
    last = undefined;
    since = performance.now();
  };
  globalThis.frames = () => {
    count(observer.takeRecords());
    return { counts: [...counts], tasks };
  };
  globalThis.stopped = [];
  addEventListener('pointerdown', () => (globalThis.pressed = performance.now()), true);
  new MutationObserver(() => {
    if (document.querySelector('#stop')?.dataset.state === 'stopped' && globalThis.pressed) {
      const { pressed } = globalThis;
      globalThis.pressed = undefined;
      // Shown with the next frame.
      requestAnimationFrame(() => globalThis.stopped.push(performance.now() - pressed));
    }
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-state'] });
}

/** Notes when the link is shown as live. */
function noteLive() {
  new MutationObserver((_, observer) => {
    if (document.querySelector('#link[data-link="live"]') === null) return;
    observer.disconnect();
    // Shown with the next frame.
    requestAnimationFrame(() => (globalThis.liveAt = performance.now()));
  }).observe(document, { subtree: true, childList: true, attributeFilter: ['data-link'] });
}

/** When something of the page was painted first, and when it was live. */
async function loaded() {
  const paint = await new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const [entry] = list.getEntriesByName('first-contentful-paint');
      if (entry !== undefined) resolve(entry.startTime);
    }).observe({ type: 'paint', buffered: true });
  });
  while (globalThis.liveAt === undefined) await new Promise(requestAnimationFrame);
  return { paint, live: globalThis.liveAt };
}

const LIVE = '#link[data-link="live"]';
const { link, executablePath, args } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath, args });
let page;
let session;

/** Open an empty page as somebody of its own, with a script. */
async function come(script) {
  const context = await browser.newContext({
    viewport: { width: 1920, height: 1080 },
    locale: 'en-GB',
  });
  const made = await context.newPage();
  made.on('pageerror', (error) => console.error(error));
  await made.addInitScript(script);
  return made;
}

const acts = {
  async load() {
    const visited = await come(noteLive);
    await visited.goto(link);
    await visited.locator(LIVE).waitFor();
    const figures = await visited.evaluate(loaded);
    await visited.context().close();
    return figures;
  },
  async open() {
    page = await come(record);
    await page.goto(link);
    await page.locator(LIVE).waitFor();
    await page.locator('.uplot, .trend canvas').first().waitFor();
    session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.enable');
    return {};
  },
  reset: async () => (await page.evaluate(() => globalThis.resetFrames()), {}),
  async figures() {
    const frames = await page.evaluate(() => globalThis.frames());
    for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    const { nodes } = await session.send('Memory.getDOMCounters');
    return { ...frames, heap: usedSize, nodes };
  },
  slow: () => session.send('Emulation.setCPUThrottlingRate', { rate: 4 }),
  async stop() {
    await page.locator('#stop[data-state="ready"]').waitFor();
    await page.locator('.stop-button').click();
    await page.locator('#stop[data-state="stopped"]').waitFor();
    await page.waitForTimeout(50);
    return { ms: await page.evaluate(() => globalThis.stopped.splice(0)) };
  },
};
console.log('{}');
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await acts[line]()));
}
await browser.close();

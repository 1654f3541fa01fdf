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
import { h, setAttribute, show } from '../dom.js';
import { t } from '../i18n/index.js';
import type { Plot } from '../plot.js';
import type { TrendName } from '../facts.js';
import type { Store } from '../store.js';

/** A canvas is drawn again after so long at most, ms; a pixel of ten minutes is two seconds. */
const DRAWN_EACH = 250;

/** When the library for charts could not be loaded, it is tried again after so long, ms. */
const LOADED_EACH = 5000;

let library: Promise<typeof import('../plot.js')> | undefined;

/** The page was painted. */
const painted = new Promise<void>((resolve) => {
  new PerformanceObserver((list) => {
    if (list.getEntriesByName('first-contentful-paint').length > 0) resolve();
  }).observe({ type: 'paint', buffered: true });
});

/** Load the library for charts, which nothing but the trends waits for, nor the first paint. */
function loadPlots(): Promise<typeof import('../plot.js')> {
  library ??= painted
    .then(() => import('../plot.js'))
    .catch((error: unknown) => {
      library = undefined;
      throw error;
    });
  return library;
}

/** What a trend shows. */
export interface TrendOptions {
  readonly name: TrendName;
  readonly label: string;
  readonly unit: string;
  readonly digits: number;
  /** Least and most of the axis. */
  readonly range: () => [number, number];
}

/** A curve of the last minutes; one chart for life. */
export function mountTrend(element: HTMLElement, store: Store, options: TrendOptions): () => void {
  const trend = store.trends[options.name];
  let drawn = -Infinity;
  let plot: Plot | undefined;
  let asked = -Infinity;
  let isOver = false;
  const chart = h('div', { class: 'chart', 'aria-hidden': 'true' });
  const load = async (at: number): Promise<void> => {
    if (plot || at - asked < LOADED_EACH) return;
    asked = at;
    try {
      const { Plot } = await loadPlots();
      if (isOver) return;
      plot = new Plot(chart, () => {
        drawn = -Infinity;
      });
    } catch {
      // The next attempt follows; the table shows the values meanwhile.
    }
  };
  const silence = h('div', { class: 'trend-silence', 'aria-hidden': 'true' });
  const table = h('table');
  const details = h('details', { class: 'trend-table' }, h('summary', {}, t.asTable), table);
  const drawing = h('div', { class: 'trend', role: 'img', tabindex: 0 }, chart, silence);
  element.append(drawing, details);

  const now = (): number => performance.now() / 1000;
  const describe = (): void => {
    const { minutes } = store.settings;
    const range = trend.range(minutes, now());
    const number = (value: number): string => t.format.number(value, options.digits);
    const text = range
      ? t.trendText(
          options.label,
          minutes,
          number(range.least),
          number(range.most),
          `${number(range.last)} ${options.unit}`,
        )
      : `${options.label}: ${t.noDataYet}`;
    setAttribute(drawing, 'aria-label', text);
  };
  describe();
  drawing.addEventListener('focus', describe);
  details.addEventListener('toggle', () => {
    if (!details.open) return;
    const rows = trend
      .table(store.settings.minutes, now())
      .map(({ ago, value }) =>
        h(
          'tr',
          {},
          h('td', {}, t.ago(t.format.age(ago * 1000))),
          h('td', {}, value === null ? '--' : t.format.number(value, options.digits)),
        ),
      );
    const head = h(
      'tr',
      {},
      h('th', {}, t.time),
      h('th', {}, `${options.label}, ${options.unit}`),
    );
    table.replaceChildren(h('caption', {}, options.label), head, ...rows);
  });

  const off = store.watch(() => {
    const at = performance.now();
    void load(at);
    if (at - drawn < DRAWN_EACH || store.isFrozen) return;
    drawn = at;
    const { minutes } = store.settings;
    const window = [at / 1000 - minutes * 60, at / 1000] as const;
    plot?.draw(trend.curve(minutes), window, options.range());
    const stale = store.freshness('telemetry.realtime');
    const silent = trend.last === undefined ? 0 : at / 1000 - trend.last;
    const isSilent = (stale === 'stale' || stale === 'lost') && silent > 0;
    show(silence, isSilent);
    if (isSilent) {
      silence.style.width = `${Math.min(100, (silent / (minutes * 60)) * 100).toFixed(2)}%`;
    }
  });
  return () => {
    isOver = true;
    off();
    plot?.destroy();
  };
}

/** The choice of how long the trends are. */
export function minutesChoice(store: Store): HTMLElement {
  const choice = h('div', { class: 'choice', role: 'group', 'aria-label': t.trendLength });
  const buttons = ([1, 10, 60] as const).map((minutes) => {
    const each = h(
      'button',
      { type: 'button', onclick: () => store.set('minutes', minutes), 'data-minutes': minutes },
      t.minutes(minutes),
    );
    return each;
  });
  choice.append(...buttons);
  const update = (): void => {
    for (const each of buttons) {
      const chosen = each.dataset['minutes'] === String(store.settings.minutes);
      setAttribute(each, 'aria-pressed', String(chosen));
    }
  };
  update();
  choice.addEventListener('click', update);
  return choice;
}

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
import { button, h, refill, setAttribute, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import { DRAWN, jsonLines } from '../logic/logbook.js';
import type { Filter, Row } from '../logic/logbook.js';
import type { Store } from '../store.js';
import { panel } from './widget.js';

const FAMILIES = ['', 'system.', 'mission.', 'safety.', 'config.', 'module.', 'page.'] as const;
const SEVERITIES = ['', 'alarm', 'warning', 'info'] as const;
const SIGNS: Readonly<Record<Row['severity'], string>> = { alarm: '■', warning: '▲', info: '·' };

function line(row: Row): HTMLElement {
  return h(
    'li',
    { 'data-severity': row.severity },
    h('time', { title: t.format.utc(row.time) }, t.format.time(row.time)),
    h(
      'span',
      { class: 'sign', role: 'img', 'aria-label': t.severities[row.severity] },
      SIGNS[row.severity],
    ),
    h('span', { class: 'type' }, row.type),
    h('span', { class: 'text' }, row.text),
  );
}

/** The newest events, commands and changes of the link. */
function mount(element: HTMLElement, store: Store, isFull: boolean): () => void {
  const filter: Filter = { family: '', text: '', severity: '' };
  const set = (change: Partial<Filter>): void => {
    Object.assign(filter, change);
    store.changed();
  };
  const text = h('input', {
    type: 'search',
    id: isFull ? 'log-text' : 'log-text-short',
    class: 'log-filter',
    'aria-label': t.filterText,
    placeholder: t.filterText,
    oninput: (event: Event) => set({ text: (event.target as HTMLInputElement).value }),
  });
  const select = <T extends string>(
    label: string,
    values: readonly T[],
    name: (value: T) => string,
    chosen: (value: T) => void,
  ): HTMLSelectElement => {
    const element = h('select', {
      'aria-label': label,
      onchange: (event: Event) => chosen((event.target as HTMLSelectElement).value as T),
    });
    for (const value of values) element.append(h('option', { value }, name(value)));
    return element;
  };
  const family = select(
    t.filterType,
    FAMILIES,
    (value) => (value === '' ? t.allTypes : value === 'page.' ? t.thisPage : `${value}*`),
    (value) => set({ family: value }),
  );
  const severity = select(
    t.filterSeverity,
    SEVERITIES,
    (value) => (value === '' ? t.allSeverities : t.severities[value]),
    (value) => set({ severity: value }),
  );
  const pause = button(t.pauseLog, () => {
    store.log.setPaused(!store.log.isPaused);
    store.changed();
  });
  const copy = button(t.copyLines, () => {
    const found = store.log.find(filter);
    const done = navigator.clipboard
      ? navigator.clipboard.writeText(jsonLines(found))
      : Promise.reject(new Error());
    done.then(
      () => store.say(t.copied(found.length)),
      () => offer(jsonLines(found)),
    );
  });
  const read = button(t.readNew, () => {
    const newest = store.log.find(filter)[0];
    store.announce(newest ? `${t.format.time(newest.time)} ${newest.text}` : t.noRows);
  });
  const manual = h('textarea', { class: 'copy', readonly: true, hidden: true, rows: 6 });
  manual.setAttribute('aria-label', t.copyLines);
  // Pages of plain http may not write to the clipboard.
  const offer = (lines: string): void => {
    manual.value = lines;
    show(manual, true);
    manual.focus();
    manual.select();
    store.say(t.copyByHand);
  };
  const list = h('ol', { class: 'log' });
  const rows = h(
    'div',
    { role: 'log', 'aria-live': 'off', 'aria-label': t.log, tabindex: 0, class: 'log-rows' },
    list,
  );
  const count = h('p', { class: 'note' });
  const tools = h('div', { class: 'buttons tools' }, text, pause);
  if (isFull) tools.append(family, severity, copy, read);
  const box = panel(t.log, tools, manual, count, rows);
  box.classList.add('log-panel');
  element.replaceChildren(box);
  const most = isFull ? DRAWN : 12;
  return store.watch(() => {
    const { log } = store;
    setText(pause, log.isPaused ? t.continueLog : t.pauseLog);
    setAttribute(pause, 'aria-pressed', String(log.isPaused));
    const frozen = log.isPaused ? -1 : log.newest;
    const key = JSON.stringify([filter, frozen, store.settings.language]);
    if (refillNeeded(list, key)) {
      const found = log.find(filter);
      refill(list, key, () => found.slice(0, most).map(line));
      setText(count, found.length > most ? t.rowsShown(most, found.length) : '');
    }
    if (log.isPaused) setText(count, t.rowsWaiting(log.waiting));
  });
}

const refillNeeded = (element: Element, key: string): boolean =>
  (element as { filledWith?: string }).filledWith !== key;

/** The log of the overview. */
export function mountLog(element: HTMLElement, store: Store): () => void {
  return mount(element, store, false);
}

/** The level of the log. */
export function mountLogPage(element: HTMLElement, store: Store): () => void {
  return mount(element, store, true);
}

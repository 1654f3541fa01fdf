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
import { button, enable, h, refill, setAttribute, setText, show } from '../dom.js';
import { t } from '../i18n/index.js';
import { duration, portion } from '../logic/format.js';
import type { Store } from '../store.js';
import type { Module } from '../types.js';
import { Bar, Reading, ageNote, panel } from './widget.js';

const ASKED_EACH = 2000;
const FRESH = 3;

const SIGNS: Readonly<Record<string, string>> = { online: '●', offline: '✕', error: '▲' };
/** Of a board of which it is not known how it is now. */
const UNKNOWN = '◌';

/** Ask for the boards while they are looked at. */
function asking(store: Store): () => void {
  let asked = -Infinity;
  return store.watch(() => {
    const now = performance.now();
    if (!store.isLive || document.hidden || now - asked < ASKED_EACH) return;
    asked = now;
    void store.readModules();
  });
}

/**
 * How long ago a board was heard of, s: by the vehicle's clock until the answer came, by the steady
 * one of this computer since.
 */
function silence(store: Store, module: Module): number | undefined {
  if (module.last_seen === null) return undefined;
  const { at, time } = store.modulesReported;
  return Math.max(0, (performance.now() - at + time - Date.parse(module.last_seen)) / 1000);
}

/** How a board is: a sign and words; what it was, where nobody knows how it is now. */
function condition(store: Store, module: Module, isFull: boolean): readonly [string, string] {
  const seen = silence(store, module);
  const age = seen === undefined ? t.neverSeen : t.format.age(seen * 1000);
  const word = t.moduleStates[module.status] ?? module.status;
  if (store.freshness('modules') !== 'live') {
    return [UNKNOWN, seen === undefined ? t.neverSeen : t.was(word, age)];
  }
  return [SIGNS[module.status] ?? '?', isFull ? word : `${word}, ${age}`];
}

/** Whether a board needs a look; what was, long ago, is grey. */
function isBad(store: Store, module: Module): boolean {
  const seen = silence(store, module);
  const known = store.freshness('modules') === 'live';
  return known && (module.status !== 'online' || seen === undefined || seen > FRESH);
}

/** How old the answer is, where that matters. */
function answerAge(store: Store): string {
  const [fresh, age] = [store.freshness('modules'), store.age('modules')];
  if (age === undefined) return t.noDataYet;
  return fresh === 'live' ? '' : t.ageOf(t.format.age(age));
}

/** The boards, in a line each. */
export function mountModules(element: HTMLElement, store: Store): () => void {
  const list = h('ul', { class: 'modules' });
  const note = h('p', { class: 'note' });
  const box = panel(t.modules, list, note);
  element.replaceChildren(box);
  const offs = [
    asking(store),
    store.watch(() => {
      const modules = store.modules ?? [];
      refill(list, modules.map(({ module_id: id }) => id).join('|'), () =>
        modules.map(({ module_id: id }) =>
          h('li', {}, h('span', { class: 'sign' }), ` ${id} `, h('span')),
        ),
      );
      modules.forEach((module, i) => {
        const item = list.children[i]!;
        const [sign, words] = condition(store, module, false);
        setText(item.firstElementChild!, sign);
        setText(item.lastElementChild!, words);
        setAttribute(item, 'data-mark', isBad(store, module) ? 'abnormal' : undefined);
      });
      const fresh = store.freshness('modules');
      setText(note, answerAge(store));
      show(note, fresh !== 'live');
      setAttribute(box, 'data-fresh', fresh);
    }),
  ];
  return () => {
    for (const off of offs) off();
  };
}

const columns = (store: Store, module: Module): readonly [string, string][] => {
  const [sign, words] = condition(store, module, true);
  const seen = silence(store, module);
  const time = (value: number | null): string =>
    value === null ? '--' : `${t.format.number(value * 1000, 1)} ms`;
  return [
    [t.state, `${sign} ${words}`],
    [t.lastSeen, seen === undefined ? t.neverSeen : t.ago(t.format.age(seen * 1000))],
    [t.address, module.address],
    [t.firmware, module.firmware_version || '--'],
    [t.requests, `${module.replies} / ${module.requests}`],
    [t.timeouts, String(module.timeouts)],
    [t.crcErrors, String(module.crc_errors)],
    [t.responseTime, `${time(module.response_time_mean)} / ${time(module.response_time_max)}`],
    [t.error, [module.error_code, module.error_description].filter((x) => x).join(' ') || '--'],
  ];
};

/** The boards in full, the computer, and the stream. */
export function mountModulesPage(element: HTMLElement, store: Store): () => void {
  const list = h('div', { class: 'cards' });
  const note = h('p', { class: 'note' });
  const scan = button(t.scan, () => void store.order('scan_modules', {}));
  const boards = panel(t.modules, list, note, scan);
  const [computer, stream] = [h('div'), h('div')];
  element.replaceChildren(boards, computer, stream);
  const offs = [
    asking(store),
    mountComputer(computer, store),
    mountStream(stream, store),
    store.watch(() => {
      const modules = store.modules ?? [];
      const rows = modules.map((module) => columns(store, module));
      refill(list, modules.map(({ module_id: id }) => id).join('|'), () =>
        modules.map(({ module_id: id, kind }, i) =>
          h(
            'section',
            { class: 'card' },
            h('h3', {}, id === kind ? id : `${id} (${kind})`),
            h('dl', {}, ...rows[i]!.flatMap(([name]) => [h('dt', {}, name), h('dd', {})])),
          ),
        ),
      );
      rows.forEach((row, i) => {
        const card = list.children[i]!;
        const values = card.querySelectorAll('dd');
        row.forEach(([, value], column) => setText(values[column]!, value));
        setAttribute(card, 'data-mark', isBad(store, modules[i]!) ? 'abnormal' : undefined);
      });
      const fresh = store.freshness('modules');
      setText(note, answerAge(store));
      setAttribute(boards, 'data-fresh', fresh);
      show(scan, store.mayOrder('scan_modules'));
      enable(scan, store.isLive ? '' : t.notWhileNotLive);
    }),
  ];
  return () => {
    for (const off of offs) off();
  };
}

/** Limits of docs/safety.md, SYS-007, -002, -003 and -006. */
const HEALTH = [
  ['cpu', 80, 95, 100, '%'],
  ['memory', 85, 95, 100, '%'],
  ['disk', 80, 90, 100, '%'],
  ['temperature', 70, 80, 100, '°C'],
] as const;

function mountComputer(element: HTMLElement, store: Store): () => void {
  const uptime = h('p', {});
  const parts = HEALTH.map(([name, low, high, most, unit]) => {
    const [reading, bar] = [new Reading(unit), new Bar()];
    const card = h('div', { class: 'card' }, h('h3', {}, t.health[name]), reading.element);
    card.append(bar.element);
    return { name, low, high, most, reading, bar, card };
  });
  const cards = h('div', { class: 'cards' }, ...parts.map(({ card }) => card));
  element.replaceChildren(panel(t.computer, cards, uptime));
  return store.watch(() => {
    const { status } = store;
    const fresh = store.freshness('system.status');
    for (const { name, low, high, most, reading, bar } of parts) {
      const value = status?.health[name];
      reading.update(value, 0, fresh, store.age('system.status'), undefined);
      const known = value != null && fresh !== 'never' && fresh !== 'lost';
      const mark = !known ? '' : value >= high ? 'empty' : value >= low ? 'low' : '';
      bar.update(known ? portion(value, 0, most) : undefined, '0', String(most), mark);
    }
    const text = status ? t.uptime(duration(status.uptime), status.version) : t.noDataYet;
    setText(uptime, text);
  });
}

function mountStream(element: HTMLElement, store: Store): () => void {
  const text = h('p', {});
  const rate = h('input', { type: 'range', id: 'rate', min: 1, max: 10, step: 1 });
  const value = h('output', { for: 'rate' });
  const apply = button(t.setForEverybody, () => {
    void store.order('set_telemetry_rate', { rate: rate.valueAsNumber });
  });
  const label = h('label', { for: 'rate' }, t.rateOfVehicle);
  const field = h('div', { class: 'field' }, label, rate, value, apply);
  const box = panel(t.stream, text, field);
  element.replaceChildren(box);
  let touched = false;
  rate.addEventListener('input', () => {
    touched = true;
    store.changed();
  });
  return store.watch(() => {
    const { stream } = store;
    const fresh = store.freshness('telemetry.status');
    if (stream && !touched) rate.value = String(stream.rate);
    setText(value, `${t.format.number(rate.valueAsNumber, 0)} Hz`);
    const words = stream
      ? t.streamText(t.format.number(stream.rate, 1), stream.connected_clients)
      : t.noDataYet;
    const note = ageNote(fresh, store.age('telemetry.status'), '', undefined);
    setText(text, note && fresh !== 'never' ? `${words} (${note})` : words);
    setAttribute(box, 'data-fresh', fresh);
    show(field, store.mayOrder('set_telemetry_rate'));
    enable(apply, store.isLive ? '' : t.notWhileNotLive);
  });
}
